/**
 * Is nobody there any more? The rules of DESIGN section 6, each somebody's outage. Every answer but `dead` keeps the
 * address. What must be seen twice, or waited for, is remembered per sandbox from pass to pass.
 */
import { CONFIG_MIRROR } from '../find-pod.ts';
import type { Context } from '../context.ts';
import { isFinished, type Node, type Pod, type PodGone, type Workloads } from '../workloads.ts';
import type { Sandbox } from './sandboxes.ts';
import type { HoldReason } from './tally.ts';

export type Verdict =
  | { readonly kind: 'alive' }
  /** It looks dead, and something is still waited for. */
  | { readonly kind: 'waiting'; readonly reason: HoldReason }
  | Dead;

export interface Dead {
  readonly kind: 'dead';
  /** What is gone: the same is asked of the API server again before the write, and nothing else will do in its place. */
  readonly proof: 'node' | 'boot' | 'pod';
  readonly evidence: string;
  /** From absence only, so the brake counts it. */
  readonly inferred: boolean;
}

/** What was noticed of a sandbox in earlier passes. */
interface Suspicion {
  /** The node Lease's renewal when the pod was missed first: after a later one the kubelet can know that it is gone. */
  first?: string;
  /** When such a later one was seen: a kubelet that was cut off begins the grace period only then. */
  heardAt?: number;
  /** The renewal as it was when the wait was over: a later one proves that the node still lives. */
  renewal?: string;
}

/** Untouchable after its last write, as this replica saw it. */
const YOUNG_MS = 20_000;
/** On top of the pod's own grace period: what the kubelet and runtime need to end a sandbox. */
const MARGIN_MS = 30_000;
const DEFAULT_GRACE_SECONDS = 30;
/** Of a gone node that nothing names any more; longer than any pass takes. */
const FORGOTTEN_MS = 3_600_000;

export class Evidence {
  readonly #context: Context;
  readonly #workloads: Workloads;
  readonly #nodeGoneAfterMs: number;
  readonly #suspicions = new Map<string, Suspicion>();
  readonly #gone = new Map<string, PodGone & { readonly at: number }>();
  /** By UID: since when a node that holds something was not there, and when that was seen last. */
  readonly #goneNodes = new Map<string, { readonly since: number; readonly seen: number }>();
  /** Renewals read in this pass. */
  #renewals = new Map<string, Promise<string | undefined>>();

  constructor(context: Context, workloads: Workloads, nodeGoneAfterMs: number) {
    this.#context = context;
    this.#workloads = workloads;
    this.#nodeGoneAfterMs = nodeGoneAfterMs;
  }

  /** A pod went away: whether that was seen or inferred decides whether the brake counts it. */
  noteGone(gone: PodGone): void {
    const at = this.#context.timers.monotonic();
    this.#gone.delete(gone.pod.uid);
    this.#gone.set(gone.pod.uid, { ...gone, at });
    this.#forgetGone(at);
  }

  /** Here and not in a pass: a replica that never leads sees every pod of the cluster go, too. The oldest are first. */
  #forgetGone(now: number): void {
    for (const [uid, gone] of this.#gone) {
      if (now - gone.at <= this.#nodeGoneAfterMs) return;
      this.#gone.delete(uid);
      // Something is held yet, by a node that is away perhaps: it is looked at again as much later.
      if (this.#context.view.ledger.byPodUid(uid).length > 0) this.#gone.set(uid, { ...gone, at: now });
    }
  }

  beginPass(sandboxes: ReadonlyMap<string, Sandbox>): void {
    this.#renewals = new Map();
    for (const key of this.#suspicions.keys()) if (!sandboxes.has(key)) this.#suspicions.delete(key);
    const old = this.#context.timers.monotonic() - FORGOTTEN_MS;
    for (const [key, { seen }] of this.#goneNodes) if (seen < old) this.#goneNodes.delete(key);
  }

  async judge(sandbox: Sandbox): Promise<Verdict> {
    const now = this.#context.timers.monotonic();
    const isYoung = sandbox.records.some(({ name }) => now - (this.#context.view.seen(name)?.monotonic ?? now) < YOUNG_MS);
    if (isYoung) return { kind: 'alive' };
    const node = this.#workloads.cachedNode(sandbox.attachment.node);
    const { nodeUid } = sandbox.attachment;
    if (!isOnNode(sandbox, node)) return this.#judgeNodeGone(sandbox, nodeUid);
    this.#goneNodes.delete(nodeUid ?? node.name);

    if (isOfEarlierBoot(sandbox, node)) {
      const evidence = `node ${node.name} has booted since`;
      return this.#whenReady(sandbox, node, { kind: 'dead', proof: 'boot', evidence, inferred: false });
    }
    // A static pod's mirror proves nothing by its absence (LESSONS S).
    if (sandbox.attachment.static === true) return this.#alive(sandbox);

    const pod = findPodOf(sandbox, this.#workloads.cachedPod(sandbox.namespace, sandbox.name));
    if (pod === undefined) return this.#judgePodGone(sandbox, node);
    if (isOver(pod)) {
      return this.#whenReady(sandbox, node, {
        kind: 'dead',
        proof: 'pod',
        evidence: `pod is finished (${pod.phase}) and its sandbox is gone`,
        inferred: false,
      });
    }
    return this.#alive(sandbox);
  }

  /** Just before the write, from the API server itself (LESSONS 14). */
  async confirm(sandbox: Sandbox, proof: Dead['proof']): Promise<boolean> {
    const node = await this.#workloads.readNode(sandbox.attachment.node);
    if (!isOnNode(sandbox, node)) return proof === 'node';
    if (proof === 'node') return false;
    if (!node.isReady && !node.isOutOfService) return false;
    if (proof === 'boot') return isOfEarlierBoot(sandbox, node);
    const pod = findPodOf(sandbox, await this.#workloads.readPod(sandbox.namespace, sandbox.name));
    return pod === undefined || isOver(pod);
  }

  #alive(sandbox: Sandbox): Verdict {
    this.#suspicions.delete(sandbox.key);
    return { kind: 'alive' };
  }

  #suspect(sandbox: Sandbox): Suspicion {
    const known = this.#suspicions.get(sandbox.key) ?? {};
    this.#suspicions.set(sandbox.key, known);
    return known;
  }

  #judgeNodeGone(sandbox: Sandbox, nodeUid: string | undefined): Verdict {
    const now = this.#context.timers.monotonic();
    const key = nodeUid ?? sandbox.attachment.node;
    const since = this.#goneNodes.get(key)?.since ?? now;
    this.#goneNodes.set(key, { since, seen: now });
    if (now - since < this.#nodeGoneAfterMs) return { kind: 'waiting', reason: 'NodeGone' };
    // Kubernetes deletes a gone node's pods: whoever saw that happen infers nothing from absence.
    const inferred = this.#goneOf(sandbox)?.witnessed !== true;
    return { kind: 'dead', proof: 'node', evidence: `node ${sandbox.attachment.node} is gone`, inferred };
  }

  async #judgePodGone(sandbox: Sandbox, node: Node): Promise<Verdict> {
    if (!node.isReady && !node.isOutOfService) {
      // A kubelet whose runtime is down renews its Lease and ends nothing: the grace period begins when the runtime is back.
      this.#suspicions.delete(sandbox.key);
      return { kind: 'waiting', reason: 'NodeNotReady' };
    }
    const suspicion = this.#suspect(sandbox);
    const gone = this.#goneOf(sandbox);
    if (gone?.pod.isTerminated !== true) {
      const graceSeconds = sandbox.attachment.terminationGraceSeconds ?? DEFAULT_GRACE_SECONDS;
      const waitsFrom = node.isOutOfService ? -Infinity : await this.#heardAt(suspicion, node);
      const left = waitsFrom + graceSeconds * 1000 + MARGIN_MS - this.#context.timers.monotonic();
      if (left > 0) return { kind: 'waiting', reason: 'GracePeriod' };
    }
    const inferred = gone?.witnessed !== true;
    return this.#whenReady(sandbox, node, {
      kind: 'dead',
      proof: 'pod',
      evidence: `pod ${sandbox.namespace}/${sandbox.name} (${sandbox.podUid ?? 'of unknown UID'}) is gone`,
      inferred,
    });
  }

  #goneOf({ podUid }: Sandbox): PodGone | undefined {
    return podUid === undefined ? undefined : this.#gone.get(podUid);
  }

  /** When the kubelet could know that the pod is gone; Infinity: not yet. */
  async #heardAt(suspicion: Suspicion, node: Node): Promise<number> {
    if (suspicion.heardAt !== undefined) return suspicion.heardAt;
    const renewal = await this.#readRenewal(node.name);
    if (renewal === undefined) return Infinity;
    suspicion.first ??= renewal;
    if (suspicion.first === renewal) return Infinity;
    suspicion.heardAt = this.#context.timers.monotonic();
    return suspicion.heardAt;
  }

  /**
   * A cut-off node looks Ready for 40 s and more (LESSONS N): only a Lease renewed after the wait proves that the
   * kubelet lives and has done what it was told. Two live reads differ; no clocks are compared.
   */
  async #whenReady(sandbox: Sandbox, node: Node, dead: Dead): Promise<Verdict> {
    if (node.isOutOfService) return dead;
    const suspicion = this.#suspect(sandbox);
    if (!node.isReady) {
      delete suspicion.renewal;
      return { kind: 'waiting', reason: 'NodeNotReady' };
    }
    const renewal = await this.#readRenewal(node.name);
    if (renewal === undefined) return { kind: 'waiting', reason: 'NoLease' };
    if (suspicion.renewal === undefined) suspicion.renewal = renewal;
    return suspicion.renewal === renewal ? { kind: 'waiting', reason: 'LeaseNotRenewed' } : dead;
  }

  #readRenewal(node: string): Promise<string | undefined> {
    const known = this.#renewals.get(node) ?? this.#workloads.readNodeRenewal(node);
    this.#renewals.set(node, known);
    return known;
  }
}

/**
 * The node is there, and is the one that the sandbox ran on: of its UID, or in its boot. Somebody may have deleted the
 * Node object of a machine that runs; its kubelet makes another one when it starts, and its pods never noticed.
 */
const isOnNode = ({ attachment: { nodeUid, stamp } }: Sandbox, node: Node | undefined): node is Node =>
  node !== undefined && (nodeUid === undefined || node.uid === nodeUid || (stamp.bootId !== '' && node.bootId === stamp.bootId));

/** Finished, and its sandbox is gone. */
const isOver = ({ phase, hasSandbox }: Pod): boolean => isFinished(phase) && hasSandbox === false;

/**
 * Nothing is recorded for a boot that the node did not show (cluster-nodes.ts): if it shows another one, that is over. What
 * was adopted from a node that showed none is of no boot that anybody knows.
 */
function isOfEarlierBoot({ attachment: { stamp } }: Sandbox, { bootId }: Node): boolean {
  return bootId !== '' && stamp.bootId !== '' && bootId !== stamp.bootId;
}

/**
 * The pod of this incarnation: by UID, or by the hash its mirror carries. Without a UID any pod of that name on that node
 * may be it; that one's sandbox may then be another, so what it says of its own is left out.
 */
function findPodOf(sandbox: Sandbox, pod: Pod | undefined): Pod | undefined {
  if (sandbox.podUid === undefined) {
    if (pod?.node !== sandbox.attachment.node) return undefined;
    const { hasSandbox: _, ...rest } = pod;
    return rest;
  }
  return pod !== undefined && (pod.uid === sandbox.podUid || pod.annotations[CONFIG_MIRROR] === sandbox.podUid) ? pod : undefined;
}
