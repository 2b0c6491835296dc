/** Pods, nodes and namespaces as the operations see them, from a pretended API server. */
import { describe, expect, test } from 'vitest';
import { LONGEST_ANNOTATION } from '../../src/ipam/facts.ts';
import type { PodGone } from '../../src/ipam/workloads.ts';
import { NAMESPACES, NODES, PODS } from '../../src/kubernetes/objects.ts';
import { watchWorkloads } from '../../src/kubernetes/workloads.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { clientOf, seededRandom, silentLog } from '../support/cluster-client.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

const LARGE = 'x'.repeat(20_000);

/** As large as pods are: most of it is nothing to us. */
const podObject = (name: string, more: { readonly metadata?: object; readonly spec?: object; readonly status?: object } = {}) =>
  ({
    metadata: {
      namespace: 'shop',
      name,
      labels: { app: 'cart' },
      annotations: {
        'berth-ipam.dev/pools': 'blue',
        'kubernetes.io/config.mirror': 'hash',
        'kubectl.kubernetes.io/last-applied-configuration': LARGE,
      },
      managedFields: [{ manager: LARGE }],
      ...more.metadata,
    },
    spec: { nodeName: 'n1', containers: [{ name: 'a', env: [{ name: 'E', value: LARGE }] }], ...more.spec },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.7' }, { ip: 'FD00:0::7' }], conditions: [{ type: 'PodReadyToStartContainers', status: 'True' }], ...more.status }, // prettier-ignore
  }) as never;

async function open() {
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1) });
  const workloads = watchWorkloads({ client: clientOf(server, timers), timers, random: seededRandom(2), log: silentLog });
  const gone: PodGone[] = [];
  workloads.onPodGone((one) => void gone.push(one));
  await timers.advance(1_000);
  return { timers, server, workloads, gone };
}

describe('pods', () => {
  test('are trimmed as they arrive: what is kept is some hundred bytes of twenty thousand', async () => {
    const { timers, server, workloads } = await open();
    server.put(PODS, podObject('cart-0'));
    await timers.advance(1_000);
    const pod = workloads.cachedPod('shop', 'cart-0')!;
    expect(pod).toMatchObject({
      node: 'n1',
      phase: 'Running',
      addresses: ['10.0.0.7', 'fd00::7'],
      annotations: { 'berth-ipam.dev/pools': 'blue', 'kubernetes.io/config.mirror': 'hash' },
      hasSandbox: true,
      isDeleting: false,
      isTerminated: false,
      terminationGraceSeconds: 30,
    });
    expect(JSON.stringify(pod).length).toBeLessThan(600);
    expect(JSON.stringify(await workloads.readPod('shop', 'cart-0')).length).toBeLessThan(600);
  });

  test('of annotations only those that mean something are kept, and of a huge one what shows that it is', async () => {
    const { timers, server, workloads } = await open();
    const annotations = {
      'berth-ipam.dev/pools': 'p,'.repeat(120_000),
      'berth-ipam.dev/other': LARGE,
      'kubernetes.io/config.source': LARGE,
    };
    server.put(PODS, podObject('cart-0', { metadata: { annotations } }));
    await timers.advance(1_000);
    const kept = workloads.cachedPod('shop', 'cart-0')!.annotations;
    expect(Object.keys(kept)).toEqual(['berth-ipam.dev/pools']);
    expect(kept['berth-ipam.dev/pools']).toHaveLength(LONGEST_ANNOTATION + 1);
  });

  test('of more labels than anybody selects by none are kept', async () => {
    const { timers, server, workloads } = await open();
    const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`l-${index}`, 'x']));
    server.put(PODS, podObject('many', { metadata: { labels: labels(128) } }));
    server.put(PODS, podObject('huge', { metadata: { labels: labels(129) } }));
    await timers.advance(1_000);
    expect(workloads.cachedPod('shop', 'many')!.labels).toEqual(labels(128));
    expect(workloads.cachedPod('shop', 'huge')!.labels).toBeUndefined();
  });

  test('whose grace period is the longest there is have one that a record can hold', async () => {
    const { timers, server, workloads } = await open();
    server.put(PODS, podObject('for-ever', { spec: JSON.parse('{"terminationGracePeriodSeconds":9223372036854775807}') as object }));
    await timers.advance(1_000);
    const { terminationGraceSeconds } = workloads.cachedPod('shop', 'for-ever')!;
    expect(terminationGraceSeconds).toBeGreaterThan(2 ** 40);
    expect(JSON.stringify(terminationGraceSeconds)).toMatch(/^\d{1,18}$/);
  });

  test('on the host network have no address of their own; all containers count for "terminated", and that none starts again', async () => {
    const { timers, server, workloads } = await open();
    const ended = { name: 'a', state: { terminated: {} } };
    server.put(PODS, podObject('host', { spec: { hostNetwork: true } }));
    const over = { phase: 'Failed', containerStatuses: [ended] };
    server.put(PODS, podObject('half', { spec: { initContainers: [{ name: 'i' }] }, status: over }));
    server.put(PODS, podObject('crashing', { status: { containerStatuses: [ended] } }));
    server.put(PODS, podObject('ended', { status: over }));
    const debugged = { ...over, ephemeralContainerStatuses: [{ name: 'e', state: { running: {} } }] };
    server.put(PODS, podObject('debugged', { spec: { ephemeralContainers: [{ name: 'e' }] }, status: debugged }));
    await timers.advance(1_000);
    expect(workloads.cachedPod('shop', 'host')!.addresses).toEqual([]);
    const terminated = ['half', 'crashing', 'ended', 'debugged'].map((name) => workloads.cachedPod('shop', name)!.isTerminated);
    expect(terminated).toEqual([false, false, true, false]);
  });

  test('have a sandbox unless the kubelet says that they have none; a grace period of nothing is one', async () => {
    const { timers, server, workloads } = await open();
    const conditionOf = (status: string) => ({ conditions: [{ type: 'PodReadyToStartContainers', status }] });
    for (const status of ['True', 'False', 'Unknown']) server.put(PODS, podObject(status.toLowerCase(), { status: conditionOf(status) }));
    server.put(PODS, podObject('older', { spec: { terminationGracePeriodSeconds: 0 }, status: { conditions: [] } }));
    await timers.advance(1_000);
    const pods = ['true', 'false', 'unknown', 'older'].map((name) => workloads.cachedPod('shop', name)!);
    expect(pods.map(({ hasSandbox }) => hasSandbox)).toEqual([true, false, true, undefined]);
    expect(pods.at(-1)!.terminationGraceSeconds).toBe(0);
  });

  test('that the API server does not show are not gone: only "not found" is', async () => {
    const { timers, server, workloads } = await open();
    server.put(PODS, podObject('cart-0'));
    expect(await workloads.readPod('shop', 'nobody')).toBeUndefined();
    server.forbid('get', PODS);
    await expect(workloads.readPod('shop', 'cart-0')).rejects.toThrow(StoreUnavailable);
    await timers.advance(1_000);
  });

  test('that go are told once: witnessed on the watch, inferred from a relist; one of the same name is another', async () => {
    const { timers, server, workloads, gone } = await open();
    for (const name of ['seen', 'missed', 'again']) server.put(PODS, podObject(name));
    await timers.advance(1_000);
    const { uid } = workloads.cachedPod('shop', 'again')!;
    server.delete(PODS, 'shop/seen');
    await timers.advance(1_000);
    server.stop();
    server.delete(PODS, 'shop/missed');
    server.delete(PODS, 'shop/again');
    server.put(PODS, podObject('again'));
    server.compact();
    server.start();
    await timers.advance(120_000);
    expect(gone.map(({ pod, witnessed }) => [pod.name, witnessed]).sort()).toEqual([
      ['again', false],
      ['missed', false],
      ['seen', true],
    ]);
    expect(gone.find(({ pod }) => pod.name === 'again')!.pod.uid).toBe(uid);
    expect(workloads.cachedPod('shop', 'again')!.uid).not.toBe(uid);
  });
});

test('nothing is synced before pods, nodes and namespaces are', async () => {
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1) });
  for (const type of [PODS, NAMESPACES]) server.forbid('list', type);
  const workloads = watchWorkloads({ client: clientOf(server, timers), timers, random: seededRandom(2), log: silentLog });
  let isResolved = false;
  void workloads.whenSynced().then(() => (isResolved = true));
  const synced = async () => (await timers.advance(60_000), [workloads.synced(), isResolved]);
  expect(await synced()).toEqual([false, false]);
  server.allow('list', NAMESPACES);
  expect(await synced()).toEqual([false, false]);
  server.allow('list', PODS);
  expect(await synced()).toEqual([true, true]);
  workloads.stop();
});

test('a node that is tainted otherwise is nobody’s word that it is dead', async () => {
  const { timers, server, workloads } = await open();
  const taints = [{ key: 'node.kubernetes.io/unreachable' }, { key: 'node.kubernetes.io/not-ready' }];
  server.put(NODES, { metadata: { name: 'n1' }, spec: { taints }, status: {} } as never);
  await timers.advance(1_000);
  expect(workloads.cachedNode('n1')).toMatchObject({ isOutOfService: false, isReady: false });
});

test('nodes: boot id, readiness, and that an administrator vouches for their end; namespaces: labels', async () => {
  const { timers, server, workloads } = await open();
  server.put(NODES, { metadata: { name: 'n1' }, spec: { taints: [{ key: 'node.kubernetes.io/out-of-service' }] }, status: { nodeInfo: { bootID: 'b1' }, conditions: [{ type: 'Ready', status: 'Unknown' }] } } as never); // prettier-ignore
  server.put(NAMESPACES, {
    metadata: { name: 'shop', labels: { team: 'a' }, annotations: { 'berth-ipam.dev/pools': 'blue', other: LARGE } },
  });
  await timers.advance(1_000);
  expect(workloads.cachedNode('n1')).toMatchObject({ bootId: 'b1', isReady: false, isOutOfService: true });
  expect(workloads.cachedNamespace('shop')).toMatchObject({ labels: { team: 'a' }, annotations: { 'berth-ipam.dev/pools': 'blue' } });
  expect(await workloads.readNode('nowhere')).toBeUndefined();
});

test('before everything is read it is not synced; a live read without an API server is an outage, not an absence', async () => {
  const { timers, server, workloads } = await open();
  expect(workloads.synced()).toBe(true);
  server.stop();
  const read = workloads.readPod('shop', 'cart-0').catch((error: unknown) => error);
  await timers.advance(30_000);
  expect(await read).toBeInstanceOf(StoreUnavailable);
  expect(workloads.staleSeconds()['pods']).toBeGreaterThan(10);

  const late = watchWorkloads({ client: clientOf(server, timers), timers, random: seededRandom(3), log: silentLog });
  await timers.advance(5_000);
  expect(late.synced()).toBe(false);
  server.start();
  await timers.advance(60_000);
  expect(late.synced()).toBe(true);
});
