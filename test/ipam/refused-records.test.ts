/**
 * Records that the store never accepts (against newer rules of the custom resource, or of somebody's policy): five in a row
 * end a pass, as in an outage, and those behind them must have their turn all the same.
 */
import { expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { openWorld, storeWith, take } from '../support/ipam-world.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';

async function open(refuses: (spec: BindingSpec) => boolean) {
  const workloads = new PretendedWorkloads();
  workloads.node('n1');
  const accept = (spec: BindingSpec): void => {
    if (refuses(spec)) throw new StoreUnavailable('the API server refused: is invalid');
  };
  const store = storeWith((bindings) => ({
    create: async (name, spec) => (accept(spec), bindings.create(name, spec)),
    replace: async (old, spec) => (accept(spec), bindings.replace(old, spec)),
  }));
  const cluster = { workloads, leads: () => true, nodeGoneAfterMs: 300_000 };
  const world = await openWorld({ store, nodes: clusterNodes(workloads), cluster });
  await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true, cooldownSeconds: 0 });
  const held = () => world.ipam.bindings({}).map(({ spec }) => spec.subid);
  return { workloads, world, held };
}

test('of pods that run without a record, those behind are adopted, also one that comes later', async () => {
  const { workloads, world, held } = await open(({ subid }) => subid.startsWith('bad'));
  for (let index = 0; index < 12; index++) workloads.pod('ns', `bad-${index}`, { addresses: [`10.0.0.${10 + index}`] });
  workloads.pod('ns', 'good', { addresses: ['10.0.0.50'] });
  await world.timers.advance(600_000);
  expect(held()).toEqual(['good']);
  workloads.pod('ns', 'late', { addresses: ['10.0.0.51'] });
  await world.timers.advance(600_000);
  expect(held().toSorted()).toEqual(['good', 'late']);
});

test('of sandboxes that are gone, those behind are collected', async () => {
  const { workloads, world, held } = await open(({ subid, releasedAt }) => releasedAt !== undefined && subid.startsWith('bad'));
  const names = [...Array.from({ length: 12 }, (_, index) => `bad-${index}`), 'good'];
  for (const name of names) {
    const { uid } = workloads.pod('ns', name);
    take(await world.add(name, { pod: { namespace: 'ns', name, uid } }));
  }
  for (const name of names) workloads.deletePod('ns', name);
  for (let pass = 0; pass < 60; pass++) {
    workloads.renew('n1');
    await world.timers.advance(10_000);
  }
  expect(held()).not.toContain('good');
  expect(held()).toHaveLength(12);
});
