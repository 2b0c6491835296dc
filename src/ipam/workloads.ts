/**
 * What the operations need to know of pods, nodes and namespaces. `cached` answers come from watches and may lag;
 * `read…` asks the API server (a quorum read). Outside a cluster there are none of these.
 */
import type { Labels } from './label-selector.ts';

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** spec.nodeName; absent: not scheduled. */
  readonly node?: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  /** It has a deletionTimestamp. */
  readonly isDeleting: boolean;
  /** status.podIPs, canonical; empty for a pod on the host network, whose addresses are the node's. */
  readonly addresses: readonly string[];
  /** Absent: there are more than anybody selects by, and they are not kept. */
  readonly labels?: Labels;
  /** Only those that mean something here, and of one that is too long no more than its beginning. */
  readonly annotations: Labels;
  readonly terminationGraceSeconds: number;
  /** Every container, init and ephemeral ones included, has a terminated state, and none will be started again. */
  readonly isTerminated: boolean;
  /** Condition PodReadyToStartContainers; absent where it is not reported. False: its sandbox is gone. */
  readonly hasSandbox?: boolean;
}

/** A phase that no pod leaves again: none of its containers will be started any more. */
export const isFinished = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed';

export interface Node {
  readonly name: string;
  readonly uid: string;
  /** status.nodeInfo.bootID */
  readonly bootId: string;
  /** Condition Ready is True. */
  readonly isReady: boolean;
  /** Tainted node.kubernetes.io/out-of-service: an administrator vouches that nothing runs there. */
  readonly isOutOfService: boolean;
  readonly labels: Labels;
}

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
  /** As a pod's. */
  readonly annotations: Labels;
}

/** A pod that is not there any more. `witnessed`: a DELETED event was received; else it was missing in a relist. */
export interface PodGone {
  readonly pod: Pod;
  readonly witnessed: boolean;
}

export interface Workloads {
  /** Pods, nodes and namespaces have been listed once. */
  synced(): boolean;
  cachedPod(namespace: string, name: string): Pod | undefined;
  cachedPods(): Iterable<Pod>;
  cachedNode(name: string): Node | undefined;
  cachedNamespace(name: string): Namespace | undefined;
  readPod(namespace: string, name: string): Promise<Pod | undefined>;
  readNode(name: string): Promise<Node | undefined>;
  readNamespace(name: string): Promise<Namespace | undefined>;
  /** spec.renewTime of the node's Lease in kube-node-lease, as opaque text: two reads that differ show a renewal. */
  readNodeRenewal(name: string): Promise<string | undefined>;
  /** Every pod that goes away, and what it last was; the returned function ends it. */
  onPodGone(listener: (gone: PodGone) => void): () => void;
  onPodChanged(listener: (pod: Pod) => void): () => void;
}
