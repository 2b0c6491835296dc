/**
 * A replica is killed at each named point of an ADD, and of a DEL: the other replica answers what is asked again, nobody
 * who was told an address loses it, and there is one record in the end. A proxy before the API server knows the moment.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { spawnController, whenReady, type Started } from '../server/controller-process.ts';
import { cniAdd, cniDel } from '../server/requests.ts';
import { startApiProxy, type ApiProxy, type Moment } from '../support/api-proxy.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { deletePod, makeNamespace, makeNode, makePod, newBootId } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { ask, type HttpAnswer } from '../support/http.ts';
import { applyPath } from '../support/kubectl.ts';
import { writeKubeconfig } from './kubeconfig.ts';

interface Point {
  readonly name: string;
  readonly at: Moment;
  readonly method: string;
  /** Whether that request goes no further. */
  readonly isLost: boolean;
}

/** The last is not the proxy's to see: the answer has arrived. */
const POINTS: readonly Point[] = [
  { name: 'it has the call, which another has served, and reads', at: 'asked', method: 'GET', isLost: true },
  { name: 'its write is on the way and never arrives', at: 'asked', method: 'WRITE', isLost: true },
  { name: 'its write is done and it has not heard', at: 'done', method: 'WRITE', isLost: true },
  { name: 'it has heard and has hardly answered', at: 'done', method: 'WRITE', isLost: false },
];

describeCluster('a replica is killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-kill-points-'));
  const nodeBoot = newBootId();
  const sockets = { doomed: join(directory, 'doomed.sock'), other: join(directory, 'other.sock') };
  let proxy: ApiProxy;
  let doomed: Started;
  let other: Started;
  let ticks = 1_000;
  let kubeconfigs: { readonly direct: string; readonly proxied: string };

  beforeAll(async () => {
    await applyPath(apiServer().kubeconfig, 'deploy/rbac');
    await makeNamespace('killed');
    await makeNode('killer-node', nodeBoot);
    await request('POST', POOLS, pool({ ranges: [{ cidr: '10.81.0.0/24' }], default: true, cooldownSeconds: 600 }, 'killed'));
    proxy = await startApiProxy(apiServer());
    const direct = await writeKubeconfig(directory, 'berth', 'berth-controller');
    const proxied = join(directory, 'proxied.kubeconfig');
    writeFileSync(proxied, readFileSync(direct, 'utf8').replace(apiServer().url, proxy.url));
    kubeconfigs = { direct, proxied };
    [doomed, other] = await Promise.all([start('doomed'), start('other')]);
  });
  afterAll(async () => {
    for (const { child } of [doomed, other]) child.kill('SIGKILL');
    await proxy.close();
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(name: keyof typeof sockets): Promise<Started> {
    const kubeconfig = name === 'doomed' ? kubeconfigs.proxied : kubeconfigs.direct;
    const flags = ['--store', 'kubernetes', '--kubeconfig', kubeconfig, '--node-name', 'killer-node', '--log-level', 'warn'];
    const started = await spawnController([...flags, '--listen', `unix:${sockets[name]}`]);
    await whenReady(started, sockets[name]);
    return started;
  }
  const call = (name: keyof typeof sockets, verb: 'add' | 'del', body: object): Promise<HttpAnswer> =>
    ask({ socketPath: sockets[name] }, 'POST', `/v1/cni/${verb}`, body);
  const newStamp = () => ({ bootId: nodeBoot, startedTicks: ++ticks, monotonicNs: String(ticks * 10_000_000), attempt: 0 });
  const recordsOf = async (uid: string): Promise<{ address: string; state: string }[]> => {
    const { items } = (await request('GET', BINDINGS)).json as { items: { spec: { podUid?: string; address: string; state: string } }[] };
    return items.map(({ spec }) => spec).filter(({ podUid }) => podUid === uid);
  };

  /** Sends a call to the doomed one and kills it at that point. Its answer, if there was one. */
  async function dieAt(point: Point, verb: 'add' | 'del', body: object): Promise<HttpAnswer | undefined> {
    let died = false;
    proxy.watch = (moment, { method, path }) => {
      const isWrite = method !== 'GET' && path.includes('/addressbindings');
      const isRead = method === 'GET' && path.includes('/addressbindings/');
      if (died || moment !== point.at || !(point.method === 'GET' ? isRead : isWrite)) return undefined;
      died = true;
      doomed.child.kill('SIGKILL');
      return point.isLost ? 'stop' : undefined;
    };
    const answer = await call('doomed', verb, body).catch(() => undefined);
    proxy.watch = undefined;
    expect(died, answer?.text).toBe(true);
    expect(await doomed.ended).toBe('SIGKILL');
    doomed = await start('doomed');
    return answer;
  }

  test.each(POINTS)('during an ADD: $name', async (point) => {
    const name = `add-${POINTS.indexOf(point)}`;
    const uid = await makePod('killed', name, 'killer-node');
    const body = { ...cniAdd({ containerId: `c-${name}`, pod: { namespace: 'killed', name, uid } }), stamp: newStamp() };
    const isRead = point.method === 'GET';
    // What another replica has served with the same stamp is answered after one read of the record.
    if (isRead) expect((await call('other', 'add', body)).status).toBe(200);
    const told = await dieAt(point, 'add', body);
    const before = await recordsOf(uid);
    expect(before.length).toBe(isRead || point.at === 'done' ? 1 : 0);
    if (told !== undefined) expect(told.json.addresses[0].address).toBe(`${before[0]!.address}/24`);

    const again = await call('other', 'add', { ...body, stamp: { ...body.stamp, attempt: 1 } });
    expect([again.status, again.text]).toEqual([200, expect.stringContaining('10.81.0.')]);
    const records = await recordsOf(uid);
    expect(records).toEqual([expect.objectContaining({ state: 'Bound', address: again.json.addresses[0].address.split('/')[0] })]);
    if (before.length > 0) expect(records[0]!.address).toBe(before[0]!.address);
    // The one that came back knows the same.
    const third = await call('doomed', 'add', { ...body, stamp: { ...body.stamp, attempt: 2 } });
    expect(third.json.addresses).toEqual(again.json.addresses);
    await deletePod('killed', name);
  });

  test.each(POINTS.filter(({ method }) => method === 'WRITE'))('during a DEL: $name', async (point) => {
    const name = `del-${POINTS.indexOf(point)}`;
    const uid = await makePod('killed', name, 'killer-node');
    const containerId = `c-${name}`;
    const added = await call('doomed', 'add', {
      ...cniAdd({ containerId, pod: { namespace: 'killed', name, uid } }),
      stamp: newStamp(),
    });
    expect(added.status, added.text).toBe(200);
    const del = { ...cniDel({ containerId }), stamp: newStamp() };
    await dieAt(point, 'del', del);
    expect((await recordsOf(uid))[0]!.state).toBe(point.at === 'done' ? 'Released' : 'Bound');
    expect((await call('other', 'del', { ...del, stamp: { ...del.stamp, attempt: 1 } })).status).toBe(200);
    await eventually(async () => (await recordsOf(uid)).every(({ state }) => state === 'Released'), 'it to be released');
    await deletePod('killed', name);
  });

  test('calls of one pod that hop between replicas, or come to both at the same instant, are about one address', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `hop-${index}`);
    for (const name of names) {
      const uid = await makePod('killed', name, 'killer-node');
      const body = cniAdd({ containerId: `c-${name}`, pod: { namespace: 'killed', name, uid } });
      const stamp = newStamp();
      const both = await Promise.all([
        call('doomed', 'add', { ...body, stamp }),
        call('other', 'add', { ...body, stamp: { ...stamp, attempt: 1 } }),
      ]);
      // The older of the two may be told that a newer one was served; never another address.
      expect(both.map(({ status }) => status === 200 || status === 409)).toEqual([true, true]);
      const last = await call('doomed', 'add', { ...body, stamp: { ...stamp, attempt: 2 } });
      expect(last.status, last.text).toBe(200);
      const [bound, ...more] = (await recordsOf(uid)).filter(({ state }) => state === 'Bound');
      expect([last.json.addresses[0].address, more]).toEqual([`${bound!.address}/24`, []]);
      for (const { status, json } of both) if (status === 200) expect(json.addresses).toEqual(last.json.addresses);
    }
  });
});
