/**
 * npm run simulate:long -- --minutes 60 [--world full]
 *
 * Goes on where long-runs.json says that the last one ended, and keeps its count there: committed, it goes on from
 * machine to machine. Each world has a count of its own: `small` are three nodes, `full` 5 to 50 nodes and two to four
 * controllers.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runMany } from './run-many.ts';

interface Count {
  readonly runs: number;
  readonly failedSeeds: readonly number[];
  readonly virtualHours: number;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    world: { type: 'string', default: 'small' },
    processes: { type: 'string', default: String(availableParallelism()) },
  },
});
const worlds: Readonly<Record<string, { readonly options: readonly string[]; readonly batch: number }>> = {
  small: { options: ['--nodes', '3'], batch: 500 },
  full: { options: ['--size', 'full'], batch: 50 },
};
const world = worlds[values.world];
if (world === undefined) throw new Error(`there is no world "${values.world}": ${Object.keys(worlds).join(', ')}`);

const path = join(import.meta.dirname, 'long-runs.json');
const end = performance.now() + Number(values.minutes) * 60_000;
const processes = Number(values.processes);

let count = readCounts()[values.world] ?? { runs: 0, failedSeeds: [], virtualHours: 0 };
do {
  const from = count.runs + 1;
  const found = await runMany(from, from + world.batch * processes - 1, processes, world.options);
  count = {
    runs: count.runs + found.runs,
    failedSeeds: [...count.failedSeeds, ...found.violations.map(({ seed }) => seed)],
    virtualHours: count.virtualHours + found.virtualMs / 3_600_000,
  };
  for (const { seed, invariant, detail } of found.violations) console.log(`seed ${seed}: ${invariant}: ${detail}`);
  writeCount(count);
  console.log(
    `${count.runs} runs of the ${values.world} world, ${count.failedSeeds.length} failed, ${Math.round(count.virtualHours)} h of virtual time`,
  );
} while (performance.now() < end);
process.exitCode = count.failedSeeds.length > 0 ? 1 : 0;

function readCounts(): Record<string, Count> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, Count>;
}

/** Whole, or not at all; the other world's count may have grown meanwhile. */
function writeCount(next: Count): void {
  const counts = { ...readCounts(), [values.world]: { ...next, virtualHours: Number(next.virtualHours.toFixed(2)) } };
  writeFileSync(`${path}.new`, `${JSON.stringify(counts, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
}
