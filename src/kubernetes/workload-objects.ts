/** What is kept of pods, nodes and namespaces: of 5 to 20 kB of a pod some hundred bytes (LESSONS 32). Pure. */
import { canonicalAddress } from '../core/address.ts';
import { ADDRESSES_ANNOTATION, LONGEST_ANNOTATION, POOLS_ANNOTATION } from '../ipam/facts.ts';
import { CONFIG_MIRROR } from '../ipam/find-pod.ts';
import type { Labels } from '../ipam/label-selector.ts';
import { isFinished, type Namespace, type Node, type Pod } from '../ipam/workloads.ts';
import type { KubernetesObject } from './objects.ts';

interface ContainerStatus {
  readonly name: string;
  readonly state?: { readonly terminated?: object };
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface PodObject extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly terminationGracePeriodSeconds?: number;
    readonly containers?: readonly object[];
    readonly initContainers?: readonly object[];
    readonly ephemeralContainers?: readonly object[];
  };
  readonly status?: {
    readonly phase?: Pod['phase'];
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

interface NodeObject extends KubernetesObject {
  readonly spec?: { readonly taints?: readonly { readonly key: string }[] };
  readonly status?: { readonly nodeInfo?: { readonly bootID?: string }; readonly conditions?: readonly Condition[] };
}

const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
/** The API server's default. */
const GRACE_SECONDS = 30;
const NONE: Labels = {};
/** The API server has no bound: an object of a megabyte may be labels, of whoever may make a pod in some namespace. */
const MOST_LABELS = 128;

export function toPod({ metadata, spec = {}, status = {} }: PodObject): Pod {
  const hasSandbox = conditionOf(status.conditions, 'PodReadyToStartContainers');
  return {
    namespace: metadata.namespace as string,
    name: metadata.name,
    uid: metadata.uid as string,
    ...(spec.nodeName !== undefined && spec.nodeName !== '' && { node: spec.nodeName }),
    phase: status.phase ?? 'Pending',
    isDeleting: metadata.deletionTimestamp !== undefined,
    addresses: spec.hostNetwork === true ? [] : addressesOf(status),
    ...(Object.keys(metadata.labels ?? NONE).length <= MOST_LABELS && { labels: metadata.labels ?? NONE }),
    annotations: keep(metadata.annotations, [POOLS_ANNOTATION, ADDRESSES_ANNOTATION, CONFIG_MIRROR]),
    // "Never", as some write it, is more than a number here holds, and a record with it would be refused.
    terminationGraceSeconds: Math.min(spec.terminationGracePeriodSeconds ?? GRACE_SECONDS, Number.MAX_SAFE_INTEGER),
    isTerminated: isTerminated(spec, status),
    ...(hasSandbox !== undefined && { hasSandbox: hasSandbox !== 'False' }),
  };
}

export function toNode({ metadata, spec, status }: NodeObject): Node {
  return {
    name: metadata.name,
    uid: metadata.uid as string,
    bootId: status?.nodeInfo?.bootID ?? '',
    isReady: conditionOf(status?.conditions, 'Ready') === 'True',
    isOutOfService: (spec?.taints ?? []).some(({ key }) => key === OUT_OF_SERVICE),
    labels: metadata.labels ?? NONE,
  };
}

export function toNamespace({ metadata }: KubernetesObject): Namespace {
  return {
    name: metadata.name,
    labels: metadata.labels ?? NONE,
    annotations: keep(metadata.annotations, [POOLS_ANNOTATION]),
  };
}

/**
 * Every container of the spec has a status that says so (one without a status has not said that it is dead), and none will
 * be started again: that of a pod that crashes over and over is terminated between two starts. Kubelets show the phase of
 * a deleted pod's end since 1.27 (KEP-3329).
 */
function isTerminated(spec: NonNullable<PodObject['spec']>, status: NonNullable<PodObject['status']>): boolean {
  if (!isFinished(status.phase)) return false;
  const pairs = [
    [spec.containers, status.containerStatuses],
    [spec.initContainers, status.initContainerStatuses],
    [spec.ephemeralContainers, status.ephemeralContainerStatuses],
  ] as const;
  const statuses = pairs.flatMap(([, statuses]) => statuses ?? []);
  const complete = pairs.every(([containers, statuses]) => (containers ?? []).length <= (statuses ?? []).length);
  return statuses.length > 0 && complete && statuses.every(({ state }) => state?.terminated !== undefined);
}

/** What is no address is left out: only an address in a pool means something here. */
function addressesOf({ podIP, podIPs }: NonNullable<PodObject['status']>): readonly string[] {
  const given = podIPs?.map(({ ip }) => ip) ?? (podIP === undefined || podIP === '' ? [] : [podIP]);
  return given.map((text) => canonicalAddress(text)).filter((text) => text !== undefined);
}

const conditionOf = (conditions: readonly Condition[] | undefined, type: string): string | undefined =>
  conditions?.find((condition) => condition.type === type)?.status;

/** One of 256 kB is refused by its length, so it is kept no longer than that takes. */
function keep(annotations: Readonly<Record<string, string>> | undefined, wanted: readonly string[]): Readonly<Record<string, string>> {
  const kept = wanted.flatMap((name) => {
    const text = annotations?.[name];
    if (text === undefined) return [];
    // Copied: a slice would keep the whole text in memory.
    return [[name, text.length > LONGEST_ANNOTATION ? Buffer.from(text.slice(0, LONGEST_ANNOTATION + 1)).toString() : text] as const];
  });
  return kept.length === 0 ? NONE : Object.fromEntries(kept);
}
