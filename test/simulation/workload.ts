/** What people and Kubernetes' own controllers do: make pods, make them again, scale, delete, and judge nodes. */
import { ADDRESS_POOLS, LEASES, NAMESPACES, NODES, PODS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import type { PodObject } from './kubelet.ts';
import type { World } from './world.ts';

const NAMESPACE = 'shop';
/** Kubernetes' node-monitor-grace-period. */
const NOT_READY_AFTER_MS = 50_000;
const EVICT_AFTER_MS = 60_000;
const PASS_MS = 1_000;

/** All but the network's address, the one after it, and the broadcast's. */
export const usableIn = (prefix: number): number => 2 ** (32 - prefix) - 3;

export class Workload {
  /** How many pods of the Deployment there should be, and of the StatefulSet. */
  replicas = 0;
  members = 0;
  /** Jobs are started while true. */
  startsJobs = true;
  readonly #world: World;
  #made = 0;
  readonly #renewals = new Map<string, { text: string; at: number }>();
  readonly #notReadySince = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** As the world has it, but for what is said. */
  putPool(name: string, cidr: string, changes: object = {}): void {
    const { api, setting } = this.#world;
    const { cooldownSeconds, stickySeconds, whenFull } = setting;
    const spec = { ranges: [{ cidr }], cooldownSeconds, stickySeconds, whenFull, default: true, ...changes };
    api.put(ADDRESS_POOLS, { metadata: { name }, ...api.object(ADDRESS_POOLS, name), spec } as KubernetesObject);
  }

  /** Usable addresses of the smallest pool, by what the controllers count. */
  capacity(): number {
    const { replicas, setting } = this.#world;
    const counts = replicas.flatMap((replica) => (replica === undefined ? [] : [replica.ipam.counts('v4')])).find(({ ok }) => ok);
    if (counts === undefined || !counts.ok) return usableIn(setting.prefix);
    return Number(counts.value.total - counts.value.reserved);
  }

  makePools(): void {
    const { api, setting } = this.#world;
    this.putPool('v4', `10.1.0.0/${setting.prefix}`);
    if (setting.isDualStack) this.putPool('v6', setting.prefix > 28 ? 'fd00::/124' : 'fd00::/64');
    api.put(NAMESPACES, { metadata: { name: NAMESPACE } } as KubernetesObject);
  }

  begin(): void {
    const { dice, loop, setting } = this.#world;
    const most = Math.min(setting.mostPods, usableIn(setting.prefix));
    this.members = Math.min(dice.below(3), most - 1);
    this.replicas = Math.max(1, dice.below(most - this.members + 1));
    const pass = (): void => {
      if (this.#world.isApiUp) {
        this.#judgeNodes();
        this.#makePods();
      }
      loop.after(PASS_MS, pass);
    };
    loop.after(2_000, pass);
  }

  pods(): readonly PodObject[] {
    return this.#world.api.objects<PodObject>(PODS).filter(({ metadata }) => metadata.labels?.['of'] !== undefined);
  }

  /** With its grace period: the kubelet ends it. */
  delete(pod: PodObject): void {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    this.#world.trace.add(`delete pod ${pod.metadata.name}`);
    const metadata = { ...pod.metadata, deletionTimestamp: new Date(this.#world.loop.now).toISOString() };
    if (pod.spec.nodeName === undefined) return this.#world.api.delete(PODS, `${metadata.namespace}/${metadata.name}`);
    this.#world.api.put(PODS, { ...pod, metadata });
  }

  /** At once, whatever its node does. */
  forceDelete(pod: PodObject): void {
    this.#world.trace.add(`force-delete pod ${pod.metadata.name}`);
    this.#world.marks.add('a pod was force-deleted');
    this.#world.api.delete(PODS, `${pod.metadata.namespace}/${pod.metadata.name}`);
  }

  startJob(): void {
    const runs = String(Math.floor(this.#world.dice.between(5_000, 40_000)));
    this.#make(`job-${++this.#made}`, 'job', { runs });
  }

  #makePods(): void {
    const pods = this.pods();
    const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const of = (label: string) => alive.filter(({ metadata }) => metadata.labels?.['of'] === label);
    const deployed = of('deployment');
    for (let missing = this.replicas - deployed.length; missing > 0; missing--) this.#make(`web-${++this.#made}`, 'deployment');
    for (const pod of deployed.slice(this.replicas)) this.delete(pod);
    for (let index = 0; index < this.members; index++) {
      const name = `db-${index}`;
      // Not before the old one is gone: that is all a StatefulSet promises.
      if (!pods.some(({ metadata }) => metadata.name === name)) this.#make(name, 'set');
    }
    for (const pod of of('set')) if (Number(pod.metadata.name.slice(3)) >= this.members) this.delete(pod);
    for (const pod of of('job')) {
      const isFinished = pod.status?.phase === 'Succeeded';
      if (isFinished && this.#world.dice.chance(0.02)) this.delete(pod);
    }
  }

  #make(name: string, of: string, labels: Record<string, string> = {}): void {
    const { api, dice } = this.#world;
    const ready = api.objects<any>(NODES).filter(({ status }) => status?.conditions?.[0]?.status === 'True');
    const node = dice.pick(ready);
    if (node === undefined) return;
    const terminationGracePeriodSeconds = dice.pick([1, 5, 30, 30])!;
    const spec = { nodeName: node.metadata.name, terminationGracePeriodSeconds, containers: [{ name: 'c' }] };
    this.#world.trace.add(`pod ${name} is made for ${node.metadata.name}`);
    api.put(PODS, { metadata: { namespace: NAMESPACE, name, labels: { of, ...labels } }, spec, status: { phase: 'Pending' } } as PodObject);
  }

  /** The node life-cycle controller: a node whose Lease stands still is not Ready, and then its pods are evicted. */
  #judgeNodes(): void {
    const { api, loop } = this.#world;
    for (const node of api.objects<any>(NODES)) {
      const { name } = node.metadata;
      const lease = api.object<any>(LEASES, `kube-node-lease/${name}`)?.spec?.renewTime ?? '';
      const known = this.#renewals.get(name);
      if (known === undefined || known.text !== lease) this.#renewals.set(name, { text: lease, at: loop.now });
      const isSilent = loop.now - this.#renewals.get(name)!.at > NOT_READY_AFTER_MS;
      const isReady = node.status?.conditions?.[0]?.status === 'True';
      if (!isSilent) {
        if (isReady) this.#notReadySince.delete(name);
        continue;
      }
      if (isReady) {
        api.put(NODES, { ...node, status: { ...node.status, conditions: [{ type: 'Ready', status: 'Unknown' }] } });
        this.#world.trace.add(`${name} is not ready`);
        this.#world.marks.add('a node was not ready');
      }
      const since = this.#notReadySince.get(name) ?? loop.now;
      this.#notReadySince.set(name, since);
      if (loop.now - since < EVICT_AFTER_MS) continue;
      for (const pod of this.pods()) if (pod.spec.nodeName === name) this.delete(pod);
    }
    // Pod garbage collection: whose node does not exist any more.
    const names = new Set(api.objects(NODES).map(({ metadata }) => metadata.name));
    for (const pod of this.pods()) if (!names.has(pod.spec.nodeName!)) this.forceDelete(pod);
  }
}
