import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { bindingName } from '../../src/core/binding-name.ts';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { HOLD_REASONS } from '../../src/ipam/collector/tally.ts';
import { StoreAmbiguous, StoreUnavailable, type Store } from '../../src/store/store.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';
import { addressOf, openWorld, refusalOf, storeWith, take } from '../support/ipam-world.ts';
import { settle } from '../support/virtual-timers.ts';

const POOL = { ranges: [{ cidr: '10.0.0.0/24' }], default: true, cooldownSeconds: 0, requestedAddresses: 'Allowed' as const };

async function openCluster(options: { readonly nodeGoneAfterMs?: number; readonly store?: Store } = {}) {
  const workloads = new PretendedWorkloads();
  workloads.node('n1');
  workloads.node('n2');
  workloads.namespaces.set('ns', { name: 'ns', labels: { team: 'a' }, annotations: {} });
  let leads = true;
  const world = await openWorld({
    ...(options.store && { store: options.store }),
    nodes: clusterNodes(workloads),
    cluster: { workloads, leads: () => leads, nodeGoneAfterMs: options.nodeGoneAfterMs ?? 300_000 },
  });
  await world.pool('p', POOL);
  const podOf = (name: string, more = {}) => {
    const { namespace, uid, node } = workloads.pod('ns', name, more);
    return { pod: { namespace, name, uid }, node: node! };
  };
  return {
    ...world,
    workloads,
    setLeads: (value: boolean) => (leads = value),
    /** Makes the pod and its sandbox. */
    run: (name: string, more = {}) => addressOf(world.add(`sandbox-of-${name}`, podOf(name, more))),
    podOf,
    held: () => world.ipam.bindings({}).map(({ spec }) => spec.subid),
    /** Time passes, and the nodes' kubelets renew their Leases meanwhile. */
    async pass(ms: number, alive = ['n1', 'n2']) {
      for (let left = ms; left > 0; left -= 10_000) {
        for (const node of alive) workloads.renew(node);
        await world.timers.advance(Math.min(left, 10_000));
      }
    },
  };
}

describe('who may ask', () => {
  test('a pod that is not there, is another one, or is elsewhere gets nothing', async () => {
    const cluster = await openCluster();
    const { pod } = cluster.podOf('web');
    expect(refusalOf(await cluster.add('c', { node: 'n1' })).reason).toBe('NotAllowed');
    expect(refusalOf(await cluster.add('c', { node: 'n1', pod: { ...pod, name: 'ghost' } })).reason).toBe('Unavailable');
    // A static pod may run before its mirror is there; one with a UID of the API server is gone.
    const hash = { ...pod, name: 'ghost', uid: '0123456789abcdef0123456789abcdef' };
    expect(refusalOf(await cluster.add('c', { node: 'n1', pod: hash })).reason).toBe('Unavailable');
    const gone = { ...pod, name: 'ghost', uid: '0b2a4c6e-1111-4222-8333-944455556666' };
    expect(refusalOf(await cluster.add('c', { node: 'n1', pod: gone }))).toMatchObject({
      reason: 'PodMismatch',
      detail: 'pod ns/ghost does not exist (any more)',
    });
    expect(refusalOf(await cluster.add('c', { node: 'n2', pod })).reason).toBe('NotAllowed');
    expect(refusalOf(await cluster.add('c', { node: 'n1', pod: { ...pod, uid: 'older' } })).reason).toBe('PodMismatch');
    cluster.podOf('pending', { node: undefined });
    expect(refusalOf(await cluster.add('c', { node: 'n1', pod: { ...pod, name: 'pending', uid: 'uid-of-pending' } })).reason).toBe(
      'NotAllowed',
    );
    expect(cluster.ipam.bindings({ state: 'all' })).toEqual([]);
  });

  test('a cache that lags is settled by one live read', async () => {
    const cluster = await openCluster();
    cluster.workloads.isLagging = true;
    expect(await cluster.run('fresh')).toMatch(/^10\./);
    expect(cluster.workloads.liveReads).toBe(1);
  });

  test('a static pod is known by the hash its mirror carries', async () => {
    const cluster = await openCluster();
    const { pod } = cluster.podOf('kube-thing', { annotations: { 'kubernetes.io/config.mirror': 'hash' } });
    await addressOf(cluster.add('c', { node: 'n1', pod: { ...pod, uid: 'hash' } }));
    expect(cluster.ipam.bindings({})[0]!.spec.attachments[0]).toMatchObject({ static: true, podUid: 'hash' });
  });

  test("pools by configuration, else by the pod's annotation, else by the namespace's, else by selector", async () => {
    const cluster = await openCluster();
    const small = (third: number) => ({ ranges: [{ cidr: `10.1.${third}.0/24` }] });
    for (const [index, name] of ['configured', 'of-pod', 'of-namespace'].entries()) await cluster.pool(name, small(index));
    await cluster.pool('selected', { ...small(9), namespaceSelector: { matchLabels: { team: 'a' } } });
    const poolOf = async (name: string, more = {}, asked = {}) =>
      take(await cluster.add(name, { ...cluster.podOf(name, more), ...asked })).addresses[0]!.pool;
    expect(await poolOf('a')).toBe('selected');
    cluster.workloads.namespaces.set('ns', { name: 'ns', labels: { team: 'b' }, annotations: {} });
    expect(await poolOf('b')).toBe('p');
    cluster.workloads.namespaces.set('ns', { name: 'ns', labels: {}, annotations: { 'berth-ipam.dev/pools': 'of-namespace' } });
    expect(await poolOf('c')).toBe('of-namespace');
    const annotations = { 'berth-ipam.dev/pools': ' of-pod , p', 'berth-ipam.dev/addresses': '10.0.0.77' };
    expect(await poolOf('d', { annotations })).toBe('p');
    expect(cluster.ipam.bindings({ address: '10.0.0.77' })).toHaveLength(1);
    expect(await poolOf('e', { annotations: { 'berth-ipam.dev/pools': 'of-pod' } }, { pools: ['configured'] })).toBe('configured');
  });

  test('one pod cannot drain a pool by further interfaces, and keeps what it has at its cap', async () => {
    const cluster = await openCluster();
    const asked = cluster.podOf('greedy');
    const outcomes = [];
    for (let index = 0; index < 40; index++) outcomes.push(await cluster.add('c', { ...asked, ifName: `net${index}` }));
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(32);
    expect(refusalOf(outcomes.at(-1)!).reason).toBe('LimitReached');
    expect((await cluster.add('c', { ...asked, ifName: 'net0' })).ok).toBe(true);
  });
});

describe('a record that the store will not have written', () => {
  const broken = new Set<string>();
  const refusing = storeWith((bindings) => ({
    replace: async (old, spec) => {
      if (broken.has(old.name)) throw new StoreUnavailable('the API server refused: is invalid');
      return bindings.replace(old, spec);
    },
  }));

  test('does not hold up the others; many in a row end the pass, and the next one goes on', async () => {
    const cluster = await openCluster({ store: refusing });
    const names = Array.from({ length: 12 }, (_, index) => `web-${index}`);
    for (const name of names) await cluster.run(name);
    for (const { name, spec } of cluster.ipam.bindings({})) if (spec.subid !== 'web-0' && spec.subid !== 'web-11') broken.add(name);
    for (const name of names) cluster.workloads.deletePod('ns', name);
    await cluster.pass(120_000);
    // Five failures in a row end a pass; the next ones go on behind them, and reach the last.
    expect(cluster.held()).toHaveLength(10);
    for (const name of [...broken].slice(0, 8)) broken.delete(name);
    await cluster.pass(30_000);
    expect(cluster.held()).toHaveLength(2);
    broken.clear();
    await cluster.pass(30_000);
    expect(cluster.held()).toEqual([]);
  });

  test('every other one of them holds up nothing, however many they are', async () => {
    const cluster = await openCluster({ store: refusing });
    const names = Array.from({ length: 20 }, (_, index) => `web-${index}`);
    for (const name of names) await cluster.run(name);
    for (const { name, spec } of cluster.ipam.bindings({})) if (Number(spec.subid.slice(4)) % 2 === 0) broken.add(name);
    for (const name of names) cluster.workloads.deletePod('ns', name);
    await cluster.pass(120_000);
    expect(cluster.held()).toHaveLength(10);
    broken.clear();
    await cluster.ipam.close();
  });
});

test('a pass over many records lets calls be answered in the middle of it', async () => {
  const cluster = await openCluster();
  await cluster.pool('many', { ranges: [{ cidr: '10.1.0.0/16' }] });
  await cluster.run('first');
  const { spec } = cluster.ipam.bindings({})[0]!;
  for (let index = 0; index < 2_000; index++) {
    const address = `10.1.${index >> 8}.${index & 255}`;
    await cluster.store.bindings.create(bindingName('default', address), { ...spec, address, pool: 'many' });
  }
  let isOver = false;
  const pass = cluster.ipam.collect({ dryRun: true, approve: false }).then(() => (isOver = true));
  expect(await cluster.run('second', { node: 'n2' })).toMatch(/^10\./);
  await settle();
  expect(isOver).toBe(false);
  await cluster.timers.advance(1_000);
  await pass;
});

describe('a pod that is gone', () => {
  test('with its deletion seen: its address comes back after its grace period and a renewed Lease', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(50_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(40_000);
    expect(cluster.held()).toEqual([]);
  });

  test('with all containers seen terminated: at once, within two passes', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    cluster.workloads.pod('ns', 'web', { isTerminated: true, isDeleting: true });
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(30_000);
    expect(cluster.held()).toEqual([]);
  });

  test('is not touched within 20 s of its last write, whatever the evidence', async () => {
    const cluster = await openCluster();
    await cluster.pass(9_000);
    await cluster.run('web', { isTerminated: true });
    cluster.workloads.deletePod('ns', 'web');
    cluster.workloads.node('n1', { isOutOfService: true });
    await cluster.pass(19_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(20_000);
    expect(cluster.held()).toEqual([]);
  });

  test('is not gone while Pending, running, on its way out, or finished with a sandbox (LESSONS 3)', async () => {
    const cluster = await openCluster();
    await cluster.run('pending', { phase: 'Pending' });
    await cluster.run('running');
    // Its sandbox died, and the kubelet makes it another one.
    await cluster.run('restarting', { hasSandbox: false });
    await cluster.run('leaving', { isDeleting: true, isTerminated: true });
    await cluster.run('finished', { phase: 'Succeeded', hasSandbox: true });
    await cluster.pass(600_000);
    expect(cluster.held()).toHaveLength(5);
    cluster.workloads.pod('ns', 'finished', { hasSandbox: false });
    await cluster.pass(30_000);
    expect(cluster.held().toSorted()).toEqual(['leaving', 'pending', 'restarting', 'running']);
  });

  test('a new pod of the same name keeps its own address when the old one is collected (LESSONS 2, A)', async () => {
    const cluster = await openCluster();
    const old = await cluster.run('db-0', { uid: 'u1' });
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'db-0');
    const fresh = await addressOf(cluster.add('sandbox-2', cluster.podOf('db-0', { uid: 'u2', node: 'n2' })));
    expect(fresh).not.toBe(old);
    await cluster.pass(120_000);
    expect(cluster.ipam.bindings({}).map(({ spec }) => spec.address)).toEqual([fresh]);
  });

  test('a node that is not ready, or ready without renewing its Lease, keeps what it has (LESSONS N)', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(600_000, ['n2']);
    expect(cluster.held()).toEqual(['web']);
    cluster.workloads.node('n1', { isReady: false });
    await cluster.pass(600_000);
    expect(cluster.held()).toEqual(['web']);
    cluster.workloads.node('n1', { isOutOfService: true });
    await cluster.pass(20_000);
    expect(cluster.held()).toEqual([]);
  });

  test('an address that a live pod shows in its status is never let go (rule 5)', async () => {
    const cluster = await openCluster();
    const address = await cluster.run('web');
    cluster.workloads.pod('ns', 'impostor', { uid: 'other', addresses: [address] });
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(300_000);
    expect(cluster.held()).toEqual(['web']);
    expect((await cluster.ipam.collect({ dryRun: true, approve: false })).held).toEqual([
      { address, network: 'default', reason: 'a live pod has it in status.podIPs' },
    ]);
  });

  test('a live read just before the write stops a mistake of the cache (LESSONS 14)', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    const pod = cluster.workloads.live.get('ns/web')!;
    cluster.workloads.deletePod('ns', 'web');
    cluster.workloads.live.set('ns/web', pod);
    await cluster.pass(300_000);
    expect(cluster.held()).toEqual(['web']);
  });

  test('of another network than the pods own is let go although a live pod shows the same numbers', async () => {
    const cluster = await openCluster();
    await cluster.pool('tenant', { ranges: [{ cidr: '10.9.0.0/24' }], network: 'tenant' });
    // Nor does such a pod keep it from anybody.
    cluster.workloads.pod('ns', 'elsewhere', { addresses: Array.from({ length: 256 }, (_, last) => `10.9.0.${last}`) });
    await addressOf(cluster.add('c', { ...cluster.podOf('web'), pools: ['tenant'] }));
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual([]);
  });

  test('whose address another sandbox takes over in the moment of the write: that one keeps it', async () => {
    let isTaken = false;
    const store = storeWith((bindings) => ({
      replace: async (old, spec) => {
        if (spec.releasedAt !== undefined && !isTaken) {
          isTaken = true;
          const [{ stamp, ...one }] = old.spec.attachments as [BindingSpec['attachments'][number]];
          const attachments = [{ ...one, containerId: 'next', stamp: { ...stamp, startedTicks: 1e9 } }];
          const taken = await bindings.replace(old, { ...old.spec, attachments });
          expect(taken.ok).toBe(true);
        }
        return bindings.replace(old, spec);
      },
    }));
    const cluster = await openCluster({ store });
    await cluster.run('web');
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(100_000);
    expect(isTaken).toBe(true);
    expect(cluster.ipam.bindings({}).map(({ spec }) => spec.attachments[0]!.containerId)).toEqual(['next']);
  });

  test('is no evidence against a record of another kind, of two holders, or released already (LESSONS 7)', async () => {
    const cluster = await openCluster();
    await cluster.pool('slow', { ranges: [{ cidr: '10.8.0.0/24' }], cooldownSeconds: 3_600 });
    await addressOf(cluster.add('c', { ...cluster.podOf('web'), pools: ['slow'] }));
    const { spec } = cluster.ipam.bindings({})[0]!;
    const [attachment] = spec.attachments as [BindingSpec['attachments'][number]];
    const of = (last: number, more: Partial<BindingSpec>) =>
      cluster.store.bindings.create(`default.10-0-0-${last}`, { ...spec, address: `10.0.0.${last}`, pool: 'p', subid: `${last}`, ...more });
    await of(51, { resource: { type: 'vm', value: 'vm-1' }, attachments: [{ ...attachment, containerId: 'vm-1' }] });
    await of(52, { attachments: [attachment, { ...attachment, node: 'n2', containerId: 'elsewhere' }] });
    await cluster.pass(60_000);
    await cluster.del('c');
    cluster.workloads.deletePod('ns', 'web', false);
    await cluster.pass(300_000);
    expect(cluster.held()).toEqual(['51', '52']);
    expect(cluster.ipam.collecting()).toMatchObject({ candidates: 0, released: { pod: 0 } });
  });

  test('only the leader collects; nothing is collected before pods are synced (LESSONS 1, 9)', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    cluster.setLeads(false);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(300_000);
    expect(cluster.held()).toEqual(['web']);
    cluster.setLeads(true);
    cluster.workloads.isSynced = false;
    await cluster.pass(60_000);
    expect(cluster.ipam.bindings({})).toHaveLength(1);
    // Nobody is given anything before, either.
    expect(refusalOf(await cluster.add('c', cluster.podOf('early'))).reason).toBe('Unavailable');
    // Nor when somebody asks for it.
    expect(await cluster.ipam.collect({ dryRun: false, approve: true })).toMatchObject({ released: [], held: [] });
    expect(cluster.ipam.bindings({})).toHaveLength(1);
    cluster.workloads.isSynced = true;
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a node that was cut off while its pod was deleted has the whole grace period from when it is back (found by the simulation)', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'web');
    // Its kubelet renews nothing: it cannot have heard of it, though the node still looks Ready.
    await cluster.pass(300_000, []);
    // It is back, hears of it within 10 s, and lets the pod's 30 s begin; the runtime has another 30 s to end the sandbox.
    await cluster.pass(70_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(20_000);
    expect(cluster.held()).toEqual([]);
  });

  test('has its whole grace period from when its node is ready: a kubelet whose runtime is down knows, and can end nothing', async () => {
    const cluster = await openCluster();
    await cluster.run('web', { terminationGraceSeconds: 120 });
    await cluster.pass(30_000);
    cluster.workloads.node('n1', { isReady: false });
    cluster.workloads.deletePod('ns', 'web');
    // It renews its Lease all the time.
    await cluster.pass(600_000);
    cluster.workloads.node('n1', { isReady: true });
    await cluster.pass(140_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(60_000);
    expect(cluster.held()).toEqual([]);
  });

  test('and is there again after all: what was noticed of it counts no more when it goes for good', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    const pod = cluster.workloads.live.get('ns/web')!;
    cluster.workloads.deletePod('ns', 'web', false);
    await cluster.pass(50_000);
    cluster.workloads.pod('ns', 'web', pod);
    await cluster.pass(600_000);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(60_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(40_000);
    expect(cluster.held()).toEqual([]);
  });

  test('whose record does not say its grace period has the 30 s that Kubernetes gives', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    const { uid: _, ...stored } = cluster.ipam.bindings({})[0]!;
    const [{ terminationGraceSeconds: __, ...attachment }] = stored.spec.attachments as [BindingSpec['attachments'][number]];
    await cluster.store.bindings.create('default.10-0-0-99', { ...stored.spec, address: '10.0.0.99', attachments: [attachment] });
    await take(await cluster.ipam.release({ address: stored.spec.address }));
    await cluster.pass(60_000);
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(70_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(20_000);
    expect(cluster.held()).toEqual([]);
  });

  test.each([
    ['is not ready', { isReady: false }],
    ['is another one', { uid: 'another', bootId: 'boot-2' }],
    ['is not there', undefined],
  ])('is not let go on the word of a cache when its node, asked just before the write, %s', async (_what, live) => {
    const cluster = await openCluster();
    await cluster.run('web');
    await cluster.pass(60_000);
    const cached = cluster.workloads.nodes.get('n1')!;
    cluster.workloads.readNode = async () => live && { ...cached, ...live };
    cluster.workloads.deletePod('ns', 'web');
    await cluster.pass(300_000);
    expect(cluster.held()).toEqual(['web']);
  });

  test('is forgotten once nothing is held in its name, on a replica that never leads too', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    cluster.setLeads(false);
    const seeGo = (name: string): WeakRef<object> => {
      const pod = cluster.workloads.pod('ns', name);
      cluster.workloads.deletePod('ns', name);
      return new WeakRef(pod);
    };
    const gone = seeGo('job-1');
    await cluster.pass(120_000);
    seeGo('job-2');
    for (let turn = 0; turn < 100 && gone.deref() !== undefined; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
    }
    expect(gone.deref()).toBeUndefined();
  });

  test('of a runtime that tells no UID: by its name on its node, and otherwise with the same evidence', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    const run = async (name: string, node = 'n1'): Promise<void> => {
      const { pod } = cluster.podOf(name, { node });
      await addressOf(cluster.add(`sandbox-of-${name}`, { node, pod: { namespace: pod.namespace, name } }));
    };
    for (const name of ['stays', 'finished', 'deleted', 'moved']) await run(name);
    await run('on-n2', 'n2');
    await cluster.pass(30_000);
    cluster.podOf('finished', { phase: 'Failed', hasSandbox: false });
    cluster.workloads.deletePod('ns', 'deleted');
    cluster.workloads.deletePod('ns', 'moved');
    cluster.podOf('moved', { uid: 'another', node: 'n2' });
    await cluster.pass(50_000);
    expect(cluster.held()).toHaveLength(5);
    await cluster.pass(50_000);
    expect(cluster.held().toSorted()).toEqual(['finished', 'on-n2', 'stays']);
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    cluster.workloads.nodes.delete('n2');
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a static pod is let go neither by the absence of its mirror nor by its name (LESSONS S)', async () => {
    const cluster = await openCluster();
    const { pod } = cluster.podOf('static', { annotations: { 'kubernetes.io/config.mirror': 'hash' } });
    await addressOf(cluster.add('c', { node: 'n1', pod: { ...pod, uid: 'hash' } }));
    cluster.workloads.deletePod('ns', 'static');
    await cluster.pass(3_600_000);
    expect(cluster.held()).toEqual(['static']);
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    await cluster.pass(30_000);
    expect(cluster.held()).toEqual([]);
  });
});

describe('nodes', () => {
  test('a DEL of the new boot releases what its container held in the boot before', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    const stamp = cluster.stamp({ bootId: 'boot-2', startedTicks: 3 });
    expect(take(await cluster.del('sandbox-of-web', { stamp }))).toHaveLength(1);
  });

  test('a new boot of the node lets go of what the boot before held, once the node is ready', async () => {
    const cluster = await openCluster();
    await cluster.run('web');
    cluster.workloads.node('n1', { bootId: 'boot-2', isReady: false });
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual(['web']);
    // Ready for a moment is not ready: it is seen to live after the wait, or waits again.
    cluster.workloads.node('n1', { isReady: true });
    await cluster.pass(10_000);
    cluster.workloads.node('n1', { isReady: false });
    await cluster.pass(60_000);
    cluster.workloads.node('n1', { isReady: true });
    await cluster.pass(10_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(10_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a new boot that only a stale cache shows is not confirmed by a missing mirror (found by the simulation)', async () => {
    const cluster = await openCluster();
    const { pod } = cluster.podOf('static', { annotations: { 'kubernetes.io/config.mirror': 'hash' } });
    await addressOf(cluster.add('c', { node: 'n1', pod: { ...pod, uid: 'hash' } }));
    const now = cluster.workloads.nodes.get('n1')!;
    cluster.workloads.readNode = async () => now;
    cluster.workloads.node('n1', { bootId: 'boot-0' });
    cluster.workloads.deletePod('ns', 'static');
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual(['static']);
    // The server says so too: then it is.
    cluster.workloads.readNode = async (name) => cluster.workloads.nodes.get(name);
    await cluster.pass(60_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a node that cannot say its boot keeps what it has, and boots again like any other once it can', async () => {
    const cluster = await openCluster();
    const { pod } = cluster.podOf('static', { annotations: { 'kubernetes.io/config.mirror': 'hash' } });
    cluster.workloads.node('n1', { bootId: '' });
    await addressOf(cluster.add('c', { node: 'n1', pod: { ...pod, uid: 'hash' } }));
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual(['static']);
    cluster.workloads.node('n1', { bootId: 'boot-1' });
    await cluster.pass(60_000);
    expect(cluster.held()).toEqual(['static']);
    cluster.workloads.deletePod('ns', 'static');
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    await cluster.pass(60_000);
    expect(cluster.held()).toEqual([]);
  });

  test("a record that an older boot's sandbox of the same pod left is let go, and not held by the new one's (found by the simulation)", async () => {
    const cluster = await openCluster();
    const address = await cluster.run('web');
    const before = cluster.ipam.bindings({})[0]!.spec;
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    await addressOf(
      cluster.add('sandbox-2', { ...cluster.podOf('web', { addresses: [address] }), stamp: cluster.stamp({ bootId: 'boot-2' }) }),
    );
    // As an API server restored from a backup has it again.
    await cluster.store.bindings.create('default.10-0-0-99', { ...before, address: '10.0.0.99' });
    await cluster.pass(60_000);
    expect(cluster.ipam.bindings({}).map(({ spec }) => [spec.address, spec.attachments[0]!.containerId])).toEqual([[address, 'sandbox-2']]);
  });

  test('a delayed call of the boot before does not take over after the reboot (LESSONS R)', async () => {
    const cluster = await openCluster();
    const late = cluster.stamp();
    const asked = cluster.podOf('web');
    await addressOf(cluster.add('old', asked));
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    const address = await addressOf(cluster.add('new', { ...asked, stamp: cluster.stamp({ bootId: 'boot-2', startedTicks: 3 }) }));
    expect(refusalOf(await cluster.add('old', { ...asked, stamp: late })).reason).toBe('Unavailable');
    await cluster.pass(120_000);
    expect(cluster.ipam.bindings({})).toMatchObject([{ spec: { address, attachments: [{ containerId: 'new' }] } }]);
  });

  test('a call of the boot before that a stale cache lets pass does not take over what the new boot holds (LESSONS R)', async () => {
    const cluster = await openCluster();
    const { workloads } = cluster;
    const asked = cluster.podOf('web');
    const late = cluster.stamp();
    const before = workloads.nodes.get('n1');
    workloads.node('n1', { bootId: 'boot-2' });
    await addressOf(cluster.add('new', { ...asked, stamp: cluster.stamp({ bootId: 'boot-2', startedTicks: 3 }) }));
    workloads.cachedNode = () => before;
    expect(refusalOf(await cluster.add('old', { ...asked, stamp: late })).reason).toBe('Unavailable');
    expect(cluster.ipam.bindings({})).toMatchObject([{ spec: { attachments: [{ containerId: 'new' }] } }]);
  });

  test('a call of the boot before that comes while the node still shows that boot finds nothing of the new one to take (LESSONS R)', async () => {
    const cluster = await openCluster();
    const asked = cluster.podOf('web');
    const late = cluster.stamp();
    const early = cluster.stamp({ bootId: 'boot-2', startedTicks: 3 });
    expect(refusalOf(await cluster.add('new', { ...asked, stamp: early }))).toMatchObject({
      reason: 'Unavailable',
      detail: 'node n1 does not show the boot of this call; its kubelet reports it in a moment',
      retryAfterSeconds: 1,
    });
    await addressOf(cluster.add('old', { ...asked, stamp: late }));
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    const address = await addressOf(cluster.add('new', { ...asked, stamp: early }));
    expect(cluster.ipam.bindings({})).toMatchObject([{ spec: { address, attachments: [{ containerId: 'new' }] } }]);
  });

  test('a call of the boot before that a stale cache lets pass releases nothing of the new boot (found by the simulation)', async () => {
    let isPlanted = false;
    const store = storeWith((bindings) => ({
      create: async (name, spec) => {
        if (!isPlanted) {
          isPlanted = true;
          const [held] = spec.attachments;
          const stamp = { ...held!.stamp, bootId: 'boot-2', startedTicks: 3 };
          const attachments = [{ ...held!, containerId: 'new', stamp }];
          await bindings.create('default.10-0-0-99', { ...spec, address: '10.0.0.99', attachments });
        }
        return bindings.create(name, spec);
      },
    }));
    const cluster = await openCluster({ store });
    const { workloads } = cluster;
    const asked = cluster.podOf('web');
    const before = workloads.nodes.get('n1');
    const { cachedNode } = workloads;
    workloads.cachedNode = () => before;
    workloads.node('n1', { bootId: 'boot-2' });
    await cluster.add('old', asked);
    const holders = () => cluster.ipam.bindings({}).map(({ spec }) => spec.attachments[0]!.containerId);
    expect(holders()).toContain('new');
    workloads.cachedNode = cachedNode;
    await cluster.pass(120_000);
    expect(holders()).toEqual(['new']);
  });

  test('a node that is gone lets go after its time; one re-created under its name is another (LESSONS 8)', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    await cluster.run('web');
    await cluster.pass(30_000);
    cluster.workloads.nodes.delete('n1');
    await cluster.pass(50_000);
    expect(cluster.held()).toEqual(['web']);
    cluster.workloads.node('n1', { uid: 'another', bootId: 'boot-2' });
    await cluster.pass(40_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a node that is gone, comes back and goes again has its whole time again', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    await cluster.run('web');
    await cluster.pass(30_000);
    const node = cluster.workloads.nodes.get('n1')!;
    cluster.workloads.nodes.delete('n1');
    await cluster.pass(50_000);
    cluster.workloads.node('n1', node);
    await cluster.pass(30_000);
    cluster.workloads.nodes.delete('n1');
    await cluster.pass(50_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(30_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a node that only the cache misses keeps what it has, also of a pod that is not there (a static one without its mirror)', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    const { pod } = cluster.podOf('static', { annotations: { 'kubernetes.io/config.mirror': 'hash' } });
    await addressOf(cluster.add('c', { node: 'n1', pod: { ...pod, uid: 'hash' } }));
    const node = cluster.workloads.nodes.get('n1')!;
    cluster.workloads.readNode = async () => node;
    cluster.workloads.nodes.delete('n1');
    cluster.workloads.deletePod('ns', 'static');
    await cluster.pass(300_000);
    expect(cluster.held()).toEqual(['static']);
  });

  test('a node that is gone lets go also when it has been given hours', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 3 * 3_600_000 });
    await cluster.run('web');
    cluster.workloads.nodes.delete('n1');
    await cluster.pass(2.9 * 3_600_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(0.3 * 3_600_000);
    expect(cluster.held()).toEqual([]);
  });

  test('what a restored backup says of a node that was gone long ago has its whole time', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    await cluster.run('web');
    const { name, spec } = cluster.ipam.bindings({})[0]!;
    cluster.workloads.nodes.delete('n1');
    await cluster.pass(2 * 3_600_000);
    expect(cluster.ipam.bindings({ state: 'all' })).toEqual([]);
    await cluster.store.bindings.create(name, spec);
    await cluster.pass(70_000);
    expect(cluster.held()).toEqual(['web']);
    await cluster.pass(30_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a node whose object was deleted, and made again by its kubelet without a reboot, keeps what its pods hold', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    const { pod } = cluster.podOf('static', { annotations: { 'kubernetes.io/config.mirror': 'hash' } });
    await addressOf(cluster.add('c', { node: 'n1', pod: { ...pod, uid: 'hash' } }));
    await cluster.run('web');
    await cluster.run('over');
    await cluster.pass(30_000);
    cluster.workloads.nodes.delete('n1');
    await cluster.pass(30_000);
    cluster.workloads.node('n1', { uid: 'another' });
    cluster.workloads.deletePod('ns', 'over');
    await cluster.pass(300_000);
    expect(cluster.held().toSorted()).toEqual(['static', 'web']);
    cluster.workloads.node('n1', { bootId: 'boot-2' });
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual([]);
  });
});

describe('the brake', () => {
  test('holds back what is only inferred from absence, lets it trickle, and lets all go when approved (LESSONS 7, K, T)', async () => {
    const cluster = await openCluster();
    for (let index = 0; index < 40; index++) await cluster.run(`web-${index}`);
    await cluster.pass(60_000);
    for (let index = 0; index < 40; index++) cluster.workloads.deletePod('ns', `web-${index}`, false);
    await cluster.pass(100_000);
    expect(cluster.held()).toHaveLength(35);
    const dry = await cluster.ipam.collect({ dryRun: true, approve: true });
    expect(dry.released).toHaveLength(35);
    expect(cluster.held()).toHaveLength(35);
    await cluster.pass(300_000);
    expect(cluster.held()).toHaveLength(30);
    await cluster.ipam.collect({ dryRun: false, approve: true });
    expect(cluster.held()).toEqual([]);
  });

  test('a dry run brakes as the pass itself would', async () => {
    const cluster = await openCluster();
    for (let index = 0; index < 40; index++) await cluster.run(`web-${index}`);
    await cluster.pass(60_000);
    cluster.setLeads(false);
    for (let index = 0; index < 40; index++) cluster.workloads.deletePod('ns', `web-${index}`, false);
    const dryRun = () => cluster.ipam.collect({ dryRun: true, approve: false });
    for (const ms of [50_000, 50_000, 20_000, 10_000]) await dryRun().then(() => cluster.pass(ms));
    for (const again of [await dryRun(), await dryRun()]) {
      expect([again.released.length, again.held.length]).toEqual([5, 35]);
    }
    expect(cluster.held()).toHaveLength(40);
  });

  test('counts a release whose answer was lost, also when another has the address by the time somebody looks', async () => {
    let losses = 1;
    const store = storeWith((bindings) => ({
      replace: async (old, spec) => {
        const written = await bindings.replace(old, spec);
        if (spec.releasedAt === undefined || !written.ok || losses-- <= 0) return written;
        const { releasedAt: _, ...held } = spec;
        const [{ stamp, ...one }] = held.attachments as [BindingSpec['attachments'][number]];
        const attachments = [{ ...one, containerId: 'other', podUid: 'uid-of-other', stamp: { ...stamp, startedTicks: 1e9 } }];
        await bindings.replace(written.stored, { ...held, subid: 'other', attachments });
        throw new StoreAmbiguous('no answer');
      },
    }));
    const cluster = await openCluster({ store });
    cluster.workloads.pod('ns', 'other', { uid: 'uid-of-other' });
    for (let index = 0; index < 40; index++) await cluster.run(`web-${index}`);
    await cluster.pass(60_000);
    for (let index = 0; index < 40; index++) cluster.workloads.deletePod('ns', `web-${index}`, false);
    await cluster.pass(100_000);
    expect(cluster.held().filter((subid) => subid !== 'other')).toHaveLength(35);
  });

  test('does not count deletions that were seen while their node was away for long', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    for (let index = 0; index < 40; index++) await cluster.run(`web-${index}`);
    await cluster.run('other', { node: 'n2' });
    await cluster.pass(60_000);
    cluster.workloads.node('n1', { isReady: false });
    for (let index = 0; index < 40; index++) cluster.workloads.deletePod('ns', `web-${index}`);
    await cluster.pass(300_000);
    cluster.workloads.deletePod('ns', 'other');
    cluster.workloads.node('n1', { isReady: true });
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual([]);
  });

  test('does not count deletions that were seen: a namespace of 100 pods is gone in one go', async () => {
    const cluster = await openCluster();
    for (let index = 0; index < 100; index++) await cluster.run(`web-${index}`);
    await cluster.pass(60_000);
    for (let index = 0; index < 5; index++) await cluster.run(`missed-${index}`);
    for (let index = 0; index < 100; index++) cluster.workloads.deletePod('ns', `web-${index}`);
    await cluster.pass(90_000);
    expect(cluster.held()).toHaveLength(5);
    // Nor do they leave less for what is inferred after them.
    for (let index = 0; index < 5; index++) cluster.workloads.deletePod('ns', `missed-${index}`, false);
    await cluster.pass(90_000);
    expect(cluster.held()).toEqual([]);
  });

  test('holds a sandbox back whole when one of the pools of its addresses has let go of enough', async () => {
    const cluster = await openCluster();
    for (const [index, name] of ['q', 'many'].entries()) await cluster.pool(name, { ranges: [{ cidr: `10.${index + 1}.0.0/16` }] });
    await cluster.run('double', {});
    await addressOf(cluster.add('sandbox-of-double', { ...cluster.podOf('double'), ifName: 'net1', pools: ['q'] }));
    for (let index = 0; index < 5; index++) await cluster.run(`web-${index}`);
    // So many that the brake on the whole would not hold.
    const { spec } = cluster.ipam.bindings({})[0]!;
    for (let index = 0; index < 2_000; index++) {
      const address = `10.2.${index >> 8}.${index & 255}`;
      const other = { ...spec, address, pool: 'many', subid: 'vm', resource: { type: 'vm', value: 'vm' } as const, attachments: [] };
      await cluster.store.bindings.create(bindingName('default', address), other);
    }
    await cluster.pass(60_000);
    for (let index = 0; index < 5; index++) cluster.workloads.deletePod('ns', `web-${index}`, false);
    await cluster.pass(100_000);
    cluster.workloads.deletePod('ns', 'double', false);
    await cluster.pass(100_000);
    expect(cluster.held().filter((subid) => subid !== 'vm')).toEqual(['double', 'double']);
    const dryRun = cluster.ipam.collect({ dryRun: true, approve: false });
    await cluster.timers.advance(1);
    expect((await dryRun).held.map(({ reason }) => reason)).toEqual([HOLD_REASONS.Brake, HOLD_REASONS.Brake]);
  });
});

describe('the brake, and a node that is gone', () => {
  const lose = async (witnessed: boolean): Promise<readonly string[]> => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    for (let index = 0; index < 40; index++) await cluster.run(`web-${index}`);
    await cluster.pass(60_000);
    cluster.workloads.nodes.delete('n1');
    for (let index = 0; index < 40; index++) cluster.workloads.deletePod('ns', `web-${index}`, witnessed);
    await cluster.pass(50_000);
    expect(cluster.held()).toHaveLength(40);
    await cluster.pass(40_000);
    return cluster.held();
  };

  test('does not hold back what its pods had, whose deletion was seen', async () => {
    expect(await lose(true)).toEqual([]);
  });

  test('holds back what is only missing', async () => {
    expect(await lose(false)).toHaveLength(35);
  });
});

describe('adoption', () => {
  test('an address that a running pod has without a record is given to nobody, and recorded after two audits', async () => {
    const cluster = await openCluster();
    await cluster.pool('tiny', { ranges: [{ first: '10.2.0.1', last: '10.2.0.2' }] });
    cluster.podOf('veteran', { addresses: ['10.2.0.1'] });
    expect(await addressOf(cluster.add('a', { ...cluster.podOf('a'), pools: ['tiny'] }))).toBe('10.2.0.2');
    expect(refusalOf(await cluster.add('b', { ...cluster.podOf('b'), pools: ['tiny'] })).reason).toBe('PoolFull');
    await cluster.pass(10_000);
    expect(cluster.held()).toEqual(['a']);
    await cluster.pass(10_000);
    expect(cluster.held().toSorted()).toEqual(['a', 'veteran']);
    // Its next sandbox takes the record over.
    const again = take(await cluster.add('sandbox-2', { ...cluster.podOf('veteran'), pools: ['tiny'] }));
    expect(again.addresses[0]!.address).toContain('10.2.0.1');
    expect(cluster.ipam.bindings({ subid: 'veteran' })).toHaveLength(1);
  });

  test('an adopted address is the pod’s first one: no other interface, and no further address of it, takes the record over', async () => {
    const cluster = await openCluster();
    const asked = cluster.podOf('veteran', { addresses: ['10.0.0.9'] });
    await cluster.pass(20_000);
    expect(cluster.held()).toEqual(['veteran']);
    expect(await addressOf(cluster.add('sandbox', { ...asked, ifName: 'net1' }))).not.toBe('10.0.0.9');
    const { addresses } = take(await cluster.add('sandbox', { ...asked, pools: ['p', ['p']] }));
    expect(addresses.map(({ address }) => address === '10.0.0.9/24')).toEqual([true, false]);
    expect(cluster.held()).toHaveLength(3);
  });

  test('an address adopted from a node that could not say its boot is not freed when it can', async () => {
    const cluster = await openCluster();
    await cluster.pool('tiny', { ranges: [{ first: '10.2.0.1', last: '10.2.0.2' }] });
    cluster.workloads.node('n1', { bootId: '' });
    cluster.podOf('veteran', { addresses: ['10.2.0.1'] });
    await cluster.pass(10_000);
    await cluster.pass(10_000);
    expect(cluster.held()).toEqual(['veteran']);
    // Its status keeps the address no more, its sandbox does.
    cluster.workloads.pod('ns', 'veteran', { phase: 'Succeeded', hasSandbox: true });
    cluster.workloads.node('n1', { bootId: 'boot-1' });
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual(['veteran']);
  });

  test('an address adopted from a node that could not say its boot is let go with that node, whatever comes after it', async () => {
    const cluster = await openCluster({ nodeGoneAfterMs: 60_000 });
    cluster.workloads.node('n1', { bootId: '' });
    cluster.podOf('veteran', { addresses: ['10.0.0.9'] });
    await cluster.pass(20_000);
    expect(cluster.held()).toEqual(['veteran']);
    cluster.workloads.nodes.delete('n1');
    cluster.workloads.pod('ns', 'veteran', { phase: 'Failed' });
    await cluster.pass(10_000);
    cluster.workloads.node('n1', { uid: 'another', bootId: '' });
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual([]);
  });

  test('nothing is adopted for a pod that only a watch that lags still shows (found by the simulation)', async () => {
    const cluster = await openCluster();
    cluster.podOf('veteran', { addresses: ['10.0.0.9'] });
    cluster.podOf('moved', { addresses: ['10.0.0.10'] });
    cluster.podOf('again', { addresses: ['10.0.0.11'] });
    cluster.podOf('ended', { addresses: ['10.0.0.13'] });
    cluster.workloads.isLagging = true;
    cluster.workloads.pod('ns', 'ended', { phase: 'Succeeded' });
    cluster.workloads.deletePod('ns', 'veteran');
    cluster.workloads.pod('ns', 'moved', { addresses: ['10.0.0.12'] });
    cluster.workloads.pod('ns', 'again', { uid: 'another' });
    await cluster.pass(60_000);
    expect(cluster.held()).toEqual([]);
  });

  test('of two pods that show the same address one goes, and the other has it yet (found by the simulation)', async () => {
    const cluster = await openCluster();
    await cluster.pool('tiny', { ranges: [{ first: '10.2.0.1', last: '10.2.0.2' }] });
    cluster.podOf('veteran', { addresses: ['10.2.0.1'] });
    cluster.podOf('twin', { addresses: ['10.2.0.1'] });
    cluster.workloads.deletePod('ns', 'twin');
    expect(await addressOf(cluster.add('a', { ...cluster.podOf('a'), pools: ['tiny'] }))).toBe('10.2.0.2');
    expect(refusalOf(await cluster.add('b', { ...cluster.podOf('b'), pools: ['tiny'] })).reason).toBe('PoolFull');
    cluster.workloads.deletePod('ns', 'veteran');
    expect(await addressOf(cluster.add('b', { ...cluster.podOf('b'), pools: ['tiny'] }))).toBe('10.2.0.1');
  });

  test('an adopted address is collected like any other when its pod is gone', async () => {
    const cluster = await openCluster();
    cluster.podOf('veteran', { addresses: ['10.0.0.9'] });
    await cluster.pass(40_000);
    expect(cluster.held()).toEqual(['veteran']);
    cluster.workloads.deletePod('ns', 'veteran');
    await cluster.pass(120_000);
    expect(cluster.held()).toEqual([]);
  });

  test('a pod that holds its address is not adopted again, nor is one whose address is in no pool', async () => {
    const cluster = await openCluster();
    const address = await cluster.run('web');
    cluster.workloads.pod('ns', 'web', { addresses: [address] });
    cluster.podOf('elsewhere', { addresses: ['192.0.2.7'] });
    // One whose status shows what its former sandbox had, and one of a node that is not there: nobody would end their records.
    await cluster.run('restarted', { addresses: ['10.0.0.200'] });
    cluster.podOf('orphan', { node: 'n9', addresses: ['10.0.0.201'] });
    await cluster.pass(60_000);
    expect(cluster.ipam.bindings({ state: 'all' })).toHaveLength(2);
  });

  test('a static pod is adopted as one: the absence of its mirror frees nothing, and its next sandbox takes the address over', async () => {
    const cluster = await openCluster();
    const annotations = { 'kubernetes.io/config.mirror': 'hash' };
    const { pod } = cluster.podOf('static', { annotations, addresses: ['10.0.0.9'] });
    await cluster.pass(20_000);
    const mirror = cluster.workloads.live.get('ns/static')!;
    cluster.workloads.deletePod('ns', 'static');
    await cluster.pass(600_000);
    expect(cluster.held()).toEqual(['static']);
    cluster.workloads.pod('ns', 'static', { ...mirror, uid: 'uid-of-the-next-mirror' });
    expect(await addressOf(cluster.add('next', { node: 'n1', pod: { ...pod, uid: 'hash' } }))).toBe('10.0.0.9');
  });

  test('an address of a pod that ran before the controller did, or of one in another namespace by the same name, is given to nobody', async () => {
    const workloads = new PretendedWorkloads();
    workloads.node('n1');
    workloads.namespaces.set('ns', { name: 'ns', labels: {}, annotations: {} });
    workloads.pod('other', 'web', { uid: 'uid-of-another', addresses: ['10.2.0.1'] });
    const cluster = { workloads, leads: () => false, nodeGoneAfterMs: 300_000 };
    const world = await openWorld({ nodes: clusterNodes(workloads), cluster });
    await world.pool('tiny', { ranges: [{ first: '10.2.0.1', last: '10.2.0.2' }], default: true });
    const { namespace, name, uid } = workloads.pod('ns', 'web');
    expect(await addressOf(world.add('a', { node: 'n1', pod: { namespace, name, uid } }))).toBe('10.2.0.2');
    expect(refusalOf(await world.add('b', { node: 'n1', pod: { namespace, name, uid }, ifName: 'net1' })).reason).toBe('PoolFull');
  });
});
