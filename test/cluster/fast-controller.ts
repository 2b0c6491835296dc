/** What --store kubernetes makes of a controller, in this process and on time that runs ten times as fast: the real intervals would take minutes. */
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import type { Timers } from '../../src/core/clock.ts';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { openIpam, type Ipam } from '../../src/ipam/open.ts';
import { answerCollectRequests } from '../../src/kubernetes/collect-requests.ts';
import { openCluster } from '../../src/kubernetes/open-client.ts';
import { keepPoolStatus } from '../../src/kubernetes/pool-status.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import { watchWorkloads } from '../../src/kubernetes/workloads.ts';
import { silentLog } from '../support/cluster-client.ts';

const SPEED = 10;
export const fastTimers = (speed: number, clockAheadMs = 0): Timers => ({
  now: () => systemTimers.now() + clockAheadMs,
  monotonic: () => systemTimers.monotonic() * speed,
  after: (ms, callback) => systemTimers.after(ms / speed, callback),
});

/** It leads. @param clockAheadMs how wrong its wall clock is */
export async function openFastController(
  kubeconfigFile: string,
  clockAheadMs = 0,
): Promise<{ readonly ipam: Ipam; close(): Promise<void> }> {
  const timers = fastTimers(SPEED, clockAheadMs);
  const random = (): number => Math.random();
  // The API server is not ten times as fast, so its client keeps the usual time.
  const { client, close } = openCluster({ kubeconfigFile, timers: systemTimers, random });
  const world = { client, timers, random, log: silentLog };
  const store = openKubernetesStore(world);
  const workloads = watchWorkloads(world);
  const leads = (): boolean => true;
  const ipam = openIpam({
    store,
    nodes: clusterNodes(workloads),
    timers,
    log: silentLog,
    cluster: { workloads, leads, nodeGoneAfterMs: 20_000 },
  });
  const stops = [
    keepPoolStatus({ ...world, ipam, leads }),
    answerCollectRequests({ ...world, namespace: 'berth', leads, collect: (asked) => ipam.collect(asked) }),
  ];
  await ipam.whenSynced();
  await workloads.whenSynced();
  return {
    ipam,
    close: async () => {
      for (const stop of stops) stop();
      await ipam.close();
      workloads.stop();
      await store.close();
      await close();
    },
  };
}
