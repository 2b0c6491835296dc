import { expect, test } from 'vitest';
import { contractBinding, contractName, contractPool } from '../../src/store/contract.ts';
import { StoreAmbiguous, StoreUnavailable, type Written } from '../../src/store/store.ts';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from '../../src/kubernetes/objects.ts';
import { bindingResource } from '../../src/kubernetes/resources.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import { clientOf, seededRandom, silentLog } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';
import { PretendedApiServer, type Fault } from '../support/pretended-api-server.ts';
import type { FaultChooser } from '../support/pretended-api-server/faults.ts';
import { describeStoreContract } from '../suites/store-contract.ts';

function openPretended(options: { readonly fault?: FaultChooser; readonly lagMs?: () => number } = {}) {
  const server = new PretendedApiServer({ timers: systemTimers, random: seededRandom(1), ...options });
  const store = openKubernetesStore({
    client: clientOf(server, systemTimers, () => 0),
    timers: systemTimers,
    random: seededRandom(2),
    log: silentLog,
  });
  return { server, store };
}

describeStoreContract('Kubernetes, on a pretended API server', async () => openPretended());
describeStoreContract('Kubernetes, on one whose watches lag', async () => openPretended({ lagMs: () => 3 }), { runs: 5 });

const attempt = async (write: Promise<Written<unknown>>): Promise<unknown> =>
  write.then(
    (written) => (written.ok ? 'written' : written.conflict),
    (error: unknown) => (error as Error).constructor,
  );

test.each<[string, Fault, unknown, boolean]>([
  ['no connection: certainly not written', { kind: 'refused' }, StoreUnavailable, false],
  ['a connection that breaks before: nobody knows', { kind: 'lost' }, StoreAmbiguous, false],
  ['a connection that breaks after: nobody knows', { kind: 'unanswered' }, StoreAmbiguous, true],
  ['a server that fails before: nobody knows', { kind: 'status', code: 500, done: false }, StoreAmbiguous, false],
  ['a server that fails after: nobody knows', { kind: 'status', code: 504, done: true }, StoreAmbiguous, true],
  ['half an answer: nobody knows', { kind: 'cut', afterBytes: 40, clean: false }, StoreAmbiguous, true],
  ['half an answer that looks whole: nobody knows', { kind: 'cut', afterBytes: 40, clean: true }, StoreAmbiguous, true],
])('a write meets %s', async (_name, fault, expected, done) => {
  let next: Fault | undefined = fault;
  const { store, server } = openPretended({
    fault: () => {
      const now = next;
      next = undefined;
      return now;
    },
  });
  expect(await attempt(store.bindings.create(contractName(1), contractBinding(1, 'a')))).toBe(expected);
  expect(server.objects(ADDRESS_BINDINGS).length === 1).toBe(done);
});

test('a pool that somebody has changed or made again meanwhile is not overwritten', async () => {
  const { store, server } = openPretended();
  const spec = contractPool;
  const written = await store.pools.create('p', spec);
  const first = written.ok ? written.stored : undefined;
  expect(await attempt(store.pools.replace(first!, { ...spec, priority: 1 }))).toBe('written');
  expect(await attempt(store.pools.replace(first!, { ...spec, priority: 2 }))).toBe('Changed');
  server.delete(ADDRESS_POOLS, 'p');
  expect(await attempt(store.pools.create('p', spec))).toBe('written');
  expect(await attempt(store.pools.replace(first!, { ...spec, priority: 3 }))).toBe('Changed');
  expect((await store.pools.get('p'))?.spec.priority).toBe(spec.priority);
});

test('a record that somebody’s finalizer keeps is not gone: its name is still taken', async () => {
  const { store, server } = openPretended();
  await store.bindings.create(contractName(1), contractBinding(1, 'a'));
  const [object] = server.objects(ADDRESS_BINDINGS);
  server.put(ADDRESS_BINDINGS, { ...object!, metadata: { ...object!.metadata, finalizers: ['example.com/keep'] } });
  expect(await attempt(store.bindings.remove((await store.bindings.get(contractName(1)))!))).toBe('Changed');
  expect(server.objects(ADDRESS_BINDINGS)).toHaveLength(1);
});

test('a listing whose token expires on the way starts again, at last in one piece; one that is unreadable hides no others', async () => {
  const asked: string[] = [];
  const { store, server } = openPretended({
    fault: ({ path }) => {
      const what = path.includes('continue=') ? 'rest' : path.includes('limit=') ? 'page' : 'whole';
      asked.push(what);
      return what === 'rest' ? { kind: 'status', code: 410, done: false } : undefined;
    },
  });
  for (let host = 1; host <= 501; host++)
    server.put(ADDRESS_BINDINGS, bindingResource.toObject(contractName(host), contractBinding(host, 'a')));
  server.put(ADDRESS_BINDINGS, { ...bindingResource.toObject(contractName(999), contractBinding(999, 'a')), spec: {} } as never);
  expect(await store.bindings.list()).toHaveLength(501);
  expect(asked).toEqual(['page', 'rest', 'page', 'rest', 'whole']);
});

test('a listing made anew is told to who watches', async () => {
  const { store, server } = openPretended();
  await store.bindings.create(contractName(1), contractBinding(1, 'a'));
  const relistings: string[][] = [];
  await new Promise<void>((synced) =>
    store.bindings.watch({ event: () => undefined, synced, relisted: (all) => relistings.push(all.map(({ name }) => name)) }),
  );
  server.stop();
  server.put(ADDRESS_BINDINGS, bindingResource.toObject(contractName(2), contractBinding(2, 'b')));
  server.compact();
  server.start();
  expect(await eventually(() => relistings.at(-1)?.join() === [contractName(1), contractName(2)].join(), 'the listing')).toBe(true);
  await store.close();
});
