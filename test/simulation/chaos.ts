/**
 * What goes wrong, and when. Each seed has some kinds of trouble and not others: a world with all of them at once
 * reaches fewer corners than many worlds with few.
 */
import { ADDRESS_BINDINGS, ADDRESS_POOLS, NODES, PODS } from '../../src/kubernetes/objects.ts';
import type { Backup } from '../support/pretended-api-server.ts';
import { CONFIG_MIRROR, type PodObject } from './kubelet.ts';
import type { Process } from './event-loop.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

const BUMP = 1_000;

/** A watch whose packets are lost is noticed only after so long. */
const DEAD_WATCH_MS = 155_000;

const shownBy = (pod: PodObject | undefined): string | undefined => pod?.status?.podIPs?.[0]?.ip;

/** Shares of calls (or as said), 0 to 1. */
const CALM = {
  mainPluginFails: 0,
  mainPluginKilled: 0,
  pluginKilled: 0,
  deleteNeverSent: 0,
  deleteRepeated: 0,
  /** Of each pass of a kubelet over a sandbox. */
  sandboxDies: 0,
  apiLags: 0,
  apiFails: 0,
  apiSlow: 0,
  callSlow: 0,
  callLost: 0,
  answerLost: 0,
  /** Of each write that a controller sends: it stalls, or dies, right then. */
  stallsAtWrite: 0,
  diesAtWrite: 0,
  /** Of each pod: its kubelet reports its first status late. */
  statusLate: 0,
  /** Of each new sandbox: a runtime that makes a container anew under its old id. */
  idReused: 0,
};

export class Chaos {
  share = CALM;
  /** Kubelets do not notice until then that their pods are not shown any more. */
  blindUntil = 0;
  /** When something was last away, cut off or stalled. */
  disturbedAt = 0;
  readonly #world: World;
  readonly #cutReplicas = new Set<number>();
  #isCalm = true;
  #backup: Backup | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  isReplicaCut(index: number): boolean {
    return this.#cutReplicas.has(index);
  }

  begin(): void {
    const { dice, loop } = this.#world;
    this.#isCalm = false;
    const some = (most: number): number => (dice.chance(0.5) ? dice.between(0, most) : 0);
    this.share = {
      mainPluginFails: some(0.1),
      mainPluginKilled: some(0.2),
      pluginKilled: some(0.06),
      deleteNeverSent: some(0.1),
      deleteRepeated: some(0.5),
      sandboxDies: some(0.03),
      apiLags: some(dice.chance(0.3) ? 0.6 : 0.1),
      stallsAtWrite: some(0.06),
      diesAtWrite: some(0.02),
      idReused: some(0.3),
      statusLate: some(0.2),
      apiFails: some(0.05),
      apiSlow: some(0.05),
      callSlow: some(0.1),
      callLost: some(0.1),
      answerLost: some(0.15),
    };
    const actions = this.#actions().filter(() => dice.chance(0.6));
    const act = (): void => {
      if (this.#isCalm) return;
      dice.pick(actions)?.();
      loop.after(dice.between(300, 6_000), act);
    };
    loop.after(dice.between(5_000, 20_000), act);
  }

  /** From now on nothing goes wrong, and what is broken is mended. */
  calm(): void {
    const { nodes, replicas, workload } = this.#world;
    this.#isCalm = true;
    this.#disturb(this.#cutReplicas.size > 0 || this.share.apiFails > 0 ? DEAD_WATCH_MS : 0);
    this.share = CALM;
    this.#cutReplicas.clear();
    this.#startApi();
    for (const index of replicas.keys()) this.#world.startReplica(index);
    for (const node of nodes) {
      node.isCutFromApi = node.isCutFromControllers = false;
      node.disk.failure = '';
      if (!node.isUp) node.boot();
      node.startKubelet();
    }
    workload.makePools();
    workload.startsJobs = false;
    this.#fit();
  }

  /** No more pods than addresses: then each must have one. */
  #fit(): void {
    const { workload, nodes } = this.#world;
    const capacity = workload.capacity() - nodes.reduce((sum, { staticPods }) => sum + staticPods.length, 0);
    workload.members = Math.max(0, Math.min(workload.members, capacity));
    workload.replicas = Math.max(0, Math.min(workload.replicas, capacity - workload.members));
    for (const pod of workload.pods()) if (pod.metadata.labels?.['of'] === 'job') workload.delete(pod);
  }

  #actions(): (() => void)[] {
    const world = this.#world;
    const { dice, workload, marks } = world;
    const pod = (): PodObject | undefined => dice.pick(workload.pods());
    const often = (times: number, run: () => void): (() => void)[] => Array.from({ length: times }, () => run);
    return [
      ...often(4, () => {
        workload.replicas = dice.below(Math.min(world.setting.mostPods + 2, workload.capacity() + 2) + 1);
      }),
      ...often(4, () => this.#of(pod(), (one) => workload.delete(one))),
      ...often(3, () => this.#of(pod(), (one) => workload.forceDelete(one))),
      ...often(3, () => {
        if (workload.startsJobs) workload.startJob();
      }),
      () => {
        marks.add('all pods were deleted at once');
        for (const one of workload.pods()) workload.delete(one);
      },
      ...often(3, () => this.#node((node) => this.#crash(node))),
      ...often(2, () =>
        this.#node((node) => {
          node.stopKubelet();
          this.#later(500, 70_000, () => node.startKubelet());
        }),
      ),
      ...often(2, () => this.#node((node) => node.isUp && node.restartRuntime())),
      ...often(2, () =>
        this.#node((node) => this.#during(1_000, 120_000, 'a node was cut off the API server', (is) => (node.isCutFromApi = is))),
      ),
      ...often(2, () =>
        this.#node((node) => this.#during(1_000, 60_000, 'a node was cut off the controllers', (is) => (node.isCutFromControllers = is))),
      ),
      ...often(2, () => this.#node((node) => this.#cutAndForceDelete(node))),
      () => this.#node((node) => this.#during(1_000, 20_000, "a node's disk was full", (is) => (node.disk.failure = is ? 'ENOSPC' : ''))),
      ...often(3, () => this.#killReplica(dice.below(world.replicas.length), dice.between(100, 30_000))),
      () => {
        const after = dice.between(1_000, 40_000);
        marks.add('all controllers were killed');
        for (const index of world.replicas.keys()) this.#killReplica(index, after);
      },
      ...often(3, () => this.#stall()),
      () => {
        const index = dice.below(world.replicas.length);
        this.#during(1_000, 60_000, 'a controller was cut off the API server', (is) => {
          if (is) this.#cutReplicas.add(index);
          else this.#cutReplicas.delete(index);
          this.#disturb(DEAD_WATCH_MS);
        });
      },
      ...often(2, () => this.#jumpClock()),
      ...often(2, () => this.#stopApi()),
      () =>
        this.#during(5_000, 30_000, 'the API server failed often', (is) => {
          this.share = { ...this.share, apiFails: is ? 0.3 : 0 };
          this.#disturb(DEAD_WATCH_MS);
        }),
      () => this.#during(5_000, 30_000, 'the watches lagged', (is) => (this.share = { ...this.share, apiLags: is ? 0.8 : 0 })),
      () => {
        marks.add('history was compacted');
        world.api.compact();
      },
      () => {
        marks.add('all connections were dropped');
        world.api.dropConnections();
      },
      () => this.#editPool(),
      ...often(4, () => this.#deleteByHand()),
      () => this.#deleteMirror(),
      () => this.#backUpOrRestore(),
      () => this.#vanish(),
    ];
  }

  #of<T>(one: T | undefined, run: (one: T) => void): void {
    if (one !== undefined && this.#world.isApiUp) run(one);
  }

  #node(run: (node: SimNode) => void): void {
    run(this.#world.dice.pick(this.#world.nodes)!);
  }

  #later(least: number, most: number, run: () => void): void {
    this.#world.loop.after(this.#world.dice.between(least, most), run);
  }

  #during(least: number, most: number, mark: string, set: (is: boolean) => void): void {
    const { trace, marks } = this.#world;
    marks.add(mark);
    trace.add(mark);
    this.#disturb();
    set(true);
    this.#later(least, most, () => {
      if (this.#isCalm) return;
      trace.add(`no more: ${mark}`);
      this.#disturb();
      set(false);
    });
  }

  /** @param ms for how long its consequences may last, milliseconds */
  #disturb(ms = 0): void {
    this.disturbedAt = Math.max(this.disturbedAt, this.#world.loop.now + ms);
  }

  /** A controller has sent a write: the moment in which it is worst to be gone. */
  writeSent(process: Process): void {
    const { dice, marks, replicas } = this.#world;
    if (this.share.stallsAtWrite > 0 && dice.chance(this.share.stallsAtWrite)) {
      marks.add('a controller stalled with a write under way');
      this.#stallFor(process, dice.between(1_000, 30_000));
    }
    if (this.share.diesAtWrite > 0 && dice.chance(this.share.diesAtWrite)) {
      marks.add('a controller died with a write under way');
      const index = replicas.findIndex((replica) => replica?.process === process);
      if (index >= 0) this.#killReplica(index, dice.between(100, 20_000));
    }
  }

  /** A node's call takes its time on the way: the node may boot before it arrives. */
  callDelayed(node: SimNode): void {
    const { loop, dice, marks } = this.#world;
    if (this.#isCalm || !dice.chance(0.15)) return;
    loop.after(dice.between(10, 500), () => {
      if (this.#isCalm || !node.isUp) return;
      marks.add('a node crashed with a call on its way');
      this.#crash(node, dice.between(1_000, 3_000));
    });
  }

  #crash(node: SimNode, downFor?: number): void {
    const { api, dice, marks, isApiUp } = this.#world;
    if (!node.isUp) return;
    marks.add('a node crashed');
    node.crash();
    // Its static pods' files are taken away meanwhile: nobody will ever DEL them.
    if (dice.chance(0.5)) node.staticPods.length = 0;
    const downMs = downFor ?? (dice.chance(0.5) ? dice.between(2_000, 15_000) : dice.between(15_000, 100_000));
    if (dice.chance(0.3) && isApiUp) {
      this.#world.loop.after(downMs * dice(), () => {
        if (node.isUp || !this.#world.isApiUp || api.object(NODES, node.name) === undefined) return;
        marks.add('a Node object was deleted');
        api.delete(NODES, node.name);
      });
    }
    this.#world.loop.after(downMs, () => {
      if (!node.isUp) node.boot();
    });
  }

  /** The most dangerous minute: nobody can tell the kubelet that its pods are no more. */
  #cutAndForceDelete(node: SimNode): void {
    const { loop, dice, marks, workload } = this.#world;
    marks.add('pods of a node that is cut off were force-deleted');
    const least = dice.chance(0.5) ? 10_000 : 70_000;
    this.#during(least, least + 60_000, 'a node was cut off the API server', (is) => (node.isCutFromApi = is));
    loop.after(dice.between(0, 15_000), () => {
      if (!this.#world.isApiUp || this.#isCalm) return;
      for (const pod of workload.pods()) if (pod.spec.nodeName === node.name && dice.chance(0.5)) workload.forceDelete(pod);
    });
  }

  #killReplica(index: number, downMs: number): void {
    this.#world.marks.add('a controller was killed');
    this.#disturb();
    this.#world.killReplica(index);
    this.#world.loop.after(downMs, () => this.#world.startReplica(index));
  }

  #stall(): void {
    const { dice, marks, replicas } = this.#world;
    const replica = dice.pick(replicas);
    if (replica === undefined) return;
    const ms = dice.chance(0.5) ? dice.between(100, 3_000) : dice.between(3_000, 40_000);
    if (ms > 15_000 && replica.election.leads()) marks.add('a leader stalled for longer than its lease');
    marks.add('a controller stalled');
    this.#stallFor(replica.process, ms);
  }

  #stallFor(process: Process, ms: number): void {
    this.#world.trace.add(`${process.name} stalls for ${ms.toFixed(0)} ms`);
    process.stall(ms);
    this.disturbedAt = Math.max(this.disturbedAt, process.stalledUntil);
  }

  #jumpClock(): void {
    const { dice, marks, replicas } = this.#world;
    const replica = dice.pick(replicas);
    if (replica === undefined) return;
    marks.add("a controller's clock jumped");
    replica.process.skewMs += Math.floor(dice.between(-600_000, 600_000));
  }

  #stopApi(): void {
    const world = this.#world;
    if (!world.isApiUp) return;
    world.marks.add('the API server was down');
    world.trace.add('the API server stops');
    world.isApiUp = false;
    world.api.stop();
    this.#disturb();
    this.#later(500, 30_000, () => this.#startApi());
  }

  #startApi(): void {
    const world = this.#world;
    if (world.isApiUp) return;
    world.trace.add('the API server starts');
    world.isApiUp = true;
    world.api.start();
    this.#disturb();
  }

  /** For a while; what is held stays held, and whoever is answered meanwhile is answered by the pool of the moment. */
  #editPool(): void {
    const { api, dice, marks, trace, workload, setting, isApiUp } = this.#world;
    if (!isApiUp || api.object(ADDRESS_POOLS, 'v4') === undefined) return;
    const edit = (mark: string, cidr: string, changes: object = {}) => {
      return (): void => {
        marks.add(mark);
        trace.add(mark);
        workload.putPool('v4', cidr, changes);
      };
    };
    const whole = `10.1.0.0/${setting.prefix}`;
    const edits = [
      edit('a pool was drained', whole, { state: dice.pick(['NoNew', 'Draining']) }),
      edit('a pool was shrunk', `10.1.0.0/${Math.min(30, setting.prefix + 1)}`),
      edit('addresses of a pool were reserved', whole, { reserved: ['10.1.0.2'] }),
    ];
    // Of two families the other would do meanwhile, which is as it should be, and not what a pod of two is looked at for.
    if (!setting.isDualStack) edits.push(() => this.#deletePool());
    dice.pick(edits)!();
    this.#later(2_000, 30_000, () => workload.makePools());
  }

  #deletePool(): void {
    const { api, marks, trace } = this.#world;
    marks.add('a pool was deleted, and made again');
    trace.add('pool v4 is deleted');
    api.delete(ADDRESS_POOLS, 'v4');
  }

  /**
   * kubectl delete abind: of one that nobody holds, or whose pod has long shown its address to every controller. Any
   * other is lost, and a stated limit.
   */
  #deleteByHand(): void {
    const world = this.#world;
    const { now } = world.loop;
    const isBlind = this.share.apiLags > 0 || this.share.apiFails > 0 || this.disturbedAt > now - 5_000;
    const shown = new Set(
      world.sandboxes
        .filter(({ state, liveAt, node }) => state === 'live' && liveAt! < now - 30_000 && !world.node(node).isCutFromApi)
        .filter(({ pod, addresses }) => shownBy(world.api.object<PodObject>(PODS, `${pod.namespace}/${pod.name}`)) === addresses[0])
        .flatMap(({ addresses }) => addresses),
    );
    const records = world.api
      .objects<any>(ADDRESS_BINDINGS)
      .filter(({ spec }) => spec.releasedAt !== undefined || (!isBlind && shown.has(spec.address)));
    const record = world.dice.pick(records);
    if (record === undefined || !world.isApiUp) return;
    world.marks.add('a record was deleted by hand');
    world.trace.add(`${record.metadata.name} is deleted by hand`);
    world.checks.isByHand = true;
    world.api.delete(ADDRESS_BINDINGS, record.metadata.name);
    world.checks.isByHand = false;
  }

  #deleteMirror(): void {
    const { api, dice, marks, isApiUp } = this.#world;
    const mirror = dice.pick(api.objects<PodObject>(PODS).filter(({ metadata }) => metadata.annotations?.[CONFIG_MIRROR] !== undefined));
    if (mirror === undefined || !isApiUp) return;
    marks.add("a static pod's mirror was deleted");
    api.delete(PODS, `${mirror.metadata.namespace}/${mirror.metadata.name}`);
    if (!dice.chance(0.5)) return;
    marks.add("a static pod's mirror was refused for a while");
    this.#world.node(mirror.spec.nodeName!).mirrorsRefusedUntil = this.#world.loop.now + dice.between(90_000, 200_000);
  }

  #backUpOrRestore(): void {
    const world = this.#world;
    if (!world.isApiUp) return;
    if (this.#backup === undefined) {
      this.#backup = world.api.backup();
      world.trace.add('a backup is made');
      return;
    }
    world.marks.add('the API server was restored from a backup');
    world.trace.add(`the API server is restored from a backup of revision ${this.#backup.revision}, after ${this.#world.api.revision()}`);
    // etcdutl can be told to skip revisions and to forget history, so that every watcher notices; or not.
    const bumped = { ...this.#backup, revision: this.#world.api.backup().revision + BUMP };
    // Unnoticed by a controller that is away until the new history has overtaken the old one: a stated limit.
    const isSomebodyAway = this.#cutReplicas.size > 0 || world.replicas.some((one) => (one?.process.stalledUntil ?? 0) > world.loop.now);
    world.api.restore(isSomebodyAway || world.dice.chance(0.5) ? bumped : this.#backup);
    this.#backup = undefined;
    world.checks.restored();
    // Of what came after the backup nobody knows any more.
    for (const sandbox of world.sandboxes) if (sandbox.state !== 'stopped') sandbox.isForgotten = true;
  }

  /** A listing that shows no pods any more though they run (a broken server, a wrong restore): nodes notice later. */
  #vanish(): void {
    const world = this.#world;
    if (!world.isApiUp || world.workload.pods().length < 6) return;
    world.marks.add('all pods vanished from the API server');
    world.trace.add('all pods vanish');
    for (const pod of world.workload.pods()) world.checks.vanished.add(pod.metadata.uid!);
    const { revision, objects } = world.api.backup();
    const without = new Map([...objects].filter(([kind]) => kind !== 'pods.'));
    for (const sandbox of world.sandboxes) if (sandbox.state !== 'stopped') sandbox.isForgotten = true;
    // Their kubelets do not notice at once, or nothing would be left to be wrong about.
    this.blindUntil = world.loop.now + world.dice.between(100_000, 300_000);
    world.api.restore({ revision: revision + BUMP, objects: without });
  }
}
