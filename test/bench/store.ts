/**
 * The embedded store by itself: `node test/bench/store.ts [--quick]`. What sharing a durable commit gains when callers
 * wait together, and how long a start takes that reads everything. Ratios are asserted (exit 1), times are shown.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, type SqliteStore } from '../../src/sqlite/open.ts';
import type { BindingSpec } from '../../src/core/binding.ts';
import { holds, measureRounds, median, medianRatio, table, type Bound } from './measure.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 5 : 11;
const MILLISECONDS_A_ROUND = quick ? 200 : 500;
const CALLERS = 32;
const LEAST_GAIN = 3;
const SMALL = 10_000;
const LARGE = 100_000;
/** Ten times as many, and a fifth for the luck of a shared machine. */
const MOST_SLOWER = 12;
const bounds: Bound[] = [];
const folder = mkdtempSync(join(tmpdir(), 'berth-bench-store-'));
const localNode = { name: 'bench' };

/** A pod's binding as the plugin makes it, about 650 bytes of JSON. */
function podBinding(index: number): BindingSpec {
  const containerId = index.toString(16).padStart(64, 'c');
  const stamp = { bootId: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', startedTicks: 1_000 + index, monotonicNs: `${1e10 + index}`, attempt: 0 };
  return {
    address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    pool: 'pods',
    network: 'default',
    subinstance: `tenant-${index % 100}`,
    subid: `pod-${index}`,
    slot: 0,
    resource: { type: 'pod', value: `pod-${index}` },
    attachments: [{ cniNetwork: 'lan', ifName: 'eth0', containerId, podUid: containerId.slice(0, 36), node: 'bench', stamp }],
    boundAt: 1_700_000_000_000,
    cooldownSeconds: 60,
    stickySeconds: 0,
  };
}

const nameOf = (spec: BindingSpec): string => `default.${spec.address.replaceAll('.', '-')}`;

let next = 0;

/** Each caller binds one address after the other until the time is over; writes a second, and writes a commit. */
async function bindWith(callers: number, { store, counters }: SqliteStore): Promise<{ rate: number; writesPerCommit: number }> {
  const before = { ...counters };
  const start = performance.now();
  const caller = async (): Promise<void> => {
    while (performance.now() - start < MILLISECONDS_A_ROUND) {
      const spec = podBinding(next++);
      const result = await store.bindings.create(nameOf(spec), spec);
      if (!result.ok) throw new Error(`${nameOf(spec)}: ${result.conflict}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const writes = counters.writes - before.writes;
  return { rate: (writes / (performance.now() - start)) * 1_000, writesPerCommit: writes / (counters.commits - before.commits) };
}

async function sharing(): Promise<string> {
  const opened = openSqliteStore(join(folder, 'sharing.db'), { localNode });
  await bindWith(CALLERS, opened);
  const one: { rate: number; writesPerCommit: number }[] = [];
  const many: typeof one = [];
  const ratesOf = (rounds: typeof one): number[] => rounds.map(({ rate }) => rate);
  const gain = (): number => medianRatio(ratesOf(many), ratesOf(one));
  await measureRounds({
    rounds: ROUNDS,
    isHeld: () => gain() >= LEAST_GAIN,
    round: async () => {
      one.push(await bindWith(1, opened));
      many.push(await bindWith(CALLERS, opened));
    },
  });
  await opened.close();
  const rates = [one, many].map((rounds) => median(ratesOf(rounds)));
  const shares = [one, many].map((rounds) => median(rounds.map((round) => round.writesPerCommit)));
  bounds.push({ what: `rate of ${CALLERS} callers over the rate of one`, measured: gain(), least: LEAST_GAIN, unit: '×' });
  bounds.push({ what: `writes a commit with ${CALLERS} callers`, measured: shares[1]!, least: 8 });
  return table(
    ['callers', 'durable writes a second', 'writes a commit'],
    [1, CALLERS].map((callers, index) => [callers, Math.round(rates[index]!), shares[index]!.toFixed(1)]),
  );
}

async function makeDatabase(path: string, count: number): Promise<void> {
  const { store, close } = openSqliteStore(path, { localNode });
  for (let from = 0; from < count; from += 1_000) {
    const specs = Array.from({ length: 1_000 }, (_, index) => podBinding(from + index));
    await Promise.all(specs.map((spec) => store.bindings.create(nameOf(spec), spec)));
  }
  await close();
}

/** Milliseconds from the path to the last record delivered: lock, check of the file, and a watch that is synced. */
async function startUp(path: string, expected: number): Promise<number> {
  const start = performance.now();
  const { store, close } = openSqliteStore(path, { localNode });
  let seen = 0;
  await new Promise<void>((resolve) => store.bindings.watch({ event: () => void seen++, synced: resolve }));
  const took = performance.now() - start;
  if (seen !== expected) throw new Error(`${seen} bindings were read, ${expected} are there`);
  await close();
  return took;
}

async function starting(): Promise<string> {
  const files = [SMALL, LARGE].map((count) => ({ count, path: join(folder, `${count}.db`), times: [] as number[] }));
  for (const { path, count } of files) await makeDatabase(path, count);
  const slower = (): number => medianRatio(files[1]!.times, files[0]!.times);
  await measureRounds({
    rounds: ROUNDS,
    isHeld: () => slower() <= MOST_SLOWER,
    round: async () => {
      for (const { path, count, times } of files) times.push(await startUp(path, count));
    },
  });
  bounds.push({ what: `start-up with ${LARGE} bindings over ${SMALL}`, measured: slower(), most: MOST_SLOWER, unit: '×' });
  return table(
    ['bindings', 'start-up, ms', 'µs a binding', 'file, MiB'],
    files.map(({ count, path, times }) => {
      const took = median(times);
      return [count, took.toFixed(0), ((took * 1_000) / count).toFixed(1), (statSync(path).size / 1024 / 1024).toFixed(1)];
    }),
  );
}

try {
  console.log(`${await sharing()}\n\n${await starting()}\n`);
  const rows = bounds.map((bound) => [
    bound.what,
    `${bound.measured.toFixed(1)}${bound.unit ?? ''}`,
    bound.least === undefined ? `≤ ${bound.most}` : `≥ ${bound.least}`,
    holds(bound) ? 'held' : 'MISSED',
  ]);
  console.log(table(['', 'measured', 'bound', ''], rows));
  process.exitCode = bounds.every(holds) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
