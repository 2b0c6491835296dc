/**
 * The collector's rules (DESIGN section 6) on real objects: pods and nodes come and go on a real API server, and what
 * each rule says happens to the addresses. Time runs ten times as fast, or this would take minutes.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ipam } from '../../src/ipam/open.ts';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { cniAdd, stamp } from '../server/requests.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { deletePod, makeNamespace, makeNode, makePod, newBootId, reportPod, type PretendedNode } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { openFastController } from './fast-controller.ts';

const WORKING = { phase: 'Running', conditions: [{ type: 'PodReadyToStartContainers', status: 'True' }] };
const running = (podIP: string) => ({ ...WORKING, podIP, podIPs: [{ ip: podIP }] });
/** A thousand where CI asks for it. */
const CROWD = Number(process.env['BERTH_CROWD'] ?? 60);
const FINISHED = { phase: 'Succeeded', conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }] };

describeCluster('the collector in a cluster', () => {
  const boots = { healthy: newBootId(), silent: newBootId(), leaving: newBootId(), rebooting: newBootId() };
  type NodeName = keyof typeof boots;
  const nodes = new Map<string, PretendedNode>();
  const stops: (() => Promise<void> | void)[] = [];
  let ipam: Ipam;

  beforeAll(async () => {
    for (const [name, bootId] of Object.entries(boots)) nodes.set(name, await makeNode(name, bootId));
    for (const namespace of ['collected', 'crowd']) await makeNamespace(namespace);
    await request('POST', POOLS, pool({ ranges: [{ cidr: '10.78.0.0/21' }], default: true }, 'collected'));
    const controller = await openFastController(apiServer().kubeconfig);
    ({ ipam } = controller);
    // Kubelets that live renew their node's Lease.
    const renewing = (['healthy', 'rebooting'] as const).map((name) => nodes.get(name)!.keepRenewing());
    stops.push(...renewing, controller.close);
  });
  afterAll(async () => {
    for (const stop of stops) await stop();
    await request('DELETE', BINDINGS);
    await request('DELETE', POOLS);
  });

  /** Through the operations, as the node's plugin would. */
  async function attach(node: NodeName, name: string, uid: string, namespace = 'collected'): Promise<string> {
    const outcome = await ipam.add(
      { node, gone: () => false },
      cniAdd({
        containerId: `sandbox-${name}-${uid.slice(0, 8)}`,
        pod: { namespace, name, uid },
        stamp: { ...stamp, bootId: boots[node] },
      }),
    );
    if (!outcome.ok) throw new Error(outcome.refusal.detail);
    return outcome.value.addresses[0]!.address.split('/')[0]!;
  }
  const attachPod = async (node: NodeName, name: string, metadata: object = {}): Promise<string> =>
    attach(node, name, await makePod('collected', name, node, metadata));
  const specOf = async (address: string): Promise<Record<string, any> | undefined> =>
    (await request('GET', `${BINDINGS}/default.${address.replaceAll('.', '-')}`)).json.spec;
  const stateOf = async (address: string): Promise<string | undefined> => (await specOf(address))?.['state'];
  const released = (address: string): Promise<true> =>
    eventually(async () => (await stateOf(address)) !== 'Bound', `${address} to come back`, 60_000);

  test('each holder that is provably gone lets go, and no other', async () => {
    const alive = await attachPod('healthy', 'alive');
    const vanished = await attachPod('healthy', 'vanished');
    const done = await attachPod('healthy', 'done');
    const oldBoot = await attachPod('rebooting', 'old-boot');
    const cutOff = await attachPod('silent', 'cut-off');
    const nodeless = await attachPod('leaving', 'nodeless');
    const hash = '0123456789abcdef0123456789abcdef';
    await makePod('collected', 'static-healthy', 'healthy', { annotations: { 'kubernetes.io/config.mirror': hash } });
    const ofStatic = await attach('healthy', 'static-healthy', hash);
    await reportPod('collected', 'alive', running(alive));

    await deletePod('collected', 'vanished');
    await reportPod('collected', 'done', FINISHED);
    await deletePod('collected', 'static-healthy');
    boots.rebooting = newBootId();
    await nodes.get('rebooting')!.reboot(boots.rebooting);
    await nodes.get('silent')!.reboot(boots.silent, false);
    await deletePod('collected', 'cut-off');
    await deletePod('collected', 'nodeless');
    await request('DELETE', '/api/v1/nodes/leaving');

    for (const address of [vanished, done, oldBoot, nodeless]) await released(address);
    // What is left has had as much time as those, and five seconds (fifty) more.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(await Promise.all([alive, cutOff, ofStatic].map(stateOf))).toEqual(['Bound', 'Bound', 'Bound']);
    expect(ipam.explain('default', vanished)).toMatchObject({ ok: true });
  });

  test('a StatefulSet pod that was force-deleted gets another address, and its old one comes back', async () => {
    const before = await attachPod('healthy', 'web-0');
    await deletePod('collected', 'web-0');
    const after = await attachPod('healthy', 'web-0');
    expect(after).not.toBe(before);
    expect(await stateOf(before)).toBe('Bound');
    await released(before);
    expect(await stateOf(after)).toBe('Bound');
  });

  test('an address that a live pod has without a record is dealt to nobody, and adopted', async () => {
    const uid = await makePod('collected', 'older-than-berth', 'healthy');
    await reportPod('collected', 'older-than-berth', running('10.78.3.200'));
    await eventually(async () => (await stateOf('10.78.3.200')) === 'Bound', 'its address to be adopted');
    expect(await specOf('10.78.3.200')).toMatchObject({ subid: 'older-than-berth', podUid: uid });
    // A record that somebody deleted by hand comes back in the same way.
    await request('DELETE', `${BINDINGS}/default.10-78-3-200`);
    await eventually(async () => (await stateOf('10.78.3.200')) === 'Bound', 'it to be adopted again');
  });

  test('a namespace of many pods is deleted: witnessed, so not braked', { timeout: 300_000 }, async () => {
    const names = Array.from({ length: CROWD }, (_, index) => `crowd-${index}`);
    const addresses = new Set<string>();
    for (let index = 0; index < CROWD; index += 50) {
      const some = names.slice(index, index + 50);
      for (const address of await Promise.all(
        some.map(async (name) => attach('healthy', name, await makePod('crowd', name, 'healthy'), 'crowd')),
      ))
        addresses.add(address);
    }
    expect(addresses.size).toBe(CROWD);
    await request('DELETE', '/api/v1/namespaces/crowd/pods', { gracePeriodSeconds: 0 });
    const held = async (): Promise<number> => {
      const { items } = (await request('GET', BINDINGS)).json as { items: { spec: { state: string; subinstance: string } }[] };
      return items.filter(({ spec }) => spec.state === 'Bound' && spec.subinstance === 'crowd').length;
    };
    await eventually(async () => (await held()) === 0, `the addresses of ${CROWD} pods to come back`, 240_000);
  });
});
