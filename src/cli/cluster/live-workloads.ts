/** One pod and what is around it, read for one question instead of watched. */
import type { PoolSpec } from '../../core/pool-spec.ts';
import type { Node, Workloads } from '../../ipam/workloads.ts';
import type { Client } from '../../kubernetes/client.ts';
import { liveReads } from '../../kubernetes/workloads.ts';
import type { Stored } from '../../store/store.ts';

/** The node is read only where a pool asks for its labels: who looks after a namespace may seldom read nodes. */
export async function readWorkloadsAround(
  client: Client,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  pools: readonly Stored<PoolSpec>[],
): Promise<Workloads> {
  const reads = liveReads(client);
  const pod = await reads.readPod(namespace, name);
  const asksForNodes = pools.some(({ spec }) => spec.nodeSelector !== undefined);
  const node: Node | undefined = asksForNodes && pod?.node !== undefined ? await reads.readNode(pod.node) : undefined;
  return {
    ...reads,
    readPod: () => Promise.resolve(pod),
    synced: () => true,
    cachedPod: () => pod,
    cachedPods: () => (pod === undefined ? [] : [pod]),
    cachedNode: () => node,
    cachedNamespace: () => undefined,
    onPodGone: () => () => undefined,
    onPodChanged: () => () => undefined,
  };
}
