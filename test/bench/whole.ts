/**
 * The whole: a plugin process from start to exit, with its call to a real controller and a durable commit, beside
 * host-local (which writes a file without fsync) in the same run, block by block in turn (ABAB); ratios are of blocks that
 * follow each other, and the median one counts.
 *   node test/bench/whole.ts [--quick]
 * Both are started by Node's spawn, whose own millisecond or so is in all figures.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startController } from '../../cmd/dev/controller-process.ts';
import { cniEnvironment, findMainPlugins, HOW_TO_INSTALL } from '../../cmd/dev/main-plugins.ts';
import { measureRounds, median, medianRatio } from './measure.ts';

process.chdir(resolve(import.meta.dirname, '../..'));
const quick = process.argv.includes('--quick');
const SINGLE = { rounds: quick ? 9 : 27, calls: 11, most: 2 };
const PARALLEL = { rounds: quick ? 5 : 11, calls: 200, atOnce: 32, most: 1.5 };
const MIB = 1024 * 1024;

interface Contestant {
  readonly name: string;
  readonly executable: string;
  readonly config: string;
}

interface Row {
  readonly what: string;
  readonly berth: string;
  readonly hostLocal: string;
  readonly ratio: number | undefined;
  readonly bound: string;
  readonly held: boolean;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const hostLocalFolder = findMainPlugins('host-local');
  if (hostLocalFolder === undefined) throw new Error(`host-local is not here to compare with: ${HOW_TO_INSTALL}`);
  const spec = { ranges: [{ cidr: '10.88.0.0/16' }], gateway: '10.88.0.1', default: true };
  const controller = await startController(folder, [
    { apiVersion: 'berth-ipam.dev/v1alpha1', kind: 'AddressPool', metadata: { name: 'bench' }, spec },
  ]);
  const files = { spoolDir: join(folder, 'spool'), logFile: join(folder, 'berth.log') };
  const berth = contestant('berth', resolve('dist/berth'), { type: 'berth', controller: `unix://${controller.socket}`, ...files });
  const hostLocal = contestant('host-local', join(hostLocalFolder, 'host-local'), {
    type: 'host-local',
    dataDir: join(folder, 'host-local'),
    ranges: [[{ subnet: '10.88.0.0/16' }]],
  });
  try {
    const rows = [...(await oneAtATime(berth, hostLocal)), ...(await manyAtOnce(berth, hostLocal)), ...memoryAndSize(berth, hostLocal)];
    console.log(table(rows));
    const missed = rows.filter((row) => !row.held);
    for (const row of missed) console.log(`missed: ${row.what}: ${row.berth} against ${row.hostLocal} (bound: ${row.bound})`);
    process.exitCode = missed.length > 0 ? 1 : 0;
  } finally {
    await controller.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function contestant(name: string, executable: string, ipam: object): Contestant {
  if (!existsSync(executable)) throw new Error(`${executable} is not there: npm run build`);
  return { name, executable, config: JSON.stringify({ cniVersion: '1.0.0', name: 'bench', type: 'bridge', ipam }) };
}

let nextContainer = 0;
const environmentOf = (verb: 'ADD' | 'DEL', containerId: string) =>
  cniEnvironment({ verb, containerId, netns: '/run/netns/none', ifName: 'eth0', cniPath: ['/'] });

async function oneAtATime(...contestants: [Contestant, Contestant]): Promise<Row[]> {
  const [berth, hostLocal] = contestants.map(() => ({ add: [] as number[][], del: [] as number[][] })) as [Blocks, Blocks];
  const measure = (one: Contestant): { add: number[]; del: number[] } => {
    const times = { add: [] as number[], del: [] as number[] };
    for (let call = 0; call < SINGLE.calls; call++) {
      const containerId = `single-${nextContainer++}`;
      times.add.push(callOnce(one, 'ADD', containerId));
      times.del.push(callOnce(one, 'DEL', containerId));
    }
    return times;
  };
  for (const one of contestants) measure(one); // warms page cache and JIT
  const ratio = (verb: keyof Blocks): number => medianRatio(berth[verb].map(median), hostLocal[verb].map(median));
  await measureRounds({
    rounds: SINGLE.rounds,
    isHeld: () => ratio('add') <= SINGLE.most,
    round: () => {
      for (const [index, blocks] of [berth, hostLocal].entries()) {
        const { add, del } = measure(contestants[index]!);
        blocks.add.push(add);
        blocks.del.push(del);
      }
    },
  });
  const row = (verb: keyof Blocks, part: number) => [quantile(berth[verb].flat(), part), quantile(hostLocal[verb].flat(), part)] as const;
  return [
    compare('one ADD at a time, p50', ...row('add', 0.5), ratio('add'), SINGLE.most),
    compare('one ADD at a time, p99', ...row('add', 0.99)),
    compare('one DEL at a time, p50', ...row('del', 0.5), ratio('del')),
  ];
}

/** Milliseconds of each call, block by block. */
interface Blocks {
  readonly add: number[][];
  readonly del: number[][];
}

function callOnce({ executable, config, name }: Contestant, verb: 'ADD' | 'DEL', containerId: string): number {
  const started = performance.now();
  const { status, stdout } = spawnSync(executable, { env: environmentOf(verb, containerId), input: config, encoding: 'utf8' });
  const took = performance.now() - started;
  if (status !== 0) throw new Error(`${name} ${verb} failed: ${stdout}`);
  return took;
}

async function manyAtOnce(...contestants: [Contestant, Contestant]): Promise<Row[]> {
  const [berth, hostLocal] = contestants.map(() => ({ total: [] as number[], p99: [] as number[] })) as [Rounds, Rounds];
  let failures = 0;
  const measure = async (one: Contestant): Promise<{ total: number; p99: number }> => {
    const containers = Array.from({ length: PARALLEL.calls }, () => `many-${nextContainer++}`);
    const added = await allAtOnce(one, 'ADD', containers);
    failures += one.name === 'berth' ? added.failures : 0;
    await allAtOnce(one, 'DEL', containers);
    return { total: added.total, p99: quantile(added.times, 0.99) };
  };
  for (const one of contestants) await measure(one);
  const ratio = (what: keyof Rounds): number => medianRatio(berth[what], hostLocal[what]);
  await measureRounds({
    rounds: PARALLEL.rounds,
    isHeld: () => ratio('total') <= PARALLEL.most && ratio('p99') <= PARALLEL.most,
    round: async () => {
      for (const [index, rounds] of [berth, hostLocal].entries()) {
        const { total, p99 } = await measure(contestants[index]!);
        rounds.total.push(total);
        rounds.p99.push(p99);
      }
    },
  });
  const what = `${PARALLEL.atOnce} at a time, ${PARALLEL.calls} in all`;
  const row = (of: keyof Rounds): Row =>
    compare(
      `${what}: ${of} (median of ${berth[of].length} rounds)`,
      quantile(berth[of], 0.5),
      quantile(hostLocal[of], 0.5),
      ratio(of),
      PARALLEL.most,
    );
  return [
    row('total'),
    row('p99'),
    { what: `${what}: failures`, berth: String(failures), hostLocal: '', ratio: undefined, bound: '0', held: failures === 0 },
  ];
}

/** Milliseconds, round by round. */
interface Rounds {
  readonly total: number[];
  readonly p99: number[];
}

async function allAtOnce(
  one: Contestant,
  verb: 'ADD' | 'DEL',
  containers: readonly string[],
): Promise<{ total: number; times: number[]; failures: number }> {
  const waiting = [...containers];
  const times: number[] = [];
  let failures = 0;
  const started = performance.now();
  const worker = async () => {
    for (let containerId = waiting.pop(); containerId !== undefined; containerId = waiting.pop()) {
      const begun = performance.now();
      if ((await callLater(one, verb, containerId)) !== 0) failures++;
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL.atOnce }, worker));
  return { total: performance.now() - started, times, failures };
}

function callLater({ executable, config }: Contestant, verb: 'ADD' | 'DEL', containerId: string): Promise<number | null> {
  return new Promise((done, reject) => {
    const child = spawn(executable, { env: environmentOf(verb, containerId), stdio: ['pipe', 'ignore', 'ignore'] });
    child.once('error', reject);
    child.once('exit', (code) => done(code));
    child.stdin.on('error', () => {});
    child.stdin.end(config);
  });
}

function memoryAndSize(berth: Contestant, hostLocal: Contestant): Row[] {
  const peaks = [berth, hostLocal].map(peakMemory);
  const sizes = [berth, hostLocal].map((one) => statSync(one.executable).size);
  return [
    { ...sizeRow('peak memory of one ADD', peaks, 8 * MIB) },
    { ...sizeRow('size of the executable', sizes, 6_000_000, 1_000_000, 'MB') },
  ];
}

/** GNU time's figure. Asked through it, not through wait4 of this process: a child inherits the peak of what it was forked from. */
function peakMemory(one: Contestant): number {
  const peaks = Array.from({ length: 5 }, () => {
    const containerId = `memory-${nextContainer++}`;
    const { stderr, error } = spawnSync('/usr/bin/time', ['-f', 'peak %M', one.executable], {
      env: environmentOf('ADD', containerId),
      input: one.config,
      encoding: 'utf8',
    });
    if (error !== undefined) throw new Error('peak memory is measured with GNU time: apt-get install time', { cause: error });
    callOnce(one, 'DEL', containerId);
    return Number(/^peak (\d+)$/m.exec(stderr)?.[1] ?? Number.NaN) * 1024;
  });
  return quantile(peaks, 0.5);
}

function sizeRow(what: string, [berth, hostLocal]: readonly number[], bound: number, unit = MIB, unitName = 'MiB'): Row {
  const show = (bytes: number) => `${(bytes / unit).toFixed(1)} ${unitName}`;
  return {
    what,
    berth: show(berth!),
    hostLocal: show(hostLocal!),
    ratio: berth! / hostLocal!,
    bound: `at most ${show(bound)}`,
    held: berth! <= bound,
  };
}

function compare(what: string, berth: number, hostLocal: number, ratio = berth / hostLocal, bound?: number): Row {
  const held = bound === undefined || ratio <= bound;
  const show = (milliseconds: number) => `${milliseconds.toFixed(1)} ms`;
  return { what, berth: show(berth), hostLocal: show(hostLocal), ratio, bound: bound === undefined ? '' : `at most ${bound}×`, held };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    row.berth,
    row.hostLocal,
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)}×`,
    row.bound,
    row.bound === '' ? '' : row.held ? 'yes' : '**no**',
  ]);
  const lines = [['whole plugin', 'berth', 'host-local', 'ratio', 'bound', 'held'], Array.from({ length: 6 }, () => '---'), ...cells];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

await main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
