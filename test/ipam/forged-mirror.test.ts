/**
 * Root on a node writes mirror pods with its kubelet's credentials, of any namespace, name and annotation: what such a
 * mirror says of a UID must not lead to what another node's pod holds.
 */
import { expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { openWorld, take } from '../support/ipam-world.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';

const VICTIM = '11111111-2222-4333-8444-555555555555';

async function open() {
  const workloads = new PretendedWorkloads();
  for (const node of ['n1', 'n2']) workloads.node(node);
  const cluster = { workloads, leads: () => true, nodeGoneAfterMs: 300_000 };
  const world = await openWorld({ nodes: clusterNodes(workloads), cluster });
  await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true, cooldownSeconds: 0 });
  workloads.pod('evil', 'mirror', { node: 'n1', annotations: { 'kubernetes.io/config.mirror': VICTIM } });
  const forge = (ifName: string) => world.add('evil', { node: 'n1', ifName, pod: { namespace: 'evil', name: 'mirror', uid: VICTIM } });
  return { workloads, world, forge };
}

test('the adopted record of a pod on another node is not taken over', async () => {
  const { workloads, world, forge } = await open();
  workloads.pod('shop', 'cart', { node: 'n2', uid: VICTIM, addresses: ['10.0.0.7'] });
  await world.timers.advance(60_000);
  const held = () => world.ipam.bindings({ address: '10.0.0.7' }).map(({ spec }) => spec.attachments[0]?.node);
  expect(held()).toEqual(['n2']);
  expect(take(await forge('eth0')).addresses[0]!.address).not.toBe('10.0.0.7/24');
  expect(held()).toEqual(['n2']);
});

test('what is held in a pod’s name elsewhere does not use up what it may hold', async () => {
  const { workloads, world, forge } = await open();
  workloads.pod('shop', 'cart', { node: 'n2', uid: VICTIM });
  for (let index = 0; index < 32; index++) take(await forge(`net${index}`));
  expect((await forge('net32')).ok).toBe(false);
  expect((await world.add('c', { node: 'n2', pod: { namespace: 'shop', name: 'cart', uid: VICTIM } })).ok).toBe(true);
});
