/** What berthctl reads of a cluster for one question: what it is about, however much there is; on a pretended API server. */
import { describe, expect, test } from 'vitest';
import { clusterBindings } from '../../src/cli/cluster/bindings.ts';
import { explainingClient } from '../../src/cli/cluster/explaining-client.ts';
import { openRecords, selectorOf, type Unreadable } from '../../src/cli/cluster/records.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from '../../src/kubernetes/objects.ts';
import { createClient } from '../../src/kubernetes/client.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import type { Transport } from '../../src/kubernetes/transport.ts';
import { clientOf, seededRandom, silentLog } from '../support/cluster-client.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { virtualTimers } from '../support/virtual-timers.ts';
import { binding, pool } from '../crds/objects.ts';

async function openWorld(many: number) {
  const timers = virtualTimers();
  const random = seededRandom(1);
  const server = new PretendedApiServer({ timers, random });
  const writer = clientOf(server, timers, random);
  const blue = pool({ ranges: [{ cidr: '10.1.0.0/16' }] }, 'blue');
  if (!(await writer.create(ADDRESS_POOLS, blue as never)).ok) throw new Error('no pool');
  for (let index = 0; index < many; index++) {
    const [third, fourth] = [index >> 8, index & 255];
    const object = binding(
      { address: `10.1.${third}.${fourth}`, subinstance: `ns-${index % 10}`, subid: `pod-${index}` },
      `default.10-1-${third}-${fourth}`,
    );
    const made = await writer.create(ADDRESS_BINDINGS, object as never);
    if (!made.ok) throw new Error(made.status.message);
  }
  const asked: string[] = [];
  const transport: Transport = (request, signal) => {
    asked.push(`${request.method} ${decodeURIComponent(request.path.replace(/^.*\/v1alpha1/, ''))}`);
    return server.transport(request, signal);
  };
  const client = explainingClient(createClient({ transport, timers, random }), 10_000);
  const unreadable: Unreadable[] = [];
  const records = openRecords(client, (object) => unreadable.push(object));
  const backend = clusterBindings(records, openKubernetesStore({ client, timers, random, log: silentLog }), client);
  const addresses = async (query: Parameters<typeof backend.eachBinding>[0], pageSize?: number): Promise<string[]> => {
    const found: string[] = [];
    for await (const { spec } of backend.eachBinding(query, pageSize)) found.push(spec.address);
    return found;
  };
  return { timers, server, writer, asked, records, addresses, backend, unreadable };
}

describe('reading a cluster', () => {
  test('an address, and a pod, are one small answer each', async () => {
    const { addresses, asked, backend } = await openWorld(1_200);
    expect(await addresses({ address: '10.1.2.3' })).toEqual(['10.1.2.3']);
    expect(await addresses({ subinstance: 'ns-7', subid: 'pod-17' })).toEqual(['10.1.0.17']);
    expect(await addresses({ subinstance: 'ns-7', subid: 'pod-18' })).toEqual([]);
    expect((await backend.getBinding('default', '10.1.0.9')).spec.subid).toBe('pod-9');
    expect(asked).toEqual([
      'GET /addresspools?limit=500',
      'GET /addressbindings/default.10-1-2-3',
      'GET /addressbindings?fieldSelector=spec.subinstance=ns-7,spec.subid=pod-17,spec.state=Bound&resourceVersion=0',
      'GET /addressbindings?fieldSelector=spec.subinstance=ns-7,spec.subid=pod-18,spec.state=Bound&resourceVersion=0',
      'GET /addressbindings/default.10-1-0-9',
    ]);
    expect(await addresses({ address: '10.1.4.255' })).toEqual([]);
    expect(await addresses({ address: '10.1.2.3', network: 'lab' })).toEqual([]);
    expect(await addresses({ address: '10.1.2.3', state: 'released' })).toEqual([]);
  });

  test('whoever has no right on pools finds an address all the same, by a selector', async () => {
    const { addresses, asked, server } = await openWorld(20);
    server.forbid('list', ADDRESS_POOLS);
    expect(await addresses({ address: '10.1.0.3' })).toEqual(['10.1.0.3']);
    expect(asked).toEqual([
      'GET /addresspools?limit=500',
      'GET /addressbindings?fieldSelector=spec.address=10.1.0.3,spec.state=Bound&resourceVersion=0',
    ]);
  });

  test('a list comes page by page: whoever stops early has read no more', async () => {
    const { backend, addresses, asked } = await openWorld(1_200);
    for await (const { spec } of backend.eachBinding({}, 100)) if (spec.address === '10.1.0.0') break;
    expect(asked.length).toBeLessThanOrEqual(1);
    const all = await addresses({}, 500);
    expect(new Set(all).size).toBe(1_200);
    expect(asked).toHaveLength(1 + 3);
    expect((await backend.listBindings({}, { limit: 7 })).items).toHaveLength(7);
    expect(asked).toHaveLength(1 + 3 + 1);
  });

  test('what fits in a page is in the order of its addresses', async () => {
    const { addresses } = await openWorld(120);
    const found = await addresses({});
    expect(found.slice(0, 12)).toEqual(Array.from({ length: 12 }, (_, index) => `10.1.0.${index}`));
  });

  test('a listing that expires on the way goes on: everything once', async () => {
    const { server, records } = await openWorld(300);
    const seen: string[] = [];
    let page = 0;
    for await (const items of records.bindingPages({}, 100, 'judged')) {
      seen.push(...items.map(({ name }) => name));
      if (++page === 1) server.compact();
    }
    expect(seen).toHaveLength(300);
    expect(new Set(seen).size).toBe(300);
  });

  test('what nobody could have written is told, and the rest is read', async () => {
    const { writer, records, unreadable } = await openWorld(3);
    await writer.create(ADDRESS_BINDINGS, binding({ address: '10.9.9.9' }, 'default.10-1-0-200') as never);
    const twice = pool({ ranges: [{ cidr: '10.5.0.0/24' }, { cidr: '10.5.0.128/25' }] }, 'twice');
    for (const object of [twice, pool({ ranges: [{ cidr: '10.6.0.0/24' }] }, 'good')]) await writer.create(ADDRESS_POOLS, object as never);
    expect((await records.bindings({})).length).toBe(3);
    expect((await records.pools()).map(({ name }) => name)).toEqual(['blue', 'good']);
    expect(unreadable).toEqual([
      { resource: 'addressbindings.berth-ipam.dev', name: 'default.10-1-0-200', why: expect.stringContaining('10.9.9.9') },
      { resource: 'addresspools.berth-ipam.dev', name: 'twice', why: expect.stringContaining('overlap') },
    ]);
    await expect(records.pool('twice')).rejects.toThrow('is there and cannot be used');
    expect(await records.pool('none')).toBeUndefined();
  });

  test('a selector says what the server can judge, whatever somebody types', () => {
    expect(selectorOf({})).toBe('spec.state=Bound');
    expect(selectorOf({ state: 'all' })).toBeUndefined();
    expect(selectorOf({ state: 'released', node: 'n', pool: 'p', network: 'x' })).toBe(
      'spec.network=x,spec.pool=p,spec.node=n,spec.state=Released',
    );
    expect(selectorOf({ subid: 'a,spec.node=b\\' })).toBe('spec.subid=a\\,spec.node\\=b\\\\,spec.state=Bound');
    expect(selectorOf({ tag: { key: 'a' }, state: 'all' })).toBeUndefined();
  });
});
