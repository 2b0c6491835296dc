/** What metrics say of the collector: how many look gone, what was released on which proof, what is held back and why. */
import { describe, expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { HOLD_REASONS } from '../../src/ipam/collector/tally.ts';
import { createMetrics } from '../../src/server/metrics.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';
import { addressOf, openWorld, storeWith, take } from '../support/ipam-world.ts';
import { StoreUnavailable } from '../../src/store/store.ts';

const NONE = Object.fromEntries(Object.keys(HOLD_REASONS).map((reason) => [reason, 0]));

async function openCluster(store = storeWith(() => ({}))) {
  const workloads = new PretendedWorkloads();
  for (const name of ['n1', 'n2', 'n3']) workloads.node(name);
  let leads = true;
  const world = await openWorld({
    store,
    nodes: clusterNodes(workloads),
    cluster: { workloads, leads: () => leads, nodeGoneAfterMs: 120_000 },
  });
  await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true, cooldownSeconds: 0 });
  const run = (name: string, node = 'n1', more = {}): Promise<string> => {
    const { namespace, uid } = workloads.pod('ns', name, { node, ...more });
    return addressOf(world.add(`sandbox-of-${name}`, { node, pod: { namespace, name, uid } }));
  };
  const pass = async (ms: number, alive = ['n1', 'n2', 'n3']): Promise<void> => {
    for (let left = ms; left > 0; left -= 10_000) {
      for (const node of alive.filter((name) => workloads.nodes.has(name))) workloads.renew(node);
      await world.timers.advance(Math.min(left, 10_000));
    }
  };
  return { ...world, workloads, run, pass, setLeads: (value: boolean) => (leads = value), held: () => world.ipam.collecting().held };
}

describe('what is told of the collector', () => {
  test('each reason for which an address is held back, and each proof on which one is released', async () => {
    const { workloads, ipam, run, pass, held } = await openCluster();
    await run('web');
    await run('far', 'n2');
    await run('lost', 'n3');
    const shown = await run('shown');
    await pass(60_000);
    expect(ipam.collecting()).toMatchObject({ leads: true, candidates: 0, held: NONE, adopted: 0 });
    expect(ipam.collecting().passAgeSeconds).toBeLessThanOrEqual(10);

    workloads.pod('ns', 'impostor', { uid: 'other', addresses: [shown] });
    for (const name of ['web', 'far', 'shown']) workloads.deletePod('ns', name);
    workloads.nodes.delete('n3');
    await pass(30_000);
    expect(held()).toEqual({ ...NONE, GracePeriod: 3, NodeGone: 1 });
    expect(ipam.collecting().candidates).toBe(4);
    workloads.node('n2', { isReady: false });
    await pass(60_000);
    expect(held()).toEqual({ ...NONE, InUse: 1, NodeNotReady: 1, NodeGone: 1 });
    expect(ipam.collecting().released).toEqual({ pod: 1, node: 0, boot: 0, lease: 0 });
    workloads.node('n2', { isReady: true });
    await pass(20_000);
    expect(held()).toMatchObject({ GracePeriod: 1 });
    await pass(100_000, []);
    expect(held()).toMatchObject({ LeaseNotRenewed: 1 });
    workloads.node('n2', { bootId: 'boot-2' });
    await pass(60_000);
    expect(ipam.collecting().released).toEqual({ pod: 1, node: 1, boot: 1, lease: 0 });
    expect(held()).toEqual({ ...NONE, InUse: 1 });
  });

  test('what the brake holds, what was adopted, and a lease that ended', async () => {
    const { workloads, ipam, run, pass, held } = await openCluster();
    for (let index = 0; index < 40; index++) await run(`web-${index}`);
    workloads.pod('ns', 'veteran', { addresses: ['10.0.0.250'] });
    take(await ipam.allocate({ subinstance: 't', subid: 's', resource: { type: 'vm', value: 'v' }, leaseSeconds: 30 }));
    await pass(60_000);
    expect(ipam.collecting()).toMatchObject({ adopted: 1, released: { lease: 1 } });
    for (let index = 0; index < 40; index++) workloads.deletePod('ns', `web-${index}`, false);
    await pass(100_000);
    expect([held(), ipam.collecting().released]).toEqual([
      { ...NONE, Brake: 35 },
      { pod: 5, node: 0, boot: 0, lease: 1 },
    ]);
    const { brakedSeconds } = ipam.collecting();
    expect(brakedSeconds).toBeGreaterThan(0);
    await pass(30_000);
    expect(ipam.collecting().brakedSeconds).toBe(brakedSeconds + 30);
    // Asked for by hand, in earnest or not: only what was done counts.
    await ipam.collect({ dryRun: true, approve: true });
    expect(ipam.collecting()).toMatchObject({ candidates: 35, released: { pod: 5 } });
    await ipam.collect({ dryRun: false, approve: true });
    expect(ipam.collecting()).toMatchObject({ candidates: 35, held: NONE, brakedSeconds: 0, released: { pod: 40 } });
  });

  test('one that is stuck gets older; one that does not lead is neither stuck nor holds anything', async () => {
    let isDown = false;
    const store = storeWith((bindings) => ({
      replace: async (old, spec) => {
        if (isDown) return new Promise(() => undefined);
        return bindings.replace(old, spec);
      },
    }));
    const { workloads, ipam, run, pass } = await openCluster(store);
    await run('web');
    await pass(60_000);
    workloads.deletePod('ns', 'web');
    isDown = true;
    await pass(600_000);
    expect(ipam.collecting().passAgeSeconds).toBeGreaterThan(400);
    expect(ipam.collecting().leads).toBe(true);

    const other = await openCluster();
    await other.run('web');
    await other.pass(60_000);
    other.workloads.deletePod('ns', 'web');
    await other.pass(20_000);
    expect(other.ipam.collecting().candidates).toBe(1);
    other.setLeads(false);
    await other.pass(600_000);
    expect(other.ipam.collecting()).toMatchObject({ leads: false, candidates: 0, held: NONE });
    expect(other.ipam.collecting().passAgeSeconds).toBeLessThanOrEqual(10);
  });

  test('a store that refuses ends a pass early, which is a pass all the same', async () => {
    const failing = storeWith(() => ({ replace: () => Promise.reject(new StoreUnavailable('away')) }));
    const { workloads, ipam, run, pass } = await openCluster(failing);
    await run('web');
    await pass(60_000);
    workloads.deletePod('ns', 'web');
    await pass(300_000);
    expect(ipam.collecting()).toMatchObject({ leads: true, released: { pod: 0 } });
  });

  test('Prometheus sees it', async () => {
    const { workloads, ipam, run, pass } = await openCluster();
    await run('web');
    await pass(60_000);
    workloads.deletePod('ns', 'web');
    await pass(20_000);
    const metrics = createMetrics({
      operations: ipam,
      version: '0',
      store: 'memory',
      counters: () => undefined,
      connections: () => 0,
      eventStreams: () => 0,
      waiting: () => ipam.waiting(),
      collecting: () => ipam.collecting(),
      staleSeconds: () => ({ pods: 3 }),
    });
    const lines = (await metrics.render()).split('\n');
    for (const line of [
      'berth_collector_leads 1',
      'berth_collector_candidates 1',
      'berth_collector_held{reason="GracePeriod"} 1',
      'berth_collector_held{reason="Brake"} 0',
      'berth_collector_released_total{proof="pod"} 0',
      'berth_adopted_total 0',
      'berth_stale_seconds{resource="pods"} 3',
    ])
      expect(lines).toContain(line);
  });
});
