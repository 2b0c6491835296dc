/** The Workloads port on an API server: three list-watches, and live reads beside them. */
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import type { Pod, PodGone, Workloads } from '../ipam/workloads.ts';
import { StoreUnavailable } from '../store/store.ts';
import type { Client, Target } from './client.ts';
import { startListWatch, type ListWatch, type ListWatchHandler, type Versioned } from './list-watch.ts';
import { LEASES, NAMESPACES, NODES, PODS, resourceName, type KubernetesObject, type ResourceType } from './objects.ts';
import { ApiUnreachable, describeStatus, type ApiAnswer } from './status.ts';
import { toNamespace, toNode, toPod } from './workload-objects.ts';

export interface WorkloadsOptions {
  readonly client: Client;
  readonly timers: Timers;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Log;
}

export interface WatchedWorkloads extends Workloads {
  whenSynced(): Promise<void>;
  /** Seconds since the API server was last heard, per resource: "pods", "nodes", "namespaces". */
  staleSeconds(): Readonly<Record<string, number>>;
  stop(): void;
}

/** Where kubelets renew their node's Lease. */
const NODE_LEASES = 'kube-node-lease';

/** Starts watching at once. Live reads throw StoreUnavailable when the API server does not answer, or refuses. */
export function watchWorkloads(options: WorkloadsOptions): WatchedWorkloads {
  const { client } = options;
  const gone = new Set<(gone: PodGone) => void>();
  const changed = new Set<(pod: Pod) => void>();
  let waiting: (() => void)[] = [];
  const synced = (): void => {
    if (!watches.every((watch) => watch.synced())) return;
    for (const wake of waiting) wake();
    waiting = [];
  };
  const pods = follow(options, PODS, toPod, {
    put: (pod) => {
      for (const listener of changed) listener(pod);
    },
    removed: (pod, witnessed) => {
      for (const listener of gone) listener({ pod, witnessed });
    },
    synced,
  });
  const silent = { put: () => undefined, removed: () => undefined, synced };
  const nodes = follow(options, NODES, toNode, silent);
  const namespaces = follow(options, NAMESPACES, toNamespace, silent);
  const watches: readonly ListWatch<unknown>[] = [pods, nodes, namespaces];

  return {
    synced: () => watches.every((watch) => watch.synced()),
    whenSynced: () => (watches.every((watch) => watch.synced()) ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    cachedPod: (namespace, name) => pods.get(`${namespace}/${name}`),
    cachedPods: () => pods.values(),
    cachedNode: (name) => nodes.get(name),
    cachedNamespace: (name) => namespaces.get(name),
    ...liveReads(client),
    onPodGone: (listener) => subscribe(gone, listener),
    onPodChanged: (listener) => subscribe(changed, listener),
    staleSeconds: () => ({ pods: pods.staleSeconds(), nodes: nodes.staleSeconds(), namespaces: namespaces.staleSeconds() }),
    stop: () => {
      for (const watch of watches) watch.stop();
    },
  };
}

/** What asks the API server itself: a quorum read each. */
export const liveReads = (client: Client): Pick<Workloads, 'readPod' | 'readNode' | 'readNamespace' | 'readNodeRenewal'> => ({
  readPod: (namespace, name) => read(client, PODS, { namespace, name }, toPod),
  readNode: (name) => read(client, NODES, { name }, toNode),
  readNamespace: (name) => read(client, NAMESPACES, { name }, toNamespace),
  readNodeRenewal: (name) => read(client, LEASES, { namespace: NODE_LEASES, name }, (lease: LeaseObject) => lease.spec?.renewTime),
});

interface LeaseObject extends KubernetesObject {
  readonly spec?: { readonly renewTime?: string };
}

function follow<T extends object>(
  { client, timers, random, log }: WorkloadsOptions,
  type: ResourceType,
  convert: (object: any) => T,
  handler: ListWatchHandler<T>,
): ListWatch<T & Versioned> {
  const trim = (object: KubernetesObject): T & Versioned => {
    const { uid, resourceVersion } = object.metadata;
    return { ...convert(object), uid: uid as string, version: resourceVersion as string };
  };
  return startListWatch<T & Versioned>({ client, type, trim, handler, timers, random, log });
}

async function read<O extends KubernetesObject, T>(
  client: Client,
  type: ResourceType,
  target: Target,
  convert: (object: O) => T,
): Promise<T | undefined> {
  let answer: ApiAnswer<O>;
  try {
    answer = await client.get<O>(type, target);
  } catch (error) {
    if (error instanceof ApiUnreachable) throw new StoreUnavailable(error.message, { cause: error });
    throw error;
  }
  if (answer.ok) return convert(answer.value);
  const { status } = answer;
  if (status.reason === 'NotFound') return undefined;
  throw new StoreUnavailable(describeStatus(status, `the API server did not show ${resourceName(type)}: ${status.message}`));
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
