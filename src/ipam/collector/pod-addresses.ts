/**
 * Which live pod has which address by its status.podIPs (never by an annotation: LESSONS 10). Such an address is no
 * candidate for others even when its record is missing: pods that ran before Berth was installed, or that an API
 * server restored from a backup does not know any more.
 */
import { isFinished, type Pod, type Workloads } from '../workloads.ts';

/** Neither finished nor deleted. A pod on its way out still has its address. */
const isLive = ({ phase }: Pod): boolean => !isFinished(phase);

export class PodAddresses {
  /** Of two pods an API server that came back from a backup may show the same one; when one goes, the other has it yet. */
  readonly #byAddress = new Map<string, readonly Pod[]>();
  readonly #byUid = new Map<string, Pod>();

  follow(workloads: Workloads): () => void {
    const stops = [workloads.onPodChanged((pod) => this.#put(pod)), workloads.onPodGone(({ pod }) => this.#remove(pod.uid))];
    for (const pod of workloads.cachedPods()) this.#put(pod);
    return () => {
      for (const stop of stops) stop();
    };
  }

  isInUse(address: string): boolean {
    return this.#byAddress.has(address);
  }

  /** Another live pod has it. */
  isForeign(address: string, namespace: string, name: string): boolean {
    return this.#podsOf(address).some((pod) => pod.namespace !== namespace || pod.name !== name);
  }

  pods(): Iterable<Pod> {
    return this.#byUid.values();
  }

  #put(pod: Pod): void {
    this.#remove(pod.uid);
    if (!isLive(pod) || pod.addresses.length === 0) return;
    this.#byUid.set(pod.uid, pod);
    for (const address of pod.addresses) this.#byAddress.set(address, [...this.#podsOf(address), pod]);
  }

  #remove(uid: string): void {
    const pod = this.#byUid.get(uid);
    if (pod === undefined) return;
    this.#byUid.delete(uid);
    for (const address of pod.addresses) {
      const others = this.#podsOf(address).filter((one) => one.uid !== uid);
      if (others.length > 0) this.#byAddress.set(address, others);
      else this.#byAddress.delete(address);
    }
  }

  #podsOf(address: string): readonly Pod[] {
    return this.#byAddress.get(address) ?? [];
  }
}
