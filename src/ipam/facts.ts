/**
 * What is known of who asks, for the choice of pools: labels, and what annotations ask for. In a cluster from the pod,
 * its namespace and its node; outside the only labels are the names themselves, under Kubernetes' own keys.
 */
import type { CniAdd } from '../protocol.ts';
import type { Context } from './context.ts';
import type { Labels } from './label-selector.ts';
import type { Caller } from './operations.ts';
import type { Namespace, Pod } from './workloads.ts';

export const POOLS_ANNOTATION = 'berth-ipam.dev/pools';
export const ADDRESSES_ANNOTATION = 'berth-ipam.dev/addresses';

export interface Facts {
  readonly namespaceLabels: Labels;
  readonly podLabels: Labels;
  readonly nodeLabels: Labels;
  /** By configuration, else the pod's annotation, else the namespace's. */
  readonly pools: NonNullable<CniAdd['pools']>;
  /** Who named them; absent: nobody did. */
  readonly poolsNamedBy?: 'configuration' | 'pod' | 'namespace';
  /** By the runtime, else the pod's annotation. */
  readonly requested: readonly string[];
}

export async function gatherFacts(
  context: Context,
  caller: Pick<Caller, 'node'>,
  request: Pick<CniAdd, 'pod' | 'pools' | 'requested'>,
  pod: Pod | undefined,
): Promise<Facts> {
  const configured = { pools: request.pools ?? [], requested: request.requested ?? [] };
  const isConfigured = configured.pools.length > 0;
  if (context.workloads === undefined || pod === undefined) {
    return {
      namespaceLabels: request.pod === undefined ? {} : { 'kubernetes.io/metadata.name': request.pod.namespace },
      podLabels: {},
      nodeLabels: { 'kubernetes.io/hostname': caller.node },
      ...configured,
      ...(isConfigured && { poolsNamedBy: 'configuration' }),
    };
  }
  const { workloads } = context;
  const namespace: Namespace | undefined = workloads.cachedNamespace(pod.namespace) ?? (await workloads.readNamespace(pod.namespace));
  const named = (
    [
      ['configuration', configured.pools],
      ['pod', splitList(pod.annotations[POOLS_ANNOTATION])],
      ['namespace', splitList(namespace?.annotations[POOLS_ANNOTATION])],
    ] as const
  ).find(([, names]) => names.length > 0);
  const requested = [configured.requested, splitList(pod.annotations[ADDRESSES_ANNOTATION])];
  return {
    namespaceLabels: namespace?.labels ?? {},
    podLabels: pod.labels,
    nodeLabels: workloads.cachedNode(caller.node)?.labels ?? {},
    pools: named?.[1] ?? [],
    ...(named && { poolsNamedBy: named[0] }),
    requested: requested.find((addresses) => addresses.length > 0) ?? [],
  };
}

const splitList = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
