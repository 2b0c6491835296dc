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
  /** Absent: too many. */
  readonly podLabels?: Labels;
  readonly nodeLabels: Labels;
  /** By configuration, else the pod's annotation, else the namespace's. */
  readonly pools: NonNullable<CniAdd['pools']>;
  /** Who named them; absent: nobody did. */
  readonly poolsNamedBy?: 'configuration' | 'pod' | 'namespace';
  /** By the runtime, else the pod's annotation. */
  readonly requested: readonly string[];
  /** Why an annotation is not read to its end: then nothing is given. */
  readonly objection?: string;
}

/** Thrice what the most names and addresses need. Of a longer annotation what is cut off must not change what it says. */
export const LONGEST_ANNOTATION = 8_192;
const MOST_LISTED = 32;
/** No pool's name and no address is as long. */
const LONGEST_LISTED = 100;

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
      ['configuration', { items: configured.pools }],
      ['pod', readList(POOLS_ANNOTATION, pod.annotations)],
      ['namespace', readList(POOLS_ANNOTATION, namespace?.annotations)],
    ] as const
  ).find(([, { items }]) => items.length > 0);
  const requested = configured.requested.length > 0 ? { items: configured.requested } : readList(ADDRESSES_ANNOTATION, pod.annotations);
  const objection = [named?.[1], requested].map((list: Listed | undefined) => list?.objection).find((why) => why !== undefined);
  return {
    namespaceLabels: namespace?.labels ?? {},
    ...(pod.labels && { podLabels: pod.labels }),
    nodeLabels: workloads.cachedNode(caller.node)?.labels ?? {},
    pools: named?.[1].items ?? [],
    ...(named && { poolsNamedBy: named[0] }),
    requested: requested.items,
    ...(objection !== undefined && { objection }),
  };
}

interface Listed {
  readonly items: NonNullable<CniAdd['pools']>;
  readonly objection?: string;
}

/**
 * An annotation holds up to 256 kB, of whoever may make a pod in some namespace: a list of 130,000 full pools would hold
 * up every other call for seconds. What is shown of it, in refusals and in the log, is one line.
 */
function readList(name: string, annotations: Labels = {}): { readonly items: readonly string[]; readonly objection?: string } {
  const text = annotations[name] ?? '';
  const all = text
    .slice(0, LONGEST_ANNOTATION)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const items = all.slice(0, MOST_LISTED).map((part) => part.slice(0, LONGEST_LISTED).replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd'));
  if (text.length > LONGEST_ANNOTATION) {
    // Whatever it holds, it is not nothing: the next one to ask must not be taken in its place.
    return { items: items.length > 0 ? items : ['?'], objection: `the annotation ${name} is longer than ${LONGEST_ANNOTATION} characters` };
  }
  return { items, ...(all.length > MOST_LISTED && { objection: `the annotation ${name} lists more than ${MOST_LISTED}` }) };
}
