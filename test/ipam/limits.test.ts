/** Limits of a pool (DESIGN section 4), and what one node may hold at most in a cluster (section 7). */
import { describe, expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';
import { addressOf, openWorld, refusalOf, take } from '../support/ipam-world.ts';

const POOL = { ranges: [{ cidr: '10.0.0.0/16' }], default: true, cooldownSeconds: 0 };
const pod = (name: string) => ({ namespace: 'ns', name, uid: `uid-of-${name}` });

describe('a limit', () => {
  test('by node: other nodes are not counted, and what is given back counts no more', async () => {
    const world = await openWorld();
    await world.pool('p', { ...POOL, limits: { perNode: 2 } });
    for (const name of ['a', 'b']) await addressOf(world.add(name, { pod: pod(name), node: 'n1' }));
    expect(refusalOf(await world.add('c', { pod: pod('c'), node: 'n1' }))).toMatchObject({
      reason: 'LimitReached',
      detail: expect.stringContaining('limit perNode of 2 is reached (n1 holds 2)'),
      pools: [{ pool: 'p', reason: 'LimitReached' }],
    });
    await addressOf(world.add('c', { pod: pod('c'), node: 'n2' }));
    // Who has one keeps it, and may ask again.
    await addressOf(world.add('a', { pod: pod('a'), node: 'n1' }));
    take(await world.del('a', { node: 'n1' }));
    await addressOf(world.add('d', { pod: pod('d'), node: 'n1' }));
  });

  test('by pod: its further interfaces are counted, another pod’s are not', async () => {
    const world = await openWorld();
    await world.pool('p', { ...POOL, limits: { perPod: 2 } });
    const add = (name: string, ifName: string) => world.add(name, { pod: pod(name), ifName });
    for (const ifName of ['eth0', 'net1']) await addressOf(add('a', ifName));
    expect(refusalOf(await add('a', 'net2'))).toMatchObject({
      reason: 'LimitReached',
      detail: expect.stringContaining('limit perPod of 2 is reached'),
    });
    await addressOf(add('b', 'eth0'));
  });

  test('calls in flight count too, by node and by pod', async () => {
    const world = await openWorld();
    await world.pool('p', { ...POOL, limits: { perNode: 5, perPod: 2 } });
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, (_, index) => index).flatMap((index) =>
        ['eth0', 'net1', 'net2'].map((ifName) => world.add(`c${index}`, { pod: pod(`p${index}`), ifName })),
      ),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(5);
    const held = world.ipam.bindings({}).map(({ spec }) => spec.subid);
    for (const name of new Set(held)) expect(held.filter((one) => one === name).length).toBeLessThanOrEqual(2);
  });

  test('of a full pool does not keep its overflow from serving', async () => {
    const world = await openWorld();
    await world.pool('first', { ...POOL, default: false, limits: { perSubinstance: 1 } });
    await world.pool('second', { ranges: [{ cidr: '10.1.0.0/16' }] });
    const add = async (name: string) => take(await world.add(name, { pod: pod(name), pools: ['first', 'second'] })).addresses[0]!.pool;
    expect([await add('a'), await add('b')]).toEqual(['first', 'second']);
  });
});

test('a node holds at most 1,024 addresses, whatever its pods are; others are served, and what it holds it keeps', async () => {
  const workloads = new PretendedWorkloads();
  for (const node of ['n1', 'n2']) workloads.node(node);
  const cluster = { workloads, leads: () => false, nodeGoneAfterMs: 300_000 };
  const world = await openWorld({ nodes: clusterNodes(workloads), cluster });
  await world.pool('p', POOL);
  const add = (name: string, node = 'n1') => {
    workloads.pod('ns', name, { node });
    return world.add(`c-${name}`, { pod: pod(name), node });
  };
  for (let index = 0; index < 1_024; index++) take(await add(`p${index}`));
  expect(refusalOf(await add('one-more'))).toMatchObject({
    reason: 'LimitReached',
    detail: 'node n1 holds 1024 addresses, the most one node may',
  });
  take(await add('elsewhere', 'n2'));
  take(await add('p7'));
  expect(world.ipam.bindings({ node: 'n1' })).toHaveLength(1_024);
});

test('a GC asks for its boot once, however much its node holds', async () => {
  const workloads = new PretendedWorkloads();
  workloads.node('n1');
  const cluster = { workloads, leads: () => false, nodeGoneAfterMs: 300_000 };
  const world = await openWorld({ nodes: clusterNodes(workloads), cluster });
  await world.pool('p', POOL);
  for (let index = 0; index < 50; index++) {
    workloads.pod('ns', `p${index}`);
    take(await world.add(`c${index}`, { pod: pod(`p${index}`) }));
  }
  const { readNode } = workloads;
  let reads = 0;
  workloads.readNode = (name) => (reads++, readNode(name));
  const gc = (bootId: string) => {
    const list = { cniVersion: '1.1.0', cniNetwork: 'net', validAttachments: [], gcMinAgeSeconds: 0 };
    return world.ipam.gc({ node: 'n1', gone: () => false }, { ...list, stamp: world.stamp({ bootId }) });
  };
  expect(take(await gc('another'))).toEqual([]);
  expect(reads).toBe(1);
  expect(take(await gc('boot-1'))).toHaveLength(50);
});
