/** Berth's own client, and stores, on the cluster tier's API server. */
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import type { Store } from '../../src/store/store.ts';
import { openCluster, type Cluster } from '../../src/kubernetes/open-client.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS, type ResourceType } from '../../src/kubernetes/objects.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import { apiServer, request } from '../support/cluster.ts';
import { silentLog } from '../support/cluster-client.ts';

export const openClient = (): Cluster =>
  openCluster({ kubeconfigFile: apiServer().kubeconfig, timers: systemTimers, random: () => Math.random() });

/** Empty: what other tests left is deleted first. */
export async function openEmptyStore(): Promise<{ readonly store: Store; dispose(): Promise<void> }> {
  for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
  const cluster = openClient();
  const store = openKubernetesStore({ client: cluster.client, timers: systemTimers, random: () => Math.random(), log: silentLog });
  return { store, dispose: () => cluster.close() };
}

export async function deleteAll({ group, version, plural }: ResourceType): Promise<void> {
  const answer = await request('DELETE', `/apis/${group}/${version}/${plural}`);
  if (answer.status !== 200) throw new Error(`cannot empty ${plural}: ${answer.status} ${answer.text}`);
}
