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
import { table } from '../measure.ts';
import { bindings, newStamp, type Pod } from './bodies.ts';
import { block } from './block.ts';
import { end, startRelay } from './programs.ts';
import { inParallel, makePods, makePool, type Stage } from './stage.ts';

const PODS_PER_NODE = 10;
const BOOT = '44444444-5555-4666-8777-888888888888';
/** Of each kind, at the door (src/ipam/open.ts). */
const MOST_WAITING = 4_096;
/** The relay's writes that are timed before and after each wave; more take as much longer. */
const TIMED_WRITES = 750;

interface Wave {
  readonly seconds: number;
  readonly refused: number;
  readonly mostWaiting: number;
  readonly mebibytes: number;
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
  let timed = 0;
  const timeWrites = async (): Promise<void> => void (timed += (await block(relay, bindings(TIMED_WRITES, 'relay'), 32)).seconds);
  await timeWrites();
  const first = await wave(ipam, pods, 'first');
  await timeWrites();
  const second = await wave(ipam, pods, 'second');
  await timeWrites();
  await close();
  await end(relay.child);
  const waves = { 'for the first time': first, 'again, in another sandbox': second };
  const alone = (timed / (3 * TIMED_WRITES)) * pods.length;

  console.log(
    `### Mass restart: ${count} nodes, ${PODS_PER_NODE} pods each, all at once\n\n${table(
      ['', 'all have an address after', 'the writes alone', 'told to come back', 'waiting at most', 'memory at most'],
      Object.entries(waves).map(([what, one]) => [
        what,
        `${one.seconds.toFixed(1)} s`,
        `${alone.toFixed(1)} s`,
        one.refused,
        one.mostWaiting,
        `${one.mebibytes.toFixed(0)} MiB (before: ${before.toFixed(0)})`,
      ]),
    )}\n`,
  );
  const most = (of: (wave: Wave) => number): number => Math.max(...Object.values(waves).map(of));
  stage.bounds.push(
    { what: 'mass restart: time to that of the writes alone', measured: most((one) => one.seconds) / alone, most: 2 },
    { what: 'mass restart: calls that waited, to those that may', measured: most((one) => one.mostWaiting) / MOST_WAITING, most: 1 },
    { what: 'mass restart: memory to that before', measured: most((one) => one.mebibytes) / before, most: 3 },
  );
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

async function wave(ipam: Ipam, pods: readonly Pod[], sandbox: string): Promise<Wave> {
  const counted = { refused: 0, mostWaiting: 0, mebibytes: 0 };
  const look = (): void => {
    counted.mostWaiting = Math.max(counted.mostWaiting, ipam.waiting().add);
    counted.mebibytes = Math.max(counted.mebibytes, mebibytes());
  };
  const looking = setInterval(look, 20);
  const started = performance.now();
  const all = Promise.all(pods.map((pod) => attach(ipam, pod, sandbox, counted)));
  look();
  await all;
  const seconds = (performance.now() - started) / 1_000;
  clearInterval(looking);
  return { seconds, ...counted };
}

/** Until it has an address. One that is refused for good ends the benchmark. */
async function attach(ipam: Ipam, { name, uid, node }: Pod, sandbox: string, counted: { refused: number }): Promise<void> {
  const stamp = newStamp(BOOT) as CniAdd['stamp'];
  for (let attempt = 0; ; attempt++) {
    const outcome = await ipam.add(
      { node, gone: () => false },
      {
        cniVersion: '1.0.0',
        cniNetwork: 'bench',
        containerId: `${name}-${sandbox}`,
        ifName: 'eth0',
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
