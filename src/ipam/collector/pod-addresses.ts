/**
 * Which live pod has which address by its status.podIPs (never by an annotation: LESSONS 10). Such an address is no
 * candidate for others even when its record is missing: pods that ran before Berth was installed, or that an API
 * server restored from a backup does not know any more.
 */
import { isFinished, type Pod, type Workloads } from '../workloads.ts';

/** Neither finished nor deleted. A pod on its way out still has its address. */
const isLive = ({ phase }: Pod): boolean => !isFinished(phase);

export class PodAddresses {
  readonly #byAddress = new Map<string, Pod>();
  readonly #byUid = new Map<string, Pod>();

  follow(workloads: Workloads): () => void {
    const stops = [workloads.onPodChanged((pod) => this.#put(pod)), workloads.onPodGone(({ pod }) => this.#remove(pod.uid))];
    for (const pod of workloads.cachedPods()) this.#put(pod);
    return () => {
      for (const stop of stops) stop();
    };
  }

  podOf(address: string): Pod | undefined {
    return this.#byAddress.get(address);
  }

  /** Another live pod has it. */
  isForeign(address: string, namespace: string, name: string): boolean {
    const pod = this.#byAddress.get(address);
    return pod !== undefined && (pod.namespace !== namespace || pod.name !== name);
  }

  pods(): Iterable<Pod> {
    return this.#byUid.values();
  }

  #put(pod: Pod): void {
    this.#remove(pod.uid);
    if (!isLive(pod) || pod.addresses.length === 0) return;
    this.#byUid.set(pod.uid, pod);
    for (const address of pod.addresses) this.#byAddress.set(address, pod);
  }

  #remove(uid: string): void {
    const pod = this.#byUid.get(uid);
    if (pod === undefined) return;
    this.#byUid.delete(uid);
    for (const address of pod.addresses) if (this.#byAddress.get(address)?.uid === uid) this.#byAddress.delete(address);
  }
}
