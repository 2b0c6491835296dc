import { containsRange, findOverlap, makeRangeSet, subtract, type RangeSet } from '../../core/range-set.ts';
import { formatRange, parseRangeText, type Range } from '../../core/range.ts';
import type { Command, Context } from '../command.ts';
import { dryRunSuffix } from '../confirm.ts';
import { DONE } from '../exit-code.ts';
import { LocalError } from '../failure.ts';
import { poolObjectName, readPoolName } from '../names.ts';
import { DRY_RUN } from '../options.ts';
import { printChanges } from '../printer.ts';
import type { AddressPool } from '../../protocol.ts';
import { updatePool } from '../update-pool.ts';
import { UsageError } from '../usage.ts';

const POSITIONALS = [
  { name: 'name', describe: "the pool's name", completes: 'pool' },
  { name: 'address', describe: 'addresses, CIDRs or first-last', many: true },
] as const;

export const poolReserve: Command = {
  path: ['pool', 'reserve'],
  summary: 'Keep addresses of a pool from being handed out',
  details: 'Who holds one already keeps it until it is released.',
  positionals: POSITIONALS,
  options: [DRY_RUN],
  examples: [
    ['pool reserve blue 10.0.0.5', 'one address'],
    ['pool reserve blue 10.0.0.64/28 10.0.0.100-10.0.0.110', 'many'],
  ],
  run: (context) => changeReserved(context, 'reserved', addEntries),
};

export const poolUnreserve: Command = {
  path: ['pool', 'unreserve'],
  summary: 'Let reserved addresses be handed out again',
  details: 'Only what "pool reserve" or spec.reserved reserved: gateway, network and broadcast address stay.',
  positionals: POSITIONALS,
  options: [DRY_RUN],
  examples: [['pool unreserve blue 10.0.0.5', 'also out of the middle of a reserved range']],
  run: (context) => changeReserved(context, 'unreserved', removeFromEntries),
};

type Change = (entries: readonly string[], wanted: readonly Range[], pool: string) => readonly string[];

/** Entries stay as somebody wrote them; what they cover already is not added again. */
const addEntries: Change = (entries, wanted) => {
  const covered = makeRangeSet(entries.map(readRange));
  return [...entries, ...wanted.filter((range) => !containsRange(covered, range)).map(formatRange)];
};

/** An entry that is hit in its middle leaves its two ends. */
const removeFromEntries: Change = (entries, wanted, pool) => {
  const covered = makeRangeSet(entries.map(readRange));
  const stranger = wanted.find((range) => !findOverlap(covered, range));
  if (stranger) throw new LocalError(`${formatRange(stranger)} is not in spec.reserved of pool ${pool}`);
  const removed = makeRangeSet(wanted);
  return entries.flatMap((entry) => {
    const range = readRange(entry);
    return findOverlap(removed, range) ? subtract([range], removed).map(formatRange) : [entry];
  });
};

async function changeReserved(context: Context, word: string, change: Change): Promise<number> {
  const { client, values, printer } = context;
  const name = readPoolName(values.required('name'));
  const wanted = values.list('address').map(readRange);
  const { pool, change: done } = await updatePool(
    client(),
    name,
    (spec) => ({ ...spec, reserved: change(spec.reserved ?? [], wanted, name) }),
    values.flag('dry-run'),
  );
  const what = wanted.map(formatRange).join(', ');
  const words = `${done === 'unchanged' ? `has ${what} ${word} already` : `${word} ${what}`}${dryRunSuffix(context)}`;
  await printChanges(printer, [{ object: pool, name: poolObjectName(pool), words }]);
  // Allowed: the pool may grow there. More often it is a slip of the hand.
  const ranges = rangesOfPool(pool);
  const outside = wanted.filter((range) => !findOverlap(ranges, range)).map(formatRange);
  if (outside.length > 0) printer.note(`${outside.join(', ')} lies in no range of pool ${name}.`);
  return DONE;
}

const rangesOfPool = ({ spec }: AddressPool): RangeSet =>
  makeRangeSet(spec.ranges.map((range) => readRange('cidr' in range ? range.cidr : `${range.first}-${range.last}`)));

function readRange(text: string): Range {
  const range = parseRangeText(text);
  if (!range.ok) throw new UsageError(range.refusal.detail);
  return range.value;
}
