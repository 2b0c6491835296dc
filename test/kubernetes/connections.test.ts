/** The client on real TLS connections, with a pretended API server behind a real listener. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import type { Clock } from '../../src/core/clock.ts';
import { createClient, type Client } from '../../src/kubernetes/client.ts';
import { openCredentials, type Credentials } from '../../src/kubernetes/credentials.ts';
import { ADDRESS_BINDINGS, PODS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import { ApiUnreachable } from '../../src/kubernetes/status.ts';
import { undiciTransport } from '../../src/kubernetes/undici-transport.ts';
import { makeAuthority, makeCertificate, type Pair } from '../support/certificates.ts';
import { seededRandom } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { listenPretended, type Listener } from '../support/pretended-api-server/listener.ts';

let folder: string;
let authority: Pair;
let server: PretendedApiServer;
let listener: Listener;
let credentials: Credentials;
let client: Client;
/** The client's idea of time can be moved on without waiting. */
let aheadMs: number;
let accepted: string;

const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() + aheadMs };
const caFile = () => join(folder, 'trusted.crt');
const tokenFile = () => join(folder, 'token');

beforeEach(async () => {
  aheadMs = 0;
  accepted = 'one';
  folder = mkdtempSync(join(tmpdir(), 'berth-connections-'));
  authority = makeAuthority(folder, 'ca');
  server = new PretendedApiServer({ timers: systemTimers, random: seededRandom(3) });
  listener = await listenPretended({
    transport: server.transport,
    certificate: makeCertificate(folder, 'server', '/CN=server', authority),
    accepts: (authorization) => authorization === `Bearer ${accepted}`,
  });
  writeFileSync(caFile(), authority.cert);
  writeFileSync(tokenFile(), 'one\n');
  const kubeconfigFile = join(folder, 'kubeconfig');
  const named = { name: 'it' };
  writeFileSync(
    kubeconfigFile,
    JSON.stringify({
      clusters: [{ ...named, cluster: { server: listener.url, 'certificate-authority': 'trusted.crt' } }],
      users: [{ ...named, user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile: tokenFile() } } } }],
      contexts: [{ ...named, context: { cluster: 'it', user: 'it', namespace: 'here' } }],
      'current-context': 'it',
    }),
  );
  credentials = openCredentials({ kubeconfigFile, clock, connections: 8 });
  client = createClient({ transport: undiciTransport(credentials), timers: systemTimers, random: () => 0 });
});

afterEach(async () => {
  await credentials.close();
  await listener.close();
  rmSync(folder, { recursive: true, force: true });
});

const list = () => client.list(PODS, {});

test('1,000 calls, 32 at a time, take no more connections than allowed, and one after the other two', async () => {
  const create = (index: number) => client.create<KubernetesObject>(ADDRESS_BINDINGS, { metadata: { name: `b-${index}` } });
  for (let index = 0; index < 100; index++) expect((await create(index)).ok).toBe(true);
  // Two, because the next call begins in the very moment in which the last one's connection becomes free.
  expect(listener.connections()).toBeLessThanOrEqual(2);
  let next = 100;
  const callers = Array.from({ length: 32 }, async () => {
    while (next < 1_000) expect((await create(next++)).ok).toBe(true);
  });
  await Promise.all(callers);
  expect(server.objects(ADDRESS_BINDINGS).length).toBe(1_000);
  expect(listener.connections()).toBeLessThanOrEqual(8);
});

test('the namespace comes from the context', () => {
  expect(credentials.namespace).toBe('here');
});

describe('a token that is renewed in place', () => {
  test('is read again after ten seconds', async () => {
    expect((await list()).ok).toBe(true);
    accepted = 'two';
    writeFileSync(tokenFile(), 'two\n');
    aheadMs += 10_001;
    expect((await list()).ok).toBe(true);
    expect(listener.authorizations).toEqual(['Bearer one', 'Bearer two']);
  });

  test('is read again at once when the old one is refused, and the call is made again', async () => {
    expect((await list()).ok).toBe(true);
    accepted = 'two';
    writeFileSync(tokenFile(), 'two\n');
    expect((await list()).ok).toBe(true);
    expect(listener.authorizations).toEqual(['Bearer one', 'Bearer one', 'Bearer two']);
  });

  test('is refused once when the file has no other', async () => {
    accepted = 'two';
    const answer = await list();
    expect(answer).toMatchObject({ ok: false, status: { code: 401, reason: 'Unauthorized' } });
    expect(listener.authorizations).toEqual(['Bearer one']);
  });
});

test('a server with a new certificate authority is trusted as soon as the file says so', async () => {
  expect((await list()).ok).toBe(true);
  const other = makeAuthority(folder, 'ca2');
  listener.present(makeCertificate(folder, 'server2', '/CN=server', other));
  const refused = await client.create<KubernetesObject>(PODS, { metadata: { name: 'p', namespace: 'n' } }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiUnreachable);
  expect((refused as ApiUnreachable).sent).toBe(false);
  writeFileSync(caFile(), other.cert);
  // A read is made again after a failure, and the failure has made the client read the file.
  expect((await list()).ok).toBe(true);
});

test('a server that is not there: nothing was sent, and the sentence says what happened', async () => {
  await listener.close();
  const error = await client.create<KubernetesObject>(PODS, { metadata: { name: 'p', namespace: 'n' } }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiUnreachable);
  expect([(error as ApiUnreachable).sent, (error as ApiUnreachable).message]).toEqual([
    false,
    expect.stringMatching(/^no answer from the API server: connect ECONNREFUSED 127\.0\.0\.1:\d+$/),
  ]);
});

test('a watch shows events as they happen, and leaving it ends it on the server', async () => {
  const stop = new AbortController();
  const answer = await client.watch(PODS, { resourceVersion: server.revision(), timeoutSeconds: 300 }, { signal: stop.signal });
  if (!answer.ok) throw new Error(answer.status.message);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of answer.value) seen.push(`${event.type} ${event.object.metadata.name}`);
  })().catch((error: unknown) => (error as Error).constructor);
  server.put(PODS, { metadata: { namespace: 'n', name: 'one' } });
  await eventually(() => seen.length === 1, 'the first event');
  server.put(PODS, { metadata: { namespace: 'n', name: 'zwei-ü' } });
  await eventually(() => seen.length === 2, 'the second event');
  expect(seen).toEqual(['ADDED one', 'ADDED zwei-ü']);
  expect(server.openWatches()).toBe(1);
  stop.abort();
  expect(await reading).toBe(ApiUnreachable);
  await eventually(() => server.openWatches() === 0, 'the watch to end on the server');
});

test('no token in an error', async () => {
  accepted = 'nobody';
  const texts = [JSON.stringify(await list())];
  await listener.close();
  texts.push(String(await list().catch((error: Error) => `${error.message} ${JSON.stringify(error)} ${error.stack}`)));
  expect(texts.filter((text) => /Bearer|\bone\b/.test(text))).toEqual([]);
});
