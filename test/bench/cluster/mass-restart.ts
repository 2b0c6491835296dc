/**
 * A whole cluster starts again: every pod of every node attaches in the same moment, and then once more in another
 * sandbox. The callers are simulated: they call the operations of a controller in this process, whose store is the real
 * API server. Who is refused comes back when it was told to. (What connections cost is measured in crowd.ts.)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemTimers } from '../../../cmd/berth-controller/timers.ts';
import { clusterNodes } from '../../../src/ipam/cluster-nodes.ts';
import { openIpam, type Ipam } from '../../../src/ipam/open.ts';
import { openCluster } from '../../../src/kubernetes/open-client.ts';
import { openKubernetesStore } from '../../../src/kubernetes/store.ts';
import { watchWorkloads } from '../../../src/kubernetes/workloads.ts';
import type { CniAdd } from '../../../src/protocol.ts';
import { silentLog } from '../../support/cluster-client.ts';
import { measureRounds, median, table } from '../measure.ts';
import { bindings, newStamp, type Pod } from './bodies.ts';
import { block } from './block.ts';
import { end, startRelay } from './programs.ts';
import { inParallel, makePods, makePool, type Served, type Stage } from './stage.ts';

const PODS_PER_NODE = 10;
const BOOT = '44444444-5555-4666-8777-888888888888';
/** Of each kind, at the door (src/ipam/open.ts). */
const MOST_WAITING = 4_096;
const MOST_TO_WRITES = 2;
/** Without a record, and over the record of the sandbox before. */
const KINDS = ['first', 'again'] as const;
type Kind = (typeof KINDS)[number];

interface Wave {
  readonly seconds: number;
  readonly refused: number;
  readonly mostWaiting: number;
  readonly mebibytes: number;
}

interface Timed extends Wave {
  /** What as many writes of the relay would have taken, by those right before and after. */
  readonly alone: number;
}

export async function massRestart(stage: Stage): Promise<void> {
  const count = stage.quick ? 500 : 5_000;
  const nodes = Array.from({ length: count }, (_, index) => `restarted-${index}`);
  await inParallel(nodes, 16, (name) => stage.workloads.makeBareNode(name, BOOT));
  const names = Array.from({ length: count * PODS_PER_NODE }, (_, index) => `restarted-${index}`);
  const pods = await makePods(stage, names, (index) => nodes[index % count]!);
  await makePool(stage, 'restarted', '10.208.0.0/12', 'restarted');
  const relay = await startRelay(stage, 'restart');
  const { ipam, close } = await openController(stage);

  const before = mebibytes();
  const time = (): Promise<number> => secondsAWrite(relay, stage.quick ? 750 : 3_000);
  const waves: Record<Kind, Timed[]> = { first: [], again: [] };
  const middle = (of: (wave: Timed) => number, kind: Kind): number => median(waves[kind].map(of));
  const toWrites = (): number => Math.max(...KINDS.map((kind) => middle(({ seconds, alone }) => seconds / alone, kind)));
  await measureRounds({
    rounds: 1,
    isHeld: () => toWrites() <= MOST_TO_WRITES,
    round: async (round) => {
      let writeBefore = await time();
      for (const kind of KINDS) {
        const measured = await wave(ipam, pods, `${kind}-${round}`, `eth${round}`);
        const writeAfter = await time();
        waves[kind].push({ ...measured, alone: ((writeBefore + writeAfter) / 2) * pods.length });
        writeBefore = writeAfter;
      }
    },
  });
  await close();
  await end(relay.child);

  const rows = KINDS.map((kind) => [
    kind === 'first' ? 'for the first time' : 'again, in another sandbox',
    `${middle(({ seconds }) => seconds, kind).toFixed(1)} s`,
    `${middle(({ alone }) => alone, kind).toFixed(1)} s`,
    middle(({ refused }) => refused, kind),
    middle(({ mostWaiting }) => mostWaiting, kind),
    `${waves[kind][0]!.mebibytes.toFixed(0)} MiB (before: ${before.toFixed(0)})`,
  ]);
  console.log(
    `### Mass restart: ${count} nodes, ${PODS_PER_NODE} pods each, all at once\n\n${table(
      ['', 'all have an address after', 'the writes alone', 'told to come back', 'waiting at most', 'memory at most'],
      rows,
    )}\n`,
  );
  const all = KINDS.flatMap((kind) => waves[kind]);
  stage.bounds.push(
    { what: 'mass restart: time to that of the writes alone', measured: toWrites(), most: MOST_TO_WRITES },
    {
      what: 'mass restart: calls that waited, to those that may',
      measured: Math.max(...all.map(({ mostWaiting }) => mostWaiting)) / MOST_WAITING,
      most: 1,
    },
    // Later rounds hold more addresses, so the first counts.
    {
      what: 'mass restart: memory to that before',
      measured: Math.max(...KINDS.map((kind) => waves[kind][0]!.mebibytes)) / before,
      most: 3,
    },
  );
}

/** Of the relay, with 32 callers. */
async function secondsAWrite(relay: Served, writes: number): Promise<number> {
  const { seconds, length } = await block(relay, bindings(writes, 'relay'), 32);
  return seconds / length;
}

async function openController({ server }: Stage): Promise<{ readonly ipam: Ipam; close(): Promise<void> }> {
  const random = (): number => Math.random();
  const { client, close } = openCluster({ kubeconfigFile: server.kubeconfig, timers: systemTimers, random });
  const world = { client, timers: systemTimers, random, log: silentLog };
  const store = openKubernetesStore(world);
  const workloads = watchWorkloads(world);
  const cluster = { workloads, leads: () => false, nodeGoneAfterMs: 600_000 };
  const ipam = openIpam({ store, nodes: clusterNodes(workloads), timers: systemTimers, log: silentLog, cluster });
  await ipam.whenSynced();
  await workloads.whenSynced();
  return {
    ipam,
    close: async () => {
      await ipam.close();
      workloads.stop();
      await store.close();
      await close();
    },
  };
}

async function wave(ipam: Ipam, pods: readonly Pod[], sandbox: string, ifName: string): Promise<Wave> {
  const counted = { refused: 0, mostWaiting: 0, mebibytes: 0 };
  const look = (): void => {
    counted.mostWaiting = Math.max(counted.mostWaiting, ipam.waiting().add);
    counted.mebibytes = Math.max(counted.mebibytes, mebibytes());
  };
  const looking = setInterval(look, 20);
  const started = performance.now();
  const all = Promise.all(pods.map((pod) => attach(ipam, pod, { sandbox, ifName }, counted)));
  look();
  await all;
  const seconds = (performance.now() - started) / 1_000;
  clearInterval(looking);
  return { seconds, ...counted };
}

/** Until it has an address. One that is refused for good ends the benchmark. */
async function attach(
  ipam: Ipam,
  { name, uid, node }: Pod,
  { sandbox, ifName }: { readonly sandbox: string; readonly ifName: string },
  counted: { refused: number },
): Promise<void> {
  const stamp = newStamp(BOOT) as CniAdd['stamp'];
  for (let attempt = 0; ; attempt++) {
    const outcome = await ipam.add(
      { node, gone: () => false },
      {
        cniVersion: '1.0.0',
        cniNetwork: 'bench',
        containerId: `${name}-${sandbox}`,
        ifName,
        pod: { namespace: 'bench', name, uid },
        pools: ['restarted'],
        stamp: { ...stamp, attempt },
      },
    );
    if (outcome.ok) return;
    const { reason, detail, retryAfterSeconds } = outcome.refusal;
    if (reason !== 'Overloaded' && reason !== 'Unavailable') throw new Error(`${name}: ${detail}`);
    counted.refused++;
    await sleep((retryAfterSeconds ?? 1) * 1_000);
  }
}

const mebibytes = (): number => process.memoryUsage.rss() / 1024 / 1024;
