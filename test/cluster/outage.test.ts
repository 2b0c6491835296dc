/**
 * The API server is slow, overloaded, silent, down, restarting, and so is etcd; the watches are cut. What callers are
 * told is a sentence with a time to come back, and nothing is lost: an API server of this file's own behind a proxy.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { startListWatch } from '../../src/kubernetes/list-watch.ts';
import { CONFIG_MAPS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import { openCluster } from '../../src/kubernetes/open-client.ts';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { spawnController, whenReady, type Started } from '../server/controller-process.ts';
import { cniAdd, cniDel } from '../server/requests.ts';
import { startApiProxy, type ApiProxy, type OwnAnswer } from '../support/api-proxy.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { describeCluster } from '../support/cluster.ts';
import { silentLog } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';
import { ask, type HttpAnswer } from '../support/http.ts';
import { applyPath } from '../support/kubectl.ts';
import { workloadsOn } from '../support/workloads-on.ts';

/** An API server without etcd says nothing: the write and the read after it wait ten seconds each. Only CI asks for that. */
const IS_LONG = process.env['BERTH_OUTAGE'] === 'long';

const NODE = 'faithful';
const BOOT = '66666666-7777-4888-9999-aaaaaaaaaaaa';

const overloaded: OwnAnswer = {
  status: 429,
  headers: { 'retry-after': '1' },
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'too many requests', reason: 'TooManyRequests', code: 429 },
};

describeCluster('an API server in trouble', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-outage-'));
  const socket = join(directory, 'berth.sock');
  let server: ApiServer;
  let proxy: ApiProxy;
  let controller: Started;
  let ticks = 1_000;
  const uids = new Map<string, string>();

  beforeAll(async () => {
    server = await startApiServer();
    await applyPath(server.kubeconfig, 'deploy/crds');
    const { makeNamespace, makeNode, makePod } = workloadsOn(server.request);
    await makeNamespace('outage');
    await makeNode(NODE, BOOT);
    const spec = { ranges: [{ cidr: '10.85.0.0/24' }], default: true };
    expect((await server.request('POST', POOLS, pool(spec, 'outage'))).status).toBe(201);
    for (const name of ['first', 'kept', 'busy', 'slow', 'silent', 'late', 'restarted', 'etcd', 'named'])
      uids.set(name, await makePod('outage', name, NODE));
    proxy = await startApiProxy(server);
    const proxied = join(directory, 'proxied.kubeconfig');
    writeFileSync(proxied, readFileSync(server.kubeconfig, 'utf8').replace(server.url, proxy.url));
    const flags = ['--store', 'kubernetes', '--kubeconfig', proxied, '--node-name', NODE, '--log-level', 'warn'];
    controller = await spawnController([...flags, '--listen', `unix:${socket}`]);
    await whenReady(controller, socket);
  }, 120_000);
  afterAll(async () => {
    controller.child.kill('SIGKILL');
    await proxy.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const newStamp = () => ({ bootId: BOOT, startedTicks: ++ticks, monotonicNs: `${ticks}0000000`, attempt: 0 });
  const call = (verb: 'add' | 'del', body: object): Promise<HttpAnswer> => ask({ socketPath: socket }, 'POST', `/v1/cni/${verb}`, body);
  const add = (name: string, more: object = {}): Promise<HttpAnswer> =>
    call('add', { ...cniAdd({ containerId: `c-${name}`, pod: { namespace: 'outage', name, uid: uids.get(name)! } }), stamp: newStamp(), ...more }); // prettier-ignore
  const del = (name: string): Promise<HttpAnswer> => call('del', { ...cniDel({ containerId: `c-${name}` }), stamp: newStamp() });
  /** The controller reaches the API server again. */
  const addUntilServed = (name: string): Promise<HttpAnswer> =>
    eventually(async () => {
      const answer = await add(name);
      return answer.status === 200 && answer;
    }, `an address for ${name}`);
  const addressIn = (answer: HttpAnswer): string => {
    expect(answer.status, answer.text).toBe(200);
    return answer.json.addresses[0].address.split('/')[0];
  };
  const recordsOf = async (name: string): Promise<{ address: string; state: string }[]> => {
    const { items } = (await server.request('GET', BINDINGS)).json as {
      items: { spec: { subid: string; address: string; state: string } }[];
    };
    return items.map(({ spec }) => spec).filter(({ subid }) => subid === name);
  };
  /** Refused for now, in words, with a time to come back: a runtime tries again. */
  function expectOutage(answer: HttpAnswer, words: RegExp): void {
    expect([answer.status, answer.json.reason, Number(answer.headers['retry-after']) >= 1], answer.text).toEqual([
      503,
      'Unavailable',
      true,
    ]);
    expect(answer.json.detail).toMatch(words);
    expect(answer.text).not.toMatch(/ {4}at |Error:|node:internal/);
  }
  const isWrite = ({ method, path }: { method: string; path: string }): boolean => method !== 'GET' && path.startsWith(BINDINGS);

  test('it answers 429: the call waits as told and succeeds; if that does not end, it is refused and nothing is held', async () => {
    let told = 0;
    proxy.watch = (moment, request) => (moment === 'asked' && isWrite(request) && told++ < 1 ? overloaded : undefined);
    const began = performance.now();
    const address = addressIn(await add('busy'));
    expect([told >= 2, performance.now() - began > 1_000]).toEqual([true, true]);
    expect(await recordsOf('busy')).toEqual([expect.objectContaining({ address, state: 'Bound' })]);
    proxy.watch = (moment, request) => (moment === 'asked' && isWrite(request) ? overloaded : undefined);
    expectOutage(await add('late'), /^the API server refused: too many requests$/);
    proxy.watch = undefined;
    expect(await recordsOf('late')).toEqual([]);
  });

  test('it is slow: the call is slow; it never answers a write that it did: a read finds it, and the caller has its address', async () => {
    const waiting = Promise.withResolvers<void>();
    proxy.watch = (moment, request) => {
      if (moment === 'asked' && isWrite(request)) return waiting.promise;
      return undefined;
    };
    const slow = add('slow');
    const shortly = await Promise.race([slow, new Promise((resolve) => setTimeout(resolve, 1_000, 'not yet'))]);
    expect(shortly).toBe('not yet');
    // Meanwhile what needs no write is not held up.
    expect((await ask({ socketPath: socket }, 'GET', '/livez')).status).toBe(200);
    expect((await ask({ socketPath: socket }, 'GET', '/v1/pools')).status).toBe(200);
    let swallowed = 0;
    proxy.watch = (moment, request) => (moment === 'done' && isWrite(request) && swallowed++ === 0 ? 'stop' : undefined);
    const silent = add('silent');
    await eventually(() => swallowed === 1, 'the answer to be swallowed');
    proxy.cut();
    const found = addressIn(await silent);
    waiting.resolve();
    const address = addressIn(await slow);
    expect(await recordsOf('slow')).toEqual([expect.objectContaining({ address, state: 'Bound' })]);
    expect(await recordsOf('silent')).toEqual([expect.objectContaining({ address: found, state: 'Bound' })]);
    proxy.watch = undefined;
  });

  test('its watches are cut: what changed meanwhile is known', async () => {
    proxy.cut();
    const spec = { ranges: [{ first: '10.85.1.10', last: '10.85.1.19' }], subnet: '10.85.1.0/24' };
    expect((await server.request('POST', POOLS, pool(spec, 'made-meanwhile'))).status).toBe(201);
    await eventually(async () => (await add('named', { pools: ['made-meanwhile'] })).status === 200, 'the new pool to be known');
    proxy.cut();
    expect((await server.request('DELETE', `${POOLS}/made-meanwhile`)).status).toBe(200);
    await eventually(
      async () => (await add('first', { ifName: 'net1', pools: ['made-meanwhile'] })).json.reason === 'UnknownPool',
      'its deletion to be known',
    );
  });

  test('it is down: a refusal that says so, for ADD and DEL; it is back: the same answers as before, and no address twice', async () => {
    const kept = addressIn(await add('kept'));
    await server.server.kill('SIGKILL');
    expectOutage(await add('first'), /^no answer from the API server: /);
    expectOutage(await del('kept'), /^no answer from the API server: /);
    // Who is answered from nothing but memory would be told a lie: an ADD that is held already needs the API server too.
    expectOutage(await add('kept'), /^no answer from the API server: /);
    expect((await ask({ socketPath: socket }, 'GET', '/livez')).status).toBe(200);
    server.server.start();
    await server.whenReady();
    expect(addressIn(await addUntilServed('kept'))).toBe(kept);
    expect(addressIn(await add('restarted'))).not.toBe(kept);
    expect((await del('kept')).status).toBe(200);
    expect(await recordsOf('kept')).toEqual([expect.objectContaining({ address: kept, state: 'Released' })]);
  });

  const testLong = IS_LONG ? test : () => undefined;
  testLong('etcd is restarted under it: a refusal that says that nothing is heard, then it goes on', async () => {
    await server.etcd.kill('SIGKILL');
    expectOutage(await add('etcd'), /^no answer from the API server within 10 s$/);
    server.etcd.start();
    await server.whenReady();
    const answer = await addUntilServed('etcd');
    expect(await recordsOf('etcd')).toEqual([expect.objectContaining({ address: addressIn(answer), state: 'Bound' })]);
  });

  test('in the end each pod has one record, each address one pod', async () => {
    const { items } = (await server.request('GET', BINDINGS)).json as {
      items: { spec: { subid: string; state: string; address: string } }[];
    };
    const bound = items.map(({ spec }) => spec).filter(({ state, subid }) => state === 'Bound' && subid !== 'first');
    expect(new Set(bound.map(({ subid }) => subid)).size).toBe(bound.length);
    expect(bound.map(({ subid }) => subid).toSorted()).toEqual([
      'busy',
      ...(IS_LONG ? ['etcd'] : []),
      'named',
      'restarted',
      'silent',
      'slow',
    ]);
    expect(controller.child.exitCode).toBeNull();
  });

  test('the list-watch: pages, then every change; over a restart whose history is compacted it lists again, and invents nothing', async () => {
    const collection = '/api/v1/namespaces/outage/configmaps';
    const makeMap = async (name: string): Promise<string> => {
      const made = await server.request('POST', collection, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
      expect(made.status, made.text).toBe(201);
      return made.json.metadata.uid;
    };
    const remove = async (name: string): Promise<void> => {
      expect((await server.request('DELETE', `${collection}/${name}`)).status).toBe(200);
    };
    const made = new Map<string, string>();
    for (const name of ['a', 'b', 'c', 'd', 'e']) made.set(name, await makeMap(name));
    const random = (): number => Math.random();
    const { client, close } = openCluster({ kubeconfigFile: join(directory, 'proxied.kubeconfig'), timers: systemTimers, random });
    const seen: string[] = [];
    const watch = startListWatch({
      client,
      type: CONFIG_MAPS,
      selection: { namespace: 'outage' },
      trim: ({ metadata }: KubernetesObject) => ({ name: metadata.name, uid: metadata.uid!, version: metadata.resourceVersion! }),
      handler: {
        put: ({ name, uid }) => seen.push(`put ${name} ${uid}`),
        removed: ({ name, uid }, witnessed) => seen.push(`${witnessed ? 'removed' : 'missed'} ${name} ${uid}`),
        synced: () => seen.push('synced'),
      },
      timers: systemTimers,
      random,
      log: silentLog,
      pageSize: 2,
    });
    const news = (): string[] => seen.splice(0);
    const of = (what: string, name: string): string => `${what} ${name} ${made.get(name)}`;
    try {
      await eventually(() => watch.synced(), 'the first listing');
      expect(news()).toEqual([...['a', 'b', 'c', 'd', 'e'].map((name) => of('put', name)), 'synced']);
      await remove('a');
      await eventually(() => seen.length === 1, 'the deletion');
      expect([news(), watch.listings()]).toEqual([[of('removed', 'a')], 1]);

      // Broken, and the history is kept: it goes on where it was, and witnesses the deletion.
      proxy.watch = (moment, { path }) => (moment === 'asked' && path.startsWith(collection) ? 'stop' : undefined);
      proxy.cut();
      await remove('b');
      proxy.watch = undefined;
      proxy.cut();
      await eventually(() => seen.length === 1, 'the deletion in the gap');
      expect([news(), watch.listings()]).toEqual([[of('removed', 'b')], 1]);

      // Broken, and the history is gone: what is missing was not witnessed; one of the same name is another.
      proxy.watch = (moment, { path }) => (moment === 'asked' && path.startsWith(collection) ? 'stop' : undefined);
      proxy.cut();
      await remove('c');
      await remove('d');
      const old = of('missed', 'd');
      made.set('d', await makeMap('d'));
      made.set('f', await makeMap('f'));
      const { resourceVersion } = (await server.request('GET', collection)).json.metadata;
      const compacted = await fetch(`${server.etcdUrl}/v3/kv/compaction`, {
        method: 'POST',
        body: JSON.stringify({ revision: resourceVersion }),
      });
      expect(compacted.status).toBe(200);
      await server.server.kill('SIGKILL');
      server.server.start();
      await server.whenReady();
      proxy.watch = undefined;
      proxy.cut();
      await eventually(() => watch.listings() === 2, 'it to list again', 60_000);
      expect(news().toSorted()).toEqual([of('missed', 'c'), old, of('put', 'd'), of('put', 'f')].toSorted());
      await remove('e');
      await eventually(() => seen.length === 1, 'it to follow again');
      expect(news()).toEqual([of('removed', 'e')]);
      expect([...watch.values()].map(({ name }) => name).toSorted()).toEqual(['d', 'f']);
    } finally {
      watch.stop();
      await close();
    }
  });
});
