/**
 * The controller alone: the built program on its embedded store, asked over its socket by keep-alive callers.
 *   node test/bench/controller.ts [--quick]
 * Rates are compared within one run, block by block in turn (1, 32, 1, 32, …); the median block counts. Starts are
 * compared by the CPU time they took once the program was loaded, which other programs on the machine disturb least.
 */
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
// @ts-expect-error plain JavaScript, so that it runs before anything is installed
import { buildNodePrograms } from '../../cmd/dev/build-controller.mjs';
import { startController } from '../../cmd/dev/controller-process.ts';
import type { ControllerProcess } from '../../cmd/dev/controller-process.ts';
import { bindingName } from '../../src/core/binding-name.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import { measureRounds, median, medianRatio } from './measure.ts';
import { post } from './post.ts';

process.chdir(resolve(import.meta.dirname, '../..'));
const quick = process.argv.includes('--quick');
const LOAD = { rounds: quick ? 7 : 21, milliseconds: quick ? 350 : 700, many: 32 };
const START = { rounds: quick ? 2 : 3, few: 10_000, lots: 100_000 };
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly bound: string;
  readonly held: boolean;
}

/** Cooling for an hour, so that the janitor's deletions are not in the figures. */
const POOL = {
  apiVersion: 'berth-ipam.dev/v1alpha1',
  kind: 'AddressPool',
  metadata: { name: 'bench' },
  spec: { ranges: [{ cidr: '10.0.0.0/8' }], default: true, cooldownSeconds: 3_600 },
};

async function main(): Promise<void> {
  await buildNodePrograms();
  const rows = [...(await load()), ...(await start())];
  console.log('| what | measured | bound | |\n|---|---|---|---|');
  for (const { what, measured, bound, held } of rows)
    console.log(`| ${what} | ${measured} | ${bound} | ${bound === '' ? '' : held ? 'held' : '**missed**'} |`);
  process.exitCode = rows.every(({ held }) => held) ? 0 : 1;
}

async function load(): Promise<readonly Row[]> {
  return withFolder(async (folder) => {
    const controller = await startController(folder, [POOL]);
    try {
      await blockOfLoad(controller, LOAD.many, 500);
      const one: number[] = [];
      const many: number[] = [];
      const spent = { commits: 0, writes: 0 };
      await measureRounds({
        rounds: LOAD.rounds,
        isHeld: () => medianRatio(many, one) >= 3,
        round: async () => {
          one.push(await blockOfLoad(controller, 1, LOAD.milliseconds));
          const before = await counters(controller);
          many.push(await blockOfLoad(controller, LOAD.many, LOAD.milliseconds));
          const after = await counters(controller);
          spent.commits += after.commits - before.commits;
          spent.writes += after.writes - before.writes;
        },
      });
      const ratio = medianRatio(many, one);
      const shared = spent.writes / spent.commits;
      return [
        { what: 'ADD and DEL, 1 caller', measured: `${median(one).toFixed(0)} calls/s`, bound: '', held: true },
        { what: `ADD and DEL, ${LOAD.many} callers`, measured: `${median(many).toFixed(0)} calls/s`, bound: '', held: true },
        { what: `${LOAD.many} callers against 1`, measured: `${ratio.toFixed(1)} ×`, bound: '≥ 3 ×', held: ratio >= 3 },
        { what: `writes in one commit, ${LOAD.many} callers`, measured: shared.toFixed(1), bound: '≥ 8', held: shared >= 8 },
      ];
    } finally {
      await controller.stop();
    }
  });
}

/** Each caller attaches and detaches one container after the other; resolves to calls per second. */
async function blockOfLoad(controller: ControllerProcess, callers: number, milliseconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const started = performance.now();
  const counts = await Promise.all(Array.from({ length: callers }, () => callUntil(controller.socket, agent, started + milliseconds)));
  const seconds = (performance.now() - started) / 1_000;
  agent.destroy();
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

let ticks = 0;

async function callUntil(socketPath: string, agent: Agent, deadline: number): Promise<number> {
  let calls = 0;
  while (performance.now() < deadline) {
    const key = { cniVersion: '1.0.0', cniNetwork: 'bench', containerId: `c${(ticks += 1)}`, ifName: 'eth0' };
    const stamp = (attempt: number) => ({ bootId, startedTicks: ticks, monotonicNs: String(ticks), attempt });
    await post({ socketPath, agent }, '/v1/cni/add', { ...key, stamp: stamp(0) });
    await post({ socketPath, agent }, '/v1/cni/del', { ...key, stamp: { ...stamp(1), startedTicks: ticks + 1 } });
    calls += 2;
  }
  return calls;
}

async function counters(controller: ControllerProcess): Promise<{ readonly commits: number; readonly writes: number }> {
  const { body } = await controller.ask('/metrics');
  return { commits: metric(body, 'berth_store_commits_total'), writes: metric(body, 'berth_store_writes_total') };
}

function metric(text: string, name: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  if (line === undefined) throw new Error(`/metrics does not show ${name}`);
  return Number(line.slice(name.length));
}

interface Start {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

async function start(): Promise<readonly Row[]> {
  const none = await startsWith(0);
  const few = await startsWith(START.few);
  const lots = await startsWith(START.lots);
  const ratio = (lots.cpuSeconds - none.cpuSeconds) / (few.cpuSeconds - none.cpuSeconds);
  const show = ({ cpuSeconds, wallSeconds }: Start) => `${cpuSeconds.toFixed(2)} s CPU, ${wallSeconds.toFixed(2)} s until ready`;
  return [
    { what: 'start with no bindings', measured: show(none), bound: '', held: true },
    { what: `start with ${START.few / 1_000} k bindings`, measured: show(few), bound: '', held: true },
    { what: `start with ${START.lots / 1_000} k bindings`, measured: show(lots), bound: '', held: true },
    { what: 'ten times the bindings (without the empty start)', measured: `${ratio.toFixed(1)} ×`, bound: '≤ 12 ×', held: ratio <= 12 },
  ];
}

/** The quickest of a few starts: what disturbs one only ever makes it slower. */
async function startsWith(bindings: number): Promise<Start> {
  return withFolder(async (folder) => {
    await fill(join(folder, 'berth.db'), bindings);
    let best: Start = { cpuSeconds: Infinity, wallSeconds: Infinity };
    for (let round = 0; round < START.rounds; round += 1) {
      const began = performance.now();
      const controller = await startController(folder, [POOL]);
      const wallSeconds = (performance.now() - began) / 1_000;
      const cpuSeconds = metric((await controller.ask('/metrics')).body, 'process_cpu_seconds_total');
      await controller.stop();
      best = { cpuSeconds: Math.min(best.cpuSeconds, cpuSeconds), wallSeconds: Math.min(best.wallSeconds, wallSeconds) };
    }
    return best;
  });
}

/** Through the store itself, as the controller would have written them. */
async function fill(path: string, bindings: number): Promise<void> {
  const { store, close } = openSqliteStore(path, { localNode: { name: 'bench' } });
  const stamp = { bootId, startedTicks: 1, monotonicNs: '1', attempt: 0 };
  for (let written = 0; written < bindings; written += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, bindings - written) }, (_, offset) => written + offset);
    await Promise.all(
      batch.map((index) => {
        const address = `10.${(index >> 16) + 1}.${(index >> 8) & 255}.${index & 255}`;
        const name = bindingName('default', address);
        return store.bindings.create(name, {
          address,
          pool: 'bench',
          network: 'default',
          subinstance: `tenant-${index % 100}`,
          subid: `subject-${index}`,
          slot: 0,
          resource: { type: 'container', value: `c${index}` },
          attachments: [{ cniNetwork: 'bench', ifName: 'eth0', containerId: `c${index}`, node: 'elsewhere', stamp }],
          boundAt: 1_700_000_000_000,
          cooldownSeconds: 3_600,
          stickySeconds: 0,
        });
      }),
    );
  }
  await close();
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
