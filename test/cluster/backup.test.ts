/**
 * An API server without the custom resources, and one that is restored from an older backup of its etcd, under
 * controllers that go on running: nothing is dealt twice, and what the backup does not know is adopted.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { startProcess, whenReady } from '../server/controller-process.ts';
import { cniAdd, stamp } from '../server/requests.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { describeCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { applyPath } from '../support/kubectl.ts';
import { workloadsOn } from '../support/workloads-on.ts';
import { openFastController } from './fast-controller.ts';

const NODE = 'restored-node';
const BOOT = '55555555-6666-4777-8888-999999999999';

describeCluster('an API server of its own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-backup-'));
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('without the custom resources: not ready, the log says what to apply, and it goes on by itself', async () => {
    const socket = join(directory, 'early.sock');
    const flags = ['--store', 'kubernetes', '--kubeconfig', server.kubeconfig, '--listen', `unix:${socket}`];
    const controller = await startProcess(flags);
    for (const resource of ['addressbindings.berth-ipam.dev', 'addresspools.berth-ipam.dev']) {
      const isSaid = () =>
        controller.log().some((line) => line['resource'] === resource && String(line['detail']).includes('apply deploy/crds'));
      await eventually(isSaid, `the log to say that ${resource} is to be applied`);
    }
    await applyPath(server.kubeconfig, 'deploy/crds');
    await whenReady(controller, socket);
    controller.child.kill('SIGTERM');
    expect(await controller.ended).toBe(0);
  });

  /** Both are down while the files are copied. */
  async function whileDown(act: () => void): Promise<void> {
    await server.server.kill('SIGTERM');
    await server.etcd.kill('SIGTERM');
    act();
    server.etcd.start();
    server.server.start();
    await server.whenReady();
  }

  test('restored from an older backup: live pods keep their addresses, and nobody else gets them', async () => {
    const { makeNamespace, makeNode, makePod, reportPod } = workloadsOn(server.request);
    await makeNamespace('restored');
    await makeNode(NODE, BOOT);
    const spec = { ranges: [{ first: '10.82.0.10', last: '10.82.0.29' }], subnet: '10.82.0.0/24', default: true, cooldownSeconds: 0 };
    expect((await server.request('POST', POOLS, pool(spec, 'restored'))).status).toBe(201);
    const uids = new Map<string, string>();
    for (let index = 0; index < 20; index++) uids.set(`p-${index}`, await makePod('restored', `p-${index}`, NODE));

    const controllers = [await openFastController(server.kubeconfig), await openFastController(server.kubeconfig)] as const;
    let ticks = 1_000;
    const attach = (index: number) =>
      controllers[index % 2]!.ipam.add(
        { node: NODE, gone: () => false },
        cniAdd({
          containerId: `c-${index}`,
          pod: { namespace: 'restored', name: `p-${index}`, uid: uids.get(`p-${index}`)! },
          stamp: { ...stamp, bootId: BOOT, startedTicks: ++ticks },
        }),
      );
    /** Until it succeeds: right after a restart there may be no answer yet. */
    const attached = (index: number): Promise<string> =>
      eventually(async () => {
        const outcome = await attach(index);
        return outcome.ok && outcome.value.addresses[0]!.address.split('/')[0]!;
      }, `an address for p-${index}`);
    const held = new Map<string, number>();
    const hold = async (index: number): Promise<void> => {
      const address = await attached(index);
      expect(held.get(address), `${address} for p-${index}`).toBeUndefined();
      held.set(address, index);
      await report(index, address);
    };
    const report = (index: number, podIP: string): Promise<void> =>
      reportPod('restored', `p-${index}`, {
        phase: 'Running',
        podIP,
        podIPs: [{ ip: podIP }],
        conditions: [{ type: 'PodReadyToStartContainers', status: 'True' }],
      });
    const boundIn = async (): Promise<Map<string, string>> => {
      const { items } = (await server.request('GET', BINDINGS)).json as {
        items: { spec: { state: string; address: string; subid: string } }[];
      };
      return new Map(items.filter(({ spec }) => spec.state === 'Bound').map(({ spec }) => [spec.address, spec.subid]));
    };

    try {
      for (let index = 0; index < 5; index++) await hold(index);
      await whileDown(() => cpSync(join(server.directory, 'etcd'), join(directory, 'etcd'), { recursive: true }));
      for (let index = 5; index < 10; index++) await hold(index);
      expect((await boundIn()).size).toBe(10);

      await whileDown(() => {
        rmSync(join(server.directory, 'etcd'), { recursive: true });
        cpSync(join(directory, 'etcd'), join(server.directory, 'etcd'), { recursive: true });
      });
      expect((await boundIn()).size).toBe(5);
      // What kubelets do when the API server shows an older status than theirs.
      for (const [address, index] of held) await report(index, address);
      await eventually(async () => (await boundIn()).size === 10, 'what the backup does not know to be adopted', 60_000);
      for (const [address, index] of held) expect((await boundIn()).get(address)).toBe(`p-${index}`);

      // The rest of the pool, to the last: nobody gets what somebody has.
      for (let index = 10; index < 20; index++) await hold(index);
      expect(held.size).toBe(20);
      expect(await boundIn()).toEqual(new Map([...held].map(([address, index]) => [address, `p-${index}`])));
    } finally {
      for (const controller of controllers) await controller.close();
    }
  });
});
