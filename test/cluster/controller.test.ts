/** dist/berth-controller --store kubernetes on a real API server, with the rights of deploy/rbac and no others. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_VERSION, BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { cniAdd, cniDel, stamp } from '../server/requests.ts';
import { startProcess, startReady, type Started } from '../server/controller-process.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { deletePod, makeNode, makePod, makeNamespace, newBootId } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { applyPath } from '../support/kubectl.ts';
import { writeKubeconfig } from './kubeconfig.ts';

describeCluster('the controller in a cluster', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-in-cluster-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const bootId = newBootId();
  let kubeconfig: string;

  beforeAll(async () => {
    await applyPath(apiServer().kubeconfig, 'deploy/rbac');
    await makeNode('worker-1', bootId);
    await makeNamespace('shop');
    await request('POST', POOLS, pool({ ranges: [{ cidr: '10.77.0.0/24' }], gateway: '10.77.0.1', default: true }, 'in-cluster'));
    kubeconfig = await writeKubeconfig(directory, 'berth', 'berth-controller');
  });
  afterAll(async () => {
    await request('DELETE', BINDINGS);
    await request('DELETE', POOLS);
  });

  const start = (name: string): Promise<Started> =>
    startReady(['--store', 'kubernetes', '--kubeconfig', kubeconfig, '--node-name', 'worker-1'], join(directory, name));
  const call = (socket: string, verb: string, body: object) =>
    ask({ socketPath: join(directory, socket) }, 'POST', `/v1/cni/${verb}`, body);
  const podAdd = (name: string, uid: string, attempt = 0) =>
    cniAdd({
      containerId: `sandbox-${name}`,
      pod: { namespace: 'shop', name, uid },
      stamp: { ...stamp, bootId, attempt },
    });

  test('an ADD is an object, through whichever replica; a DEL leaves a tombstone', async () => {
    const replicas = [await start('a.sock'), await start('b.sock')];
    const uid = await makePod('shop', 'cart-0', 'worker-1');
    const added = await call('a.sock', 'add', podAdd('cart-0', uid));
    expect([added.status, added.text]).toEqual([200, expect.stringContaining('10.77.0.')]);
    const again = await call('b.sock', 'add', podAdd('cart-0', uid, 1));
    expect(again.json.addresses).toEqual(added.json.addresses);
    const [address] = added.json.addresses[0].address.split('/');
    const name = `default.${address.replaceAll('.', '-')}`;
    const object = (await request('GET', `${BINDINGS}/${name}`)).json;
    expect(object).toMatchObject({ apiVersion: API_VERSION, spec: { state: 'Bound', podUid: uid, node: 'worker-1', subinstance: 'shop' } });
    expect(object.spec.attachments[0]).toMatchObject({ stamp: { bootId, attempt: 1 } });

    const del = cniDel({ containerId: 'sandbox-cart-0', stamp: { ...stamp, bootId, startedTicks: 200 } });
    expect((await call('b.sock', 'del', del)).status).toBe(200);
    expect((await request('GET', `${BINDINGS}/${name}`)).json.spec).toMatchObject({ state: 'Released', subid: 'cart-0' });

    // What metrics say that only a cluster has.
    for (const socket of ['a.sock', 'b.sock']) {
      const { text } = await ask({ socketPath: join(directory, socket) }, 'GET', '/metrics');
      const stale = [...text.matchAll(/^berth_stale_seconds\{resource="(\w+)"\} ([\d.]+)$/gm)];
      expect(stale.map(([, resource]) => resource).toSorted()).toEqual(['addressbindings', 'addresspools', 'namespaces', 'nodes', 'pods']);
      // A quiet collection is heard of by bookmarks, every minute.
      for (const [, resource, seconds] of stale) expect(Number(seconds), resource).toBeLessThan(120);
      expect(text).toContain('\nberth_collector_held{reason="Brake"} 0\n');
      expect(text).toContain('\nberth_collector_released_total{proof="pod"} 0\n');
    }

    for (const { child } of replicas) child.kill('SIGTERM');
    expect(await Promise.all(replicas.map(({ ended }) => ended))).toEqual([0, 0]);
    await deletePod('shop', 'cart-0');
    for (const { log } of replicas) expect(log().filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('only the node that a pod is on may ask for it, and no pod that is not', async () => {
    const { child } = await start('c.sock');
    await makeNode('worker-2', newBootId());
    const elsewhere = await makePod('shop', 'elsewhere', 'worker-2');
    const refused = await call('c.sock', 'add', podAdd('elsewhere', elsewhere));
    expect([refused.status, refused.json.reason]).toEqual([403, 'NotAllowed']);
    const absent = await call('c.sock', 'add', podAdd('never-was', elsewhere));
    expect([absent.status, absent.json.reason]).toEqual([409, 'PodMismatch']);
    const unnamed = await call('c.sock', 'add', cniAdd({ pod: { namespace: 'shop', name: 'never-was' }, stamp: { ...stamp, bootId } }));
    expect([unnamed.status, unnamed.json.reason]).toEqual([503, 'Unavailable']);
    await deletePod('shop', 'elsewhere');
    child.kill('SIGTERM');
  });

  test('without an API server it is there, not ready, and says why', async () => {
    const nowhere = join(directory, 'nowhere.kubeconfig');
    writeFileSync(nowhere, readFileSync(kubeconfig, 'utf8').replace(apiServer().url, 'https://127.0.0.1:1'));
    const socket = join(directory, 'd.sock');
    const listen = ['--listen', `unix:${socket}`, '--listen', 'https://127.0.0.1:0', '--metrics', 'https://127.0.0.1:0'];
    const { child, ended, stderr } = await startProcess(['--store', 'kubernetes', '--kubeconfig', nowhere, ...listen]);
    const probe = (path: string) => ask({ socketPath: socket }, 'GET', path).catch(() => undefined);
    await eventually(async () => (await probe('/livez'))?.status === 200, 'the controller to live');
    expect((await probe('/readyz'))?.status).toBe(503);
    await eventually(() => stderr().includes('ECONNREFUSED'), 'the log to say what is wrong');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('each right that is missing is named', async () => {
    const poor = await writeKubeconfig(directory, 'berth', 'berth-node');
    const socket = join(directory, 'e.sock');
    const listen = ['--listen', `unix:${socket}`, '--listen', 'https://127.0.0.1:0'];
    const { child, ended, log } = await startProcess(['--store', 'kubernetes', '--kubeconfig', poor, ...listen]);
    const rights = [
      'list addressbindings.berth-ipam.dev',
      'list addresspools.berth-ipam.dev',
      'list pods',
      'list nodes',
      'list namespaces',
      'get secrets',
    ];
    for (const right of rights) {
      const named = () => log().some(({ detail }) => String(detail).includes(`the right to ${right} is missing`));
      await eventually(named, `the log to name the right to ${right}`);
    }
    await eventually(() => log().some(({ lacks }) => lacks === 'get leases.coordination.k8s.io'), 'the log to name the Lease');
    expect((await ask({ socketPath: socket }, 'GET', '/readyz')).status).toBe(503);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
