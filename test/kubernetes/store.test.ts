import { expect, test } from 'vitest';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { StoreAmbiguous, StoreUnavailable, type Written } from '../../src/store/store.ts';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { ADDRESS_BINDINGS } from '../../src/kubernetes/objects.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import { clientOf, seededRandom, silentLog } from '../support/cluster-client.ts';
import { PretendedApiServer, type Fault } from '../support/pretended-api-server.ts';
import { describeStoreContract } from '../suites/store-contract.ts';

function openPretended(options: { readonly fault?: () => Fault | undefined; readonly lagMs?: () => number } = {}) {
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
