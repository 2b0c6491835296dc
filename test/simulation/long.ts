/**
 * npm run simulate:long -- --minutes 60 [--world full]
 *
 * Goes on where it was, in a file outside the checkout, and says in the end how many runs there were in all. Each world
 * has a count of its own: `small` are three nodes, `full` 5 to 50 nodes and two to four controllers.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
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
  small: { options: ['--nodes', '3'], batch: 100 },
  full: { options: ['--size', 'full'], batch: 10 },
};
const world = worlds[values.world];
if (world === undefined) throw new Error(`there is no world "${values.world}": ${Object.keys(worlds).join(', ')}`);

const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'berth', 'simulation');
const path = join(folder, `${values.world}.json`);
const end = performance.now() + Number(values.minutes) * 60_000;
const processes = Number(values.processes);

let count = readCount();
do {
  const from = count.runs + 1;
  const found = await runMany(from, from + world.batch * processes - 1, processes, world.options);
  count = {
    runs: count.runs + found.runs,
    failedSeeds: [...count.failedSeeds, ...found.violations.map(({ seed }) => seed)],
    virtualHours: Math.round(count.virtualHours + found.virtualMs / 3_600_000),
  };
  for (const { seed, invariant, detail } of found.violations) console.log(`seed ${seed}: ${invariant}: ${detail}`);
  writeCount(count);
  console.log(
    `${count.runs} runs of the ${values.world} world, ${count.failedSeeds.length} failed, ${count.virtualHours} h of virtual time`,
  );
} while (performance.now() < end);
process.exitCode = count.failedSeeds.length > 0 ? 1 : 0;

function readCount(): Count {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Count;
  } catch {
    return { runs: 0, failedSeeds: [], virtualHours: 0 };
  }
}

/** Whole, or not at all. */
function writeCount(next: Count): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(next));
  renameSync(`${path}.new`, path);
}
