import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply, mustKubectl } from '../cluster/kubectl.ts';
import { networkList } from '../cluster/node-files.ts';
import { writeOnNode } from '../cluster/node.ts';
import { median } from '../../test/bench/measure.ts';
import { eventually } from '../../test/support/eventually.ts';
import { addressesOf, deleteNamespace, freshNamespace, isReady, pods } from '../support/cluster.ts';
import { DEFAULT_POOLS, pod } from '../support/objects.ts';
import { at } from '../cluster/layout.ts';

const NODE = 'n1';
const LIST = '/etc/cni/net.d/10-berth.conflist';
const ROUNDS = 4;
const PODS = 15;

let ns: string;
beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
  ns = await freshNamespace('e2e-speed');
});
afterAll(async () => {
  await use('berth');
  await deleteNamespace(ns);
});

/** containerd watches the folder; what it has loaded shows in the next pod's address. */
async function use(ipam: 'berth' | 'host-local'): Promise<void> {
  await writeOnNode(NODE, LIST, networkList(ipam));
  await eventually(
    async () => {
      const address = await start(`probe-${ipam}`);
      await stop(`probe-${ipam}`);
      return address.startsWith('10.90.200.') === (ipam === 'host-local');
    },
    `containerd to use ${ipam}`,
    60_000,
  );
}

async function start(name: string): Promise<string> {
  await apply(pod(ns, name, { node: NODE, graceSeconds: 0 }));
  const ready = await eventually(
    async () => (await pods(ns)).find(({ metadata, ...rest }) => metadata.name === name && isReady({ metadata, ...rest })),
    name,
  );
  return addressesOf([ready])[0]!;
}

const stop = (name: string): Promise<string> => mustKubectl(['delete', 'pod', name, '-n', ns, '--grace-period=0', '--force']);

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

test('a sandbox is set up as fast as with host-local, within 50 ms', async () => {
  const names: Record<'berth' | 'host-local', string[]> = { berth: [], 'host-local': [] };
  for (let round = 0; round < ROUNDS; round++) {
    const ipam = round % 2 === 0 ? 'berth' : 'host-local';
    await use(ipam);
    for (let index = 0; index < PODS; index++) {
      const name = `${ipam}-${round}-${index}`;
      await start(name);
      await stop(name);
      names[ipam].push(name);
    }
  }
  const times = sandboxTimes(readFileSync(at('logs', `${NODE}-containerd.log`), 'utf8'));
  const of = (ipam: 'berth' | 'host-local'): number[] => names[ipam].map((name) => times.get(name)).filter((time) => time !== undefined);
  expect(of('berth').length + of('host-local').length).toBe(ROUNDS * PODS);
  console.log(
    `sandbox set-up, median of ${of('berth').length} and ${of('host-local').length}: Berth ${median(of('berth'))} ms, host-local ${median(of('host-local'))} ms`,
  );
  expect(median(of('berth')) - median(of('host-local'))).toBeLessThanOrEqual(50);
});
