import type { AddressBinding, AddressPool } from '../../protocol.ts';
import type { ClientEvent } from '../../client/events.ts';
import type { Command, Context } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { formatRange } from '../print-pools.ts';
import type { Format } from '../printer.ts';
import { formatTable } from '../table.ts';
import { UsageError } from '../usage.ts';

const USUAL_LAST = 20;
const COLUMNS = ['TIME', 'EVENT', 'ADDRESS', 'SUBINSTANCE', 'SUBID', 'POOL'];
/** A stream cannot know how wide its columns will be: wide enough for most. */
const STREAM_WIDTHS = [24, 11, 15, 11, 15, 0];

export const events: Command = {
  path: ['events'],
  summary: 'What changed last, and with --follow every change from now on',
  details:
    'A record that was released is remembered until its address is given to somebody else or the record is cleaned away. --follow goes on over restarts of the controller, until Ctrl-C.',
  options: [
    { name: 'follow', alias: 'f', describe: 'go on with what changes from now on' },
    { name: 'last', value: 'NUMBER', describe: `how many of the remembered changes (${USUAL_LAST}; with --follow none)` },
  ],
  examples: [
    ['events', 'who came and went last'],
    ['events --follow', 'watch'],
    ['events --follow -o json', 'one JSON document a line, for a program'],
  ],
  async run(context) {
    const { values, printer, client } = context;
    const follow = values.flag('follow');
    const last = readLast(values.text('last'), follow);
    if (!follow) {
      await printRemembered(context, await readRemembered(context, last));
      return DONE;
    }
    // The stream is opened before the past is read: what happens in between is told twice rather than never.
    for await (const event of client().events({ signal: context.world.interrupted })) {
      if (event.type === 'connected' && !event.again) {
        if (printer.headers && !isStructured(printer.format)) printStreamRow(context, COLUMNS);
        for (const change of last > 0 ? await readRemembered(context, last) : []) await printChange(context, change);
        printer.note('Following; Ctrl-C ends it.');
      } else if (event.type === 'connected')
        printer.note('The controller is back; what changed meanwhile was missed ("berthctl events" has what is remembered).');
      else if (event.type === 'lost') printer.note(`Lost the controller: ${event.error.message}; waiting for it.`);
      else await printChange(context, toChange(context, event));
    }
    return DONE;
  },
};

const isStructured = (format: Format | undefined): boolean => format === 'json' || format === 'yaml' || format === 'name';

interface Change {
  readonly time: string;
  readonly event: string;
  readonly object: AddressBinding | AddressPool;
}

function readLast(text: string | undefined, follow: boolean): number {
  if (text === undefined) return follow ? 0 : USUAL_LAST;
  if (!/^\d{1,7}$/.test(text)) throw new UsageError(`--last: "${text}" is no number`, 'events');
  return Number(text);
}

/** The latest known change of each record, oldest first. */
async function readRemembered({ client }: Context, last: number): Promise<Change[]> {
  const changes: Change[] = [];
  for await (const binding of client().eachBinding({ state: 'all' })) changes.push(changeOf(binding));
  changes.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return changes.slice(Math.max(0, changes.length - last));
}

const changeOf = (binding: AddressBinding): Change => ({
  time: binding.spec.releasedAt ?? binding.spec.boundAt,
  event: binding.spec.releasedAt === undefined ? 'Bound' : 'Released',
  object: binding,
});

/** Live events carry the time at which they arrive here: not every change has a time of its own. */
function toChange({ world }: Context, event: Extract<ClientEvent, { object: unknown }>): Change {
  const { type, object } = event;
  const time = new Date(world.timers.now()).toISOString();
  if (object.kind === 'AddressPool') return { time, event: type === 'put' ? 'PoolChanged' : 'PoolDeleted', object };
  return { time, event: type === 'put' ? changeOf(object).event : 'Forgotten', object };
}

async function printRemembered(context: Context, changes: readonly Change[]): Promise<void> {
  const { printer } = context;
  if (isStructured(printer.format)) {
    for (const change of changes) await printChange(context, change);
  } else if (changes.length === 0) printer.note('Nothing is remembered.');
  else printer.table({ columns: COLUMNS, rows: changes.map(rowOf) });
}

async function printChange(context: Context, change: Change): Promise<void> {
  const { printer } = context;
  if (printer.format === 'json' || printer.format === 'yaml') await printer.documentLine(change);
  else if (printer.format === 'name') printer.line(`${change.object.kind.toLowerCase()}/${change.object.metadata.name}`);
  else printStreamRow(context, rowOf(change));
}

function rowOf({ time, event, object }: Change): string[] {
  if (object.kind === 'AddressPool') return [time, event, object.spec.ranges.map(formatRange).join(','), '-', '-', object.metadata.name];
  const { address, subinstance, subid, pool } = object.spec;
  return [time, event, address, subinstance, subid, pool];
}

function printStreamRow({ world }: Context, cells: readonly string[]): void {
  world.stdout.write(formatTable({ columns: COLUMNS, rows: [cells] }, { headers: false, colours: false, widths: STREAM_WIDTHS }));
}
