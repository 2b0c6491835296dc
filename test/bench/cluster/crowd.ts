/**
 * More plugins at the https door than it takes: each with a connection and a token of its own, all in the same second. Who
 * is turned away or told to come back does so; in the end everybody has an address.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../measure.ts';
import { exchange, type PostTarget } from '../post.ts';
import { bindings, newStamp, type Pod } from './bodies.ts';
import { asNode, makeNodes } from './nodes.ts';
import { authorityOf, end, memory, startController, startRelay } from './programs.ts';
import { block } from './block.ts';
import { makePods, makePool, type Stage } from './stage.ts';

const PODS_PER_NODE = 10;
const CALLERS = 32;
/**
 * As the plugin: 50 ms, doubling to 800, and up to half as much more; after three seconds it gives up, and its kubelet calls
 * it again later. (Its second for a handshake is not kept: all callers are one process here.)
 */
const TRIES = 7;
const pauseMs = (tries: number): number =>
  tries % TRIES === TRIES - 1 ? 4_000 + 4_000 * Math.random() : 50 * 2 ** Math.min(tries % TRIES, 4) * (1 + Math.random() / 2);

interface Caller {
  readonly pod: Pod;
  readonly door: PostTarget;
  readonly bootId: string;
}

interface Counted {
  /** Told to come back later. */
  refused: number;
  /** Not even let in: the listener has so many handshakes under way and no more. */
  turnedAway: number;
}

export async function crowd(stage: Stage): Promise<void> {
  const count = stage.quick ? 100 : 300;
  const nodes = await makeNodes(stage, count, 'crowd', '33333333-4444-4555-8666-777777777777');
  const names = Array.from({ length: count * PODS_PER_NODE }, (_, index) => `crowd-${index}`);
  const pods = await makePods(stage, names, (index) => nodes[index % count]!.name);
  await makePool(stage, 'crowd', '10.32.0.0/12', 'crowd');
  const controller = await startController(stage, 'crowd', { https: true });
  const relay = await startRelay(stage, 'crowd');
  const ca = await authorityOf(stage);
  const callers = pods.map((pod, index): Caller => {
    const node = nodes[index % count]!;
    // Each from an address of its own, as nodes are: of one address the door takes a part of the crowd only.
    const localAddress = `127.1.${Math.floor((index % count) / 250)}.${1 + ((index % count) % 250)}`;
    return { pod, door: { ...asNode(controller.port!, ca, node), localAddress, agent: false }, bootId: node.bootId };
  });

  const before = memory(controller).now;
  const counted: Counted = { refused: 0, turnedAway: 0 };
  const started = performance.now();
  await Promise.all(callers.map((caller) => attach(caller, counted)));
  const seconds = (performance.now() - started) / 1_000;
  const { peak } = memory(controller);
  const { seconds: alone } = await block(relay, bindings(callers.length, 'relay'), CALLERS);
  for (const { child } of [controller, relay]) await end(child);

  console.log(
    `### ${callers.length} plugins of ${count} nodes at the https door, all at once\n\n${table(
      ['all have an address after', 'the writes alone', 'turned away', 'told to come back', 'memory before', 'at most'],
      [
        [
          `${seconds.toFixed(1)} s`,
          `${alone.toFixed(1)} s`,
          counted.turnedAway,
          counted.refused,
          `${before.toFixed(0)} MiB`,
          `${peak.toFixed(0)} MiB`,
        ],
      ],
    )}\n`,
  );
  // No bound on the time: callers and controller share the machine, and the callers' share of it is the larger one.
  stage.bounds.push({ what: "a crowd at the https door: controller's memory to that before", measured: peak / before, most: 4 });
}

/** Until it has an address. One that is refused for good ends the benchmark. */
async function attach({ pod, door, bootId }: Caller, counted: Counted): Promise<void> {
  for (let tries = 0; ; tries++) {
    const body = {
      cniVersion: '1.0.0',
      cniNetwork: 'bench',
      containerId: pod.name,
      ifName: 'eth0',
      pod: { namespace: 'bench', name: pod.name, uid: pod.uid },
      pools: ['crowd'],
      stamp: newStamp(bootId),
    };
    const answer = await exchange(door, '/v1/cni/add', body).catch(() => undefined);
    if (answer?.status === 200) return;
    if (answer !== undefined && answer.status !== 503) throw new Error(`${pod.name}: status ${answer.status}: ${answer.text}`);
    if (answer === undefined) counted.turnedAway++;
    else counted.refused++;
    await sleep((answer?.retryAfterSeconds ?? 0) * 1_000 || pauseMs(tries));
  }
}
