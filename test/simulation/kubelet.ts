/**
 * A node's kubelet: compares, every second, the pods that the API server shows with the sandboxes that the runtime has,
 * and reports. Cut off, it goes on with what it knew; restarted, with what the runtime has.
 */
import { LEASES, NODES, PODS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import type { Process } from './event-loop.ts';
import type { SimNode } from './node.ts';
import type { PodRef, Sandbox } from './sandbox.ts';
import type { World } from './world.ts';

export interface PodObject extends KubernetesObject {
  readonly spec: { readonly nodeName?: string; readonly terminationGracePeriodSeconds: number; readonly containers: readonly object[] };
  readonly status?: any;
}

export const CONFIG_MIRROR = 'kubernetes.io/config.mirror';

interface Worker {
  readonly ref: PodRef;
  graceMs: number;
  retryAt: number;
  /** Set when it has to end: when its containers are gone. */
  stopsAt: number | undefined;
  /** When its first status is reported. */
  reportsAt: number | undefined;
  /** It ends because the API server does not show its pod any more. */
  isOrphan: boolean;
  /** A job's containers end by themselves. */
  finishesAt: number | undefined;
}

const PASS_MS = 1_000;
const LEASE_MS = 10_000;

export class Kubelet {
  readonly process: Process;
  readonly #world: World;
  readonly #node: SimNode;
  readonly #workers = new Map<string, Worker>();
  /** When the status of a new boot is shown: sometimes long after its first pods. */
  #reportsAt: number;
  #leaseAt = 0;
  #mirrorAt = 0;

  constructor(world: World, node: SimNode, process: Process) {
    this.#world = world;
    this.#node = node;
    this.process = process;
    // Pods of a boot before are not asked of the runtime: their sandboxes are cleaned up.
    for (const sandbox of node.runtime.sandboxes.values()) {
      if (sandbox.state === 'live' && !this.#workers.has(sandbox.pod.runtimeUid))
        this.#workers.set(sandbox.pod.runtimeUid, fresh(sandbox.pod, 1_000));
    }
    for (const { namespace, name, hash } of node.staticPods) {
      const ref = { namespace, name, uid: '', runtimeUid: hash, isStatic: true };
      if (!this.#workers.has(hash)) this.#workers.set(hash, fresh(ref, 1_000));
    }
    this.#reportsAt = world.loop.now + (world.dice.chance(0.3) ? world.dice.between(20_000, 90_000) : world.dice.between(0, 3_000));
    process.after(world.dice.between(0, PASS_MS), () => this.#pass());
  }

  #pass(): void {
    const { dice, setting } = this.#world;
    if (this.#canReachApi()) {
      this.#report();
      this.#readPods();
    }
    for (const worker of this.#workers.values()) this.#sync(worker);
    this.#cleanUp();
    if (dice.chance(0.1)) this.#node.runtime.probe('STATUS');
    if (setting.callsGc && dice.chance(0.06)) this.#node.runtime.probe('GC');
    const live = dice.pick(this.#sandboxes().filter(({ state }) => state === 'live'));
    if (live !== undefined && dice.chance(0.05)) this.#node.runtime.probe('CHECK', live);
    this.process.after(PASS_MS, () => this.#pass());
  }

  #canReachApi(): boolean {
    return !this.#node.isCutFromApi && this.#world.isApiUp;
  }

  #sandboxes(): Sandbox[] {
    return [...this.#node.runtime.sandboxes.values()];
  }

  /** Node status and Lease. The boot id is shown a moment after the first pods may already have started. */
  #report(): void {
    const { api, loop, dice, marks } = this.#world;
    const { name, bootId } = this.#node;
    if (loop.now >= this.#leaseAt) {
      this.#leaseAt = loop.now + LEASE_MS * dice.between(0.9, 1.1);
      const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: String(Math.floor(loop.now)) };
      api.put(LEASES, { metadata: { namespace: 'kube-node-lease', name }, spec } as KubernetesObject);
    }
    const object = api.object<any>(NODES, name);
    const isShown = object?.status?.nodeInfo?.bootID === bootId && object?.status?.conditions?.[0]?.status === 'True';
    if (isShown || (object !== undefined && loop.now < this.#reportsAt)) return;
    if (object !== undefined && loop.now > this.#reportsAt + 10_000) marks.add('a new boot was shown late');
    const status = { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { bootID: bootId } };
    api.put(NODES, { ...object, metadata: { ...object?.metadata, name, labels: { 'kubernetes.io/hostname': name } }, status });
    this.#world.trace.add(`${name} reports ${bootId}`);
  }

  #readPods(): void {
    const { api, loop, chaos, checks } = this.#world;
    const pods = api.objects<PodObject>(PODS).filter(({ spec }) => spec.nodeName === this.#node.name);
    const uids = new Set<string>();
    for (const pod of pods) {
      if (pod.metadata.annotations?.[CONFIG_MIRROR] !== undefined) continue;
      const uid = pod.metadata.uid!;
      uids.add(uid);
      const { namespace, name, deletionTimestamp } = pod.metadata;
      const isFinished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
      let worker = this.#workers.get(uid);
      if (worker === undefined) {
        if (isFinished && deletionTimestamp === undefined && !this.#sandboxes().some((one) => one.pod.runtimeUid === uid)) continue;
        const ref = { namespace: namespace!, name, uid, runtimeUid: uid, isStatic: false };
        worker = fresh(ref, pod.spec.terminationGracePeriodSeconds * 1000);
        const runs = pod.metadata.labels?.['runs'];
        if (runs !== undefined) worker.finishesAt = loop.now + Number(runs);
        this.#workers.set(uid, worker);
      }
      // A restarted kubelet learns the pod's own grace period again.
      worker.graceMs = pod.spec.terminationGracePeriodSeconds * 1000;
      if (deletionTimestamp !== undefined || isFinished) this.#stop(worker);
    }
    for (const worker of this.#workers.values()) {
      const isUnnoticed = loop.now < chaos.blindUntil && checks.vanished.has(worker.ref.uid);
      if (worker.ref.isStatic || uids.has(worker.ref.uid) || isUnnoticed) continue;
      worker.isOrphan = true;
      this.#stop(worker);
    }
    this.#mirror(pods);
  }

  /** A static pod's mirror is made again when somebody deletes it. */
  #mirror(pods: readonly PodObject[]): void {
    const { api, loop, dice } = this.#world;
    if (loop.now < this.#mirrorAt || loop.now < this.#node.mirrorsRefusedUntil) return;
    this.#mirrorAt = loop.now + dice.between(2_000, 15_000);
    for (const { metadata } of pods) {
      const hash = metadata.annotations?.[CONFIG_MIRROR];
      const isOrphan = hash !== undefined && !this.#node.staticPods.some((one) => one.hash === hash);
      if (isOrphan) api.delete(PODS, `${metadata.namespace}/${metadata.name}`);
    }
    for (const { namespace, name, hash } of this.#node.staticPods) {
      if (pods.some(({ metadata }) => metadata.annotations?.[CONFIG_MIRROR] === hash)) continue;
      const spec = { nodeName: this.#node.name, terminationGracePeriodSeconds: 30, containers: [{ name: 'c' }] };
      api.put(PODS, {
        metadata: { namespace, name, annotations: { [CONFIG_MIRROR]: hash } },
        spec,
        status: { phase: 'Pending' },
      } as PodObject);
    }
  }

  #stop(worker: Worker): void {
    if (worker.stopsAt !== undefined) return;
    const { loop, dice } = this.#world;
    worker.stopsAt = loop.now + (dice.chance(0.5) ? dice.between(0, Math.min(2_000, worker.graceMs)) : worker.graceMs);
  }

  #sync(worker: Worker): void {
    const { loop, dice, marks } = this.#world;
    const { runtime, bootId } = this.#node;
    if (worker.finishesAt !== undefined && loop.now >= worker.finishesAt) this.#stop(worker);
    const own = this.#sandboxes().filter(({ pod }) => pod.runtimeUid === worker.ref.runtimeUid);
    if (worker.stopsAt !== undefined) {
      if (loop.now < worker.stopsAt || own.some(({ state }) => state === 'creating')) return;
      for (const sandbox of own) this.#stopSandbox(sandbox);
      if (own.every(({ state }) => state === 'stopped')) this.#finish(worker, own);
      return;
    }
    const current = own.find((sandbox) => sandbox.state !== 'stopped' && sandbox.bootId === bootId);
    if (current === undefined) {
      if (loop.now < worker.retryAt) return;
      // Perhaps while the old one's DEL is still to come: kubelets do that.
      worker.retryAt = loop.now + 5_000;
      runtime.create(worker.ref, (isLive) => {
        if (!isLive) worker.retryAt = loop.now + dice.between(500, 5_000);
      });
      return;
    }
    if (current.state === 'live') {
      this.#reportRunning(worker, current);
      if (dice.chance(this.#world.chaos.share.sandboxDies)) {
        marks.add('a sandbox died and was made anew');
        if (dice.chance(0.5)) runtime.stop(current);
        else runtime.abandon(current);
      }
    }
  }

  #stopSandbox(sandbox: Sandbox): void {
    this.#node.runtime.stop(sandbox, (isOver) => {
      if (isOver) this.#node.runtime.remove(sandbox);
    });
  }

  #reportRunning(worker: Worker, sandbox: Sandbox): void {
    if (!this.#canReachApi()) return;
    const { api, trace, loop, dice, chaos } = this.#world;
    const pod = this.#objectOf(worker);
    const ips = sandbox.addresses.map((ip) => ({ ip }));
    if (pod === undefined || JSON.stringify(pod.status?.podIPs) === JSON.stringify(ips)) return;
    worker.reportsAt ??= loop.now + (dice.chance(chaos.share.statusLate) ? dice.between(80_000, 200_000) : 0);
    if (loop.now < Math.max(worker.reportsAt, this.#reportsAt)) return;
    const conditions = [{ type: 'PodReadyToStartContainers', status: 'True' }];
    // A container that crashes over and over, seen between two starts: its sandbox lives on.
    const isCrashing = /[37bf]$/.test(pod.metadata.uid!);
    const containerStatuses = [{ name: 'c', state: isCrashing ? { terminated: { exitCode: 1 } } : { running: {} } }];
    api.put(PODS, { ...pod, status: { phase: 'Running', podIP: ips[0]?.ip, podIPs: ips, conditions, containerStatuses } });
    trace.add(`${this.#node.name} reports ${worker.ref.namespace}/${worker.ref.name} with ${sandbox.addresses.join(' ')}`);
  }

  /** Its sandboxes use nothing any more: the API server hears of it, and a deleted pod is gone. */
  #finish(worker: Worker, own: readonly Sandbox[]): void {
    if (!this.#canReachApi()) return;
    const { api } = this.#world;
    const pod = this.#objectOf(worker);
    const isClean = own.length === 0;
    if (pod === undefined) {
      if (isClean) this.#workers.delete(worker.ref.runtimeUid);
      return;
    }
    // It is there again (the API server came back from a backup): having ended, it begins anew.
    const isWanted = pod.metadata.deletionTimestamp === undefined && pod.status?.phase !== 'Succeeded';
    if (isWanted && (worker.isOrphan || worker.finishesAt === undefined)) return void this.#workers.delete(worker.ref.runtimeUid);
    const containerStatuses = [{ name: 'c', state: { terminated: { exitCode: 0 } } }];
    const conditions = [{ type: 'PodReadyToStartContainers', status: isClean ? 'False' : 'True' }];
    const isDone = worker.finishesAt !== undefined || pod.status?.phase === 'Succeeded';
    const phase = isDone ? 'Succeeded' : pod.metadata.deletionTimestamp === undefined ? (pod.status?.phase ?? 'Pending') : 'Failed';
    const status = { ...pod.status, phase, conditions, containerStatuses };
    if (JSON.stringify(status) !== JSON.stringify(pod.status)) return void api.put(PODS, { ...pod, status });
    // As kubelets do, not before the sandbox is cleaned up; not for ever, though.
    if (pod.metadata.deletionTimestamp === undefined || !isClean) return;
    api.delete(PODS, `${worker.ref.namespace}/${worker.ref.name}`);
    this.#world.trace.add(`${this.#node.name} lets the pod ${worker.ref.namespace}/${worker.ref.name} go`);
    this.#workers.delete(worker.ref.runtimeUid);
  }

  #objectOf({ ref }: Worker): PodObject | undefined {
    const pod = this.#world.api.object<PodObject>(PODS, `${ref.namespace}/${ref.name}`);
    if (ref.isStatic) return pod?.metadata.annotations?.[CONFIG_MIRROR] === ref.runtimeUid ? pod : undefined;
    return pod?.metadata.uid === ref.uid ? pod : undefined;
  }

  /** Sandboxes of older boots, and those that died: their DEL comes late, but it comes. */
  #cleanUp(): void {
    const { dice } = this.#world;
    for (const sandbox of this.#sandboxes()) {
      const worker = this.#workers.get(sandbox.pod.runtimeUid);
      if (sandbox.state === 'stopped' && (worker === undefined || worker.stopsAt === undefined) && dice.chance(0.2))
        this.#stopSandbox(sandbox);
      if (sandbox.state === 'live' && worker === undefined) this.#stopSandbox(sandbox);
    }
  }
}

const fresh = (ref: PodRef, graceMs: number): Worker => ({
  ref,
  graceMs,
  retryAt: 0,
  stopsAt: undefined,
  isOrphan: false,
  reportsAt: undefined,
  finishesAt: undefined,
});
