/**
 * Adoption: an address in status.podIPs of a live pod that lies in a pool and has no record, and whose pod holds no
 * other of that family, is recorded after two audits and a live read, with a stamp older than any. So Berth can be installed under
 * running pods, and survives an API server restored from an older backup.
 */
import type { BindingSpec } from '../../core/binding.ts';
import { familyOfBinding } from '../../core/holder.ts';
import type { LedgerPool } from '../../core/ledger.ts';
import { DEFAULT_NETWORK } from '../../core/pool.ts';
import type { Context } from '../context.ts';
import { CONFIG_MIRROR, isStatic } from '../find-pod.ts';
import { isFinished, type Pod, type Workloads } from '../workloads.ts';
import { createBinding } from '../write.ts';
import { Breath } from './breath.ts';
import { Failures, goOnAfter } from './failures.ts';
import type { PodAddresses } from './pod-addresses.ts';

const AUDITS = 2;

/**
 * An adopted record is held by no container that a DEL could name: its pod's end, or its next ADD, ends it. Neither a
 * container's nor a network's name may begin so (CNI spec, section 1), and people see what it is.
 */
export const ADOPTED_CONTAINER = '(adopted)';
export const POD_INTERFACE = 'eth0';

export class Adopter {
  readonly #context: Context;
  readonly #workloads: Workloads;
  readonly #podAddresses: PodAddresses;
  #audits = new Map<string, number>();
  /** The pod at which a pass ended because of failures. */
  #endedAt: string | undefined;

  constructor(context: Context, workloads: Workloads, podAddresses: PodAddresses) {
    this.#context = context;
    this.#workloads = workloads;
    this.#podAddresses = podAddresses;
  }

  /** One audit; returns what was adopted. */
  async pass(): Promise<readonly BindingSpec[]> {
    if (!this.#context.view.synced() || !this.#workloads.synced()) return [];
    const seen = new Map<string, number>();
    const adopted: BindingSpec[] = [];
    const failures = new Failures(this.#context.log);
    const breath = new Breath(this.#context.timers);
    let isOver = false;
    for (const pod of goOnAfter([...this.#podAddresses.pods()], ({ uid }) => uid === this.#endedAt)) {
      if (breath.isDue()) await breath.take();
      for (const address of pod.addresses) {
        const pool = this.#unrecorded(pod, address);
        if (pool === undefined) continue;
        const key = `${pod.uid}/${address}`;
        const audits = (this.#audits.get(key) ?? 0) + 1;
        seen.set(key, audits);
        if (audits < AUDITS) continue;
        // A pass that is over counts on, or nobody new would ever be seen twice.
        if (isOver) continue;
        isOver = await failures.endPassAfter(address, async () => {
          if (!(await this.#hasNow(pod, address))) return;
          const stored = await createBinding(this.#context, this.#recordOf(pod, address, pool));
          if (stored === undefined) return;
          adopted.push(stored.spec);
          this.#context.tally.adopted();
          this.#context.log.warn({ address, namespace: pod.namespace, pod: pod.name }, 'address of a running pod adopted');
        });
        if (isOver) this.#endedAt = pod.uid;
      }
    }
    this.#audits = seen;
    return adopted;
  }

  /** The pool an address lies in, when there is neither a record of it nor one of its family for the pod, and the pod has a node to run on. */
  #unrecorded(pod: Pod, address: string): LedgerPool | undefined {
    const { ledger } = this.#context.view;
    if (this.#workloads.cachedNode(pod.node ?? '') === undefined) return undefined;
    if (ledger.get(DEFAULT_NETWORK, address) !== undefined) return undefined;
    const family = address.includes(':') ? 'IPv6' : 'IPv4';
    if (ledger.byPodUid(holderUid(pod)).some((binding) => familyOfBinding(binding) === family)) return undefined;
    return ledger.poolsContaining(DEFAULT_NETWORK, address)[0];
  }

  /** By the API server itself: a watch that lags shows pods that are gone, and whose records nothing but the collector would end. */
  async #hasNow({ namespace, name, uid }: Pod, address: string): Promise<boolean> {
    const pod = await this.#workloads.readPod(namespace, name);
    return pod?.uid === uid && !isFinished(pod.phase) && pod.addresses.includes(address);
  }

  #recordOf(pod: Pod, address: string, { name, spec }: LedgerPool): BindingSpec {
    const nodeName = pod.node ?? '';
    const node = this.#workloads.cachedNode(nodeName);
    return {
      address,
      pool: name,
      network: DEFAULT_NETWORK,
      subinstance: pod.namespace,
      subid: pod.name,
      slot: 0,
      resource: { type: 'pod', value: `${pod.namespace}/${pod.name}` },
      attachments: [
        {
          cniNetwork: ADOPTED_CONTAINER,
          ifName: POD_INTERFACE,
          containerId: ADOPTED_CONTAINER,
          podUid: holderUid(pod),
          ...(isStatic(pod) && { static: true }),
          node: nodeName,
          ...(node !== undefined && { nodeUid: node.uid }),
          terminationGraceSeconds: pod.terminationGraceSeconds,
          stamp: { bootId: node?.bootId ?? '', startedTicks: 0, monotonicNs: '0', attempt: 0 },
        },
      ],
      boundAt: this.#context.timers.now(),
      cooldownSeconds: spec.cooldownSeconds,
      stickySeconds: spec.stickySeconds,
    };
  }
}

/** What the runtime calls the pod: a static one by its configuration's hash. */
const holderUid = (pod: Pod): string => pod.annotations[CONFIG_MIRROR] ?? pod.uid;
