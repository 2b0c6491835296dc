/** What a pod's annotations may cost: whoever may make a pod in one namespace writes them. */
import { expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { openWorld, refusalOf } from '../support/ipam-world.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';

test('an annotation that lists more than anybody needs is refused before it costs anything, and shown in one line', async () => {
  const workloads = new PretendedWorkloads();
  workloads.node('n1');
  const cluster = { workloads, leads: () => false, nodeGoneAfterMs: 300_000 };
  const world = await openWorld({ nodes: clusterNodes(workloads), cluster });
  await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true });
  const add = (name: string, annotations: Readonly<Record<string, string>>) => {
    const { uid } = workloads.pod('ns', name, { annotations });
    return world.add(name, { pod: { namespace: 'ns', name, uid } });
  };
  const [pools, addresses] = ['berth-ipam.dev/pools', 'berth-ipam.dev/addresses'];
  const answer = async (annotations: Readonly<Record<string, string>>) => refusalOf(await add('evil', annotations));
  const many = (text: string, count: number) => Array.from({ length: count }, () => text).join(',');
  expect(await answer({ [pools]: many('p', 130_000) })).toEqual({
    reason: 'InvalidRequest',
    detail: 'the annotation berth-ipam.dev/pools is longer than 8192 characters',
  });
  expect((await answer({ [pools]: many('p', 33) })).detail).toBe('the annotation berth-ipam.dev/pools lists more than 32');
  expect((await answer({ [addresses]: many('10.0.0.7', 33) })).detail).toBe('the annotation berth-ipam.dev/addresses lists more than 32');
  // As if nothing were asked for, the pod would get an address that it does not want.
  expect((await answer({ [pools]: ','.repeat(250_000) })).reason).toBe('InvalidRequest');
  for (const annotations of [{ [pools]: `\u001b[2J\n${'x'.repeat(8_000)}` }, { [addresses]: `10.\u001b[2J${'\u2028'.repeat(8_000)}` }]) {
    const { detail } = await answer(annotations);
    expect(detail.length).toBeLessThan(400);
    expect(detail).not.toMatch(/[\p{Cc}\p{Zl}]/u);
  }
  expect((await add('fine', { [pools]: many(' p ', 32) })).ok).toBe(true);
});

test('a pod whose labels are too many to be kept gets nothing of pools with a podSelector, and of others as ever', async () => {
  const workloads = new PretendedWorkloads();
  workloads.node('n1');
  const cluster = { workloads, leads: () => false, nodeGoneAfterMs: 300_000 };
  const world = await openWorld({ nodes: clusterNodes(workloads), cluster });
  const podSelector = { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' as const }] };
  await world.pool('selected', { ranges: [{ cidr: '10.0.1.0/24' }], podSelector });
  await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true });
  const { labels: _, ...pod } = workloads.pod('ns', 'huge');
  workloads.live.set('ns/huge', pod);
  workloads.catchUp('ns', 'huge');
  const add = (pools: readonly string[]) => world.add('c', { pod: { namespace: 'ns', name: 'huge', uid: pod.uid }, pools: [...pools] });
  expect(refusalOf(await add(['selected'])).detail).toContain('it has a podSelector, and the pod has too many labels');
  expect((await add([])).ok).toBe(true);
  expect(world.ipam.bindings({}).map(({ spec }) => spec.pool)).toEqual(['p']);
});
