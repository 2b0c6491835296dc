/** Pods, nodes and namespaces that a test moves by hand: the cache lags only when told to. */
import type { Namespace, Node, Pod, PodGone, Workloads } from '../../src/ipam/workloads.ts';

export class PretendedWorkloads implements Workloads {
  readonly live = new Map<string, Pod>();
  readonly nodes = new Map<string, Node>();
  readonly namespaces = new Map<string, Namespace>();
  readonly #cached = new Map<string, Pod>();
  readonly #renewals = new Map<string, number>();
  readonly #gone = new Set<(gone: PodGone) => void>();
  readonly #changed = new Set<(pod: Pod) => void>();
  isSynced = true;
  /** While true, pods change and the cache does not hear of it. */
  isLagging = false;
  liveReads = 0;

  node(name: string, more: Partial<Node> = {}): void {
    this.nodes.set(name, {
      name,
      uid: `uid-of-${name}`,
      bootId: 'boot-1',
      isReady: true,
      isOutOfService: false,
      labels: {},
      ...this.nodes.get(name),
      ...more,
    });
    this.renew(name);
  }

  /** The node's kubelet renews its Lease. */
  renew(name: string): void {
    this.#renewals.set(name, (this.#renewals.get(name) ?? 0) + 1);
  }

  pod(namespace: string, name: string, more: Partial<Pod> = {}): Pod {
    const key = `${namespace}/${name}`;
    const fresh: Pod = {
      namespace,
      name,
      uid: `uid-of-${name}`,
      node: 'n1',
      phase: 'Running',
      isDeleting: false,
      addresses: [],
      labels: {},
      annotations: {},
      terminationGraceSeconds: 30,
      isTerminated: false,
    };
    const pod = { ...fresh, ...this.live.get(key), ...more };
    this.live.set(key, pod);
    if (!this.isLagging) this.catchUp(namespace, name);
    return pod;
  }

  deletePod(namespace: string, name: string, witnessed = true): void {
    const key = `${namespace}/${name}`;
    const pod = this.live.get(key);
    this.live.delete(key);
    if (this.isLagging || pod === undefined) return;
    this.#cached.delete(key);
    for (const listener of this.#gone) listener({ pod, witnessed });
  }

  catchUp(namespace: string, name: string): void {
    const pod = this.live.get(`${namespace}/${name}`);
    if (pod === undefined) return;
    this.#cached.set(`${namespace}/${name}`, pod);
    for (const listener of this.#changed) listener(pod);
  }

  synced = (): boolean => this.isSynced;
  cachedPod = (namespace: string, name: string) => this.#cached.get(`${namespace}/${name}`);
  cachedPods = () => this.#cached.values();
  cachedNode = (name: string) => this.nodes.get(name);
  cachedNamespace = (name: string) => this.namespaces.get(name);
  readNode = async (name: string) => this.nodes.get(name);
  readNamespace = async (name: string) => this.namespaces.get(name);
  readNodeRenewal = async (name: string) => this.#renewals.get(name)?.toString();

  async readPod(namespace: string, name: string) {
    this.liveReads++;
    return this.live.get(`${namespace}/${name}`);
  }

  onPodGone(listener: (gone: PodGone) => void) {
    this.#gone.add(listener);
    return () => this.#gone.delete(listener);
  }

  onPodChanged(listener: (pod: Pod) => void) {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }
}
