import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply, mustKubectl } from '../cluster/kubectl.ts';
import { HOST_LOCAL_RUNTIME } from '../cluster/node-files.ts';
import { eventually } from '../../test/support/eventually.ts';
import { addressesOf, deleteNamespace, freshNamespace, isReady, pods } from '../support/cluster.ts';
import { describeDifference, differenceOfMedians } from '../support/interval.ts';
import { DEFAULT_POOLS, pod } from '../support/objects.ts';
import { watchPods } from '../support/watch-pods.ts';
import { containerdLog } from '../cluster/node.ts';

const NODE = 'n1';
const CONTESTANTS = ['berth', 'host-local'] as const;
type Contestant = (typeof CONTESTANTS)[number];
/** Pods each, one at a time and in turn, so that what else the machine does hits both. */
const ROUNDS = 30;
const SERIES = 4;
const MOST_MS = 50;

let ns: string;
beforeAll(async () => {
  await apply(...DEFAULT_POOLS, {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: HOST_LOCAL_RUNTIME },
    handler: HOST_LOCAL_RUNTIME,
  });
  ns = await freshNamespace('e2e-speed');
});
afterAll(async () => {
  await deleteNamespace(ns);
  await mustKubectl(['delete', 'runtimeclass', HOST_LOCAL_RUNTIME]);
});

/** Starts a pod, waits for it, ends it. */
async function startAndStop(contestant: Contestant, name: string): Promise<void> {
  const spec = contestant === 'host-local' ? { runtimeClassName: HOST_LOCAL_RUNTIME } : {};
  await apply(pod(ns, name, { node: NODE, graceSeconds: 0, spec }));
  const ready = await eventually(async () => (await pods(ns)).find((each) => each.metadata.name === name && isReady(each)), name);
  expect(addressesOf([ready])[0]!.startsWith('10.90.200.')).toBe(contestant === 'host-local');
  await mustKubectl(['delete', 'pod', name, '-n', ns, '--grace-period=0', '--force']);
}

/** containerd's own words: from asked to run a sandbox to having one, milliseconds. */
function sandboxTimes(log: string): Map<string, number> {
  const times = new Map<string, number>();
  const asked = new Map<string, number>();
  for (const line of log.split('\n')) {
    const [, time] = /time="([^"]+)"/.exec(line) ?? [];
    const [, name] = /RunPodSandbox for name:\\"([\w-]+)\\"/.exec(line) ?? [];
    if (time === undefined || name === undefined) continue;
    if (!line.includes('returns')) asked.set(name, Date.parse(time));
    else if (line.includes('returns sandbox id') && asked.has(name)) times.set(name, Date.parse(time) - asked.get(name)!);
  }
  return times;
}

/** One pod at a time; returns how much longer a sandbox of Berth's takes, milliseconds, by the medians. */
async function measure(series: number): Promise<number> {
  const watch = watchPods(ns);
  const names: Record<Contestant, string[]> = { berth: [], 'host-local': [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const contestant of CONTESTANTS) {
      const name = `${contestant}-${series}-${round}`;
      await startAndStop(contestant, name);
      names[contestant].push(name);
    }
  }
  watch.stop();
  const report = (what: string, times: ReadonlyMap<string, number>): number => {
    const of = (contestant: Contestant): number[] => names[contestant].map((name) => times.get(name)).filter((time) => time !== undefined);
    expect([of('berth').length, of('host-local').length]).toEqual([ROUNDS, ROUNDS]);
    const difference = differenceOfMedians(of('berth'), of('host-local'), Math.random);
    console.log(describeDifference(`${what}, ${ROUNDS} pods each`, ['Berth', 'host-local'], difference));
    return difference.difference;
  };
  report('creation to Running', watch.creationToRunning);
  return report('sandbox set-up', sandboxTimes(await containerdLog(NODE)));
}

test('a sandbox is set up as fast as with host-local, within 50 ms; from creation to Running is reported', async () => {
  for (const contestant of CONTESTANTS) await startAndStop(contestant, `${contestant}-warm-up`);
  // Whoever else works on the machine only adds to what is measured: then it is measured again.
  let least = Infinity;
  for (let series = 0; series < SERIES && least > MOST_MS; series++) least = Math.min(least, await measure(series));
  expect(least).toBeLessThanOrEqual(MOST_MS);
}, 900_000);
