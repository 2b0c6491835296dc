/** Why a pod gets what it gets: asked of the very functions that serve its ADD, so the two cannot tell different stories. */
import { describe, expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { openWorld, refusalOf, take } from '../support/ipam-world.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';

async function openCluster() {
  const workloads = new PretendedWorkloads();
  workloads.node('n1', { labels: { zone: 'a' } });
  workloads.namespaces.set('ns', { name: 'ns', labels: { team: 'red' }, annotations: {} });
  const world = await openWorld({
    nodes: clusterNodes(workloads),
    cluster: { workloads, leads: () => false, nodeGoneAfterMs: 300_000 },
  });
  const pool = (name: string, third: number, more: object = {}) => world.pool(name, { ranges: [{ cidr: `10.0.${third}.0/30` }], ...more });
  const explain = async (name: string, pools?: readonly string[]) =>
    take(await world.ipam.explainPod({ node: '', gone: () => false }, { namespace: 'ns', name }, pools));
  const add = (name: string, more: object = {}) =>
    world.add(name, { pod: { namespace: 'ns', name, uid: `uid-of-${name}` }, node: 'n1', ...more });
  return { ...world, workloads, pool, explain, add };
}

describe('explainPod', () => {
  test('pools whose selectors match go first, by priority; the others say why not', async () => {
    const { workloads, pool, explain, add } = await openCluster();
    await pool('fallback', 1, { default: true });
    await pool('reds', 2, { namespaceSelector: { matchLabels: { team: 'red' } } });
    await pool('zone-a', 3, { nodeSelector: { matchLabels: { zone: 'a' } }, priority: 5 });
    await pool('blues', 4, { namespaceSelector: { matchLabels: { team: 'blue' } } });
    await pool('by-name', 5);
    workloads.pod('ns', 'web');
    const found = await explain('web');
    expect(found).toMatchObject({ state: 'gives', node: 'n1', uid: 'uid-of-web', asks: { pools: [], addresses: [] }, bindings: [] });
    expect(found.detail).toBe('holds nothing; an ADD now would get an IPv4 address from pool zone-a');
    expect(found.pools.map(({ pool, order, reason, detail }) => [pool, order, reason, detail])).toEqual([
      ['zone-a', 1, undefined, 'would give an address (1 available)'],
      ['reds', 2, undefined, 'would give an address (1 available)'],
      ['blues', undefined, undefined, 'its namespaceSelector does not match'],
      ['by-name', undefined, undefined, 'it has no selector and is no default pool: it serves those who name it'],
      ['fallback', undefined, undefined, 'pools whose selectors match go before the default pools: reds, zone-a'],
    ]);
    const given = take(await add('web')).addresses[0];
    expect(given?.pool).toBe('zone-a');
    const [address] = given!.address.split('/');
    expect(await explain('web')).toMatchObject({ state: 'holds', detail: `holds ${address} (pool zone-a)` });
  });

  test('what a full pool, and the refusal of the whole, say is what an ADD is told', async () => {
    const { workloads, pool, explain, add } = await openCluster();
    await pool('only', 1, { default: true });
    for (const name of ['a', 'c']) workloads.pod('ns', name);
    take(await add('a'));
    const found = await explain('c');
    const { detail, pools } = refusalOf(await add('c'));
    expect(found).toMatchObject({ state: 'refuses', detail, pools: [{ pool: 'only', order: 1, reason: 'PoolFull' }] });
    expect(found.pools[0]?.detail).toBe(pools?.[0]?.detail);
    await pool('spare', 2, { default: true, priority: -1 });
    expect(await explain('c')).toMatchObject({ state: 'gives', pools: [{ reason: 'PoolFull' }, { pool: 'spare', order: 2 }] });
  });

  test('annotations and --pool name pools: who named them, and what is wrong with a name', async () => {
    const { workloads, pool, explain } = await openCluster();
    await pool('one', 1);
    await pool('two', 2, { podSelector: { matchLabels: { app: 'db' } } });
    await pool('other', 3, { default: true });
    workloads.pod('ns', 'web', { annotations: { 'berth-ipam.dev/pools': 'one', 'berth-ipam.dev/addresses': '10.0.1.2' } });
    expect(await explain('web')).toMatchObject({
      state: 'refuses',
      asks: { pools: ['one'], by: 'pod', addresses: ['10.0.1.2'] },
      pools: [
        { pool: 'one', order: 1, reason: 'NotAllowed', detail: 'requested addresses are forbidden (requestedAddresses)' },
        { pool: 'other', detail: 'not named: only one is' },
        { pool: 'two', detail: 'not named: only one is' },
      ],
    });
    workloads.pod('ns', 'web', { annotations: {} });
    expect(await explain('web', ['two'])).toMatchObject({
      state: 'refuses',
      asks: { by: 'configuration' },
      detail: 'pool "two" is not for this pod: its podSelector does not match',
      pools: [{ pool: 'one' }, { pool: 'other' }, { pool: 'two', detail: 'its podSelector does not match' }],
    });
    expect((await explain('web', ['three'])).detail).toContain('there is no pool "three"');
    workloads.namespaces.set('ns', { name: 'ns', labels: {}, annotations: { 'berth-ipam.dev/pools': 'one' } });
    expect(await explain('web')).toMatchObject({ state: 'gives', asks: { by: 'namespace', pools: ['one'] } });
  });

  test('a pod that is gone, one that never was, one on no node', async () => {
    const { ipam, workloads, pool, explain, add } = await openCluster();
    await pool('only', 1, { default: true });
    workloads.pod('ns', 'web');
    take(await add('web'));
    workloads.deletePod('ns', 'web');
    expect(await explain('web')).toMatchObject({
      state: 'gone',
      detail: expect.stringMatching(/held in its name.*10\.0\.1\.\d \(pool only\)/),
    });
    const nobody = await ipam.explainPod({ node: '', gone: () => false }, { namespace: 'ns', name: 'nobody' });
    expect(refusalOf(nobody)).toMatchObject({ reason: 'BindingNotFound', detail: expect.stringContaining('there is no pod ns/nobody') });
    await pool('spare', 2, { default: true, priority: -1 });
    const { node: _, ...pending } = workloads.pod('ns', 'pending', { phase: 'Pending' });
    workloads.live.set('ns/pending', pending);
    expect((await explain('pending')).detail).toContain('once it is on a node');
  });

  test('outside a cluster the names are the labels', async () => {
    const world = await openWorld();
    await world.pool('a', {
      ranges: [{ cidr: '10.0.0.0/24' }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ns' } },
    });
    await world.pool('b', { ranges: [{ cidr: '10.0.1.0/24' }], nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'other' } } });
    const explained = take(await world.ipam.explainPod({ node: 'n1', gone: () => false }, { namespace: 'ns', name: 'web' }));
    expect(explained).toMatchObject({
      state: 'gives',
      node: 'n1',
      pools: [
        { pool: 'a', order: 1 },
        { pool: 'b', detail: 'its nodeSelector does not match' },
      ],
    });
  });
});
