/**
 * An API server without the custom resources, and one that is restored from an older backup of its etcd, under
 * controllers that go on running: nothing is dealt twice, and what the backup does not know is adopted.
 */
import { randomUUID } from 'node:crypto';
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

  // Half a minute: CI asks for it.
  const testLong = process.env['BERTH_OUTAGE'] === 'long' ? test : () => undefined;
  testLong(
    'restored empty: nobody is told anything from memory, and what still runs gets its addresses back by what it shows',
    async () => {
      const { makeNamespace, makeNode, makePod, reportPod } = workloadsOn(server.request);
      const spec = { ranges: [{ first: '10.83.0.10', last: '10.83.0.15' }], subnet: '10.83.0.0/24', default: true, cooldownSeconds: 0 };
      const boot = randomUUID();
      let ticks = 1_000;
      let uids = new Map<string, string>();
      const make = async (names: readonly string[]): Promise<void> => {
        await makeNamespace('emptied');
        await makeNode('emptied-node', boot);
        uids = new Map();
        for (const name of names) uids.set(name, await makePod('emptied', name, 'emptied-node'));
      };
      await applyPath(server.kubeconfig, 'deploy/crds');
      for (const path of [BINDINGS, POOLS]) await server.request('DELETE', path);
      await make(['x-0', 'x-1', 'x-2']);
      expect((await server.request('POST', POOLS, pool(spec, 'emptied'))).status).toBe(201);
      const controllers = [await openFastController(server.kubeconfig), await openFastController(server.kubeconfig)] as const;
      const attach = (name: string, index = 0) =>
        controllers[index]!.ipam.add(
          { node: 'emptied-node', gone: () => false },
          cniAdd({
            containerId: `c-${name}`,
            pod: { namespace: 'emptied', name, uid: uids.get(name)! },
            stamp: { ...stamp, bootId: boot, startedTicks: ++ticks },
          }),
        );
      const addressOf = async (name: string, index = 0): Promise<string | undefined> => {
        const outcome = await attach(name, index);
        return outcome.ok ? outcome.value.addresses[0]!.address.split('/')[0] : undefined;
      };
      const boundBy = async (): Promise<string[]> => {
        const { items } = (await server.request('GET', BINDINGS)).json as {
          items?: { spec: { state: string; address: string; subid: string } }[];
        };
        return (items ?? []).filter(({ spec }) => spec.state === 'Bound').map(({ spec }) => `${spec.subid} ${spec.address}`).toSorted(); // prettier-ignore
      };
      try {
        const held = new Map<string, string>();
        for (const name of uids.keys()) held.set(name, (await eventually(() => addressOf(name), `an address for ${name}`))!);
        await whileDown(() => rmSync(join(server.directory, 'etcd'), { recursive: true }));

        // No custom resources: an ADD of what was held a moment ago is refused too, and both controllers live.
        for (const index of [0, 1]) {
          const refused = await attach('x-0', index);
          expect(refused).toMatchObject({ ok: false, refusal: { reason: expect.stringMatching(/^(Unavailable|PodMismatch)$/) } });
        }
        await applyPath(server.kubeconfig, 'deploy/crds');
        expect(await boundBy()).toEqual([]);
        expect((await server.request('POST', POOLS, pool(spec, 'emptied'))).status).toBe(201);
        // Its tools make the cluster's objects anew; the sandboxes on the node are the old ones, and kubelets say so.
        await make([...held.keys(), 'y-0', 'y-1', 'y-2', 'y-3']);
        for (const [name, podIP] of held) {
          const conditions = [{ type: 'PodReadyToStartContainers', status: 'True' }];
          await reportPod('emptied', name, { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions });
        }
        const expected = [...held].map(([name, address]) => `${name} ${address}`);
        await eventually(async () => (await boundBy()).join() === expected.toSorted().join(), 'their addresses to be adopted', 60_000);
        const given = new Map<string, string>();
        for (const [index, name] of ['y-0', 'y-1', 'y-2'].entries())
          given.set(name, (await eventually(() => addressOf(name, index % 2), `an address for ${name}`, 60_000))!);
        expect(new Set([...held.values(), ...given.values()]).size).toBe(6);
        expect(await attach('y-3')).toMatchObject({ ok: false, refusal: { reason: 'PoolFull' } });
      } finally {
        for (const controller of controllers) await controller.close();
      }
    },
  );
});
