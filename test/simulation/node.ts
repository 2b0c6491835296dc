/** A machine: it boots, crashes and is cut off; its disk stays, its processes do not. */
import { Process } from './event-loop.ts';
import { Kubelet } from './kubelet.ts';
import { Disk } from './plugin.ts';
import { Runtime } from './runtime.ts';
import { SERVICE, type World } from './world.ts';

export interface StaticPod {
  readonly namespace: string;
  readonly name: string;
  readonly hash: string;
}

export class SimNode {
  readonly name: string;
  readonly disk = new Disk();
  readonly staticPods: StaticPod[] = [];
  bootId = '';
  bootedAt = 0;
  isUp = false;
  /** From the API server, from the controllers. */
  isCutFromApi = false;
  isCutFromControllers = false;
  /** Admission refuses the mirrors of its static pods until then. */
  mirrorsRefusedUntil = 0;
  runtime!: Runtime;
  kubelet: Kubelet | undefined;
  readonly #world: World;
  #boots = 0;
  /** Everything that runs on it and is neither kubelet nor runtime. */
  #others = new Set<Process>();

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  boot(): void {
    const world = this.#world;
    this.isUp = true;
    this.bootId = `boot-${this.name}-${++this.#boots}`;
    this.bootedAt = world.loop.now - world.dice.between(1_000, 20_000);
    this.#identify();
    const before = this.runtime as Runtime | undefined;
    this.runtime = new Runtime(world, this, world.newProcess(`${this.name}/runtime`));
    // The runtime finds its old sandboxes on the disk, and the kubelet has them cleaned up; or they were not on the disk.
    if (before !== undefined && world.dice.chance(0.3)) {
      world.marks.add('a node came back without its sandboxes');
      before.sandboxes.clear();
    }
    for (const sandbox of before?.sandboxes.values() ?? []) this.runtime.sandboxes.set(sandbox.id, sandbox);
    world.trace.add(`${this.name} boots as ${this.bootId}`);
    this.startKubelet();
  }

  crash(): void {
    const world = this.#world;
    world.trace.add(`${this.name} crashes`);
    this.isUp = false;
    this.kubelet?.process.kill();
    this.kubelet = undefined;
    this.runtime.process.kill();
    for (const process of this.#others) process.kill();
    this.#others.clear();
    for (const sandbox of this.runtime.sandboxes.values()) {
      if (sandbox.state === 'stopped') continue;
      sandbox.state = 'stopped';
      sandbox.endedAt = world.loop.now;
      world.history.ended(sandbox);
    }
  }

  /** Main plugins that ran for it are orphaned; what was being made has failed. */
  restartRuntime(): void {
    const { runtime } = this;
    const world = this.#world;
    runtime.process.kill();
    this.runtime = new Runtime(world, this, world.newProcess(`${this.name}/runtime`));
    for (const sandbox of runtime.sandboxes.values()) {
      this.runtime.sandboxes.set(sandbox.id, sandbox);
      if (sandbox.state !== 'creating') continue;
      sandbox.state = 'stopped';
      sandbox.endedAt = world.loop.now;
      world.history.ended(sandbox);
    }
    world.trace.add(`${this.name} restarts its runtime`);
  }

  startKubelet(): void {
    if (!this.isUp || this.kubelet !== undefined) return;
    this.kubelet = new Kubelet(this.#world, this, this.#world.newProcess(`${this.name}/kubelet`));
  }

  stopKubelet(): void {
    this.kubelet?.process.kill();
    this.kubelet = undefined;
    this.#world.trace.add(`${this.name} stops its kubelet`);
  }

  onCrash(process: Process): void {
    this.#others.add(process);
    if (this.#others.size > 500) for (const one of this.#others) if (one.isDead) this.#others.delete(one);
  }

  /** What the installer mounts: token, CA and where the controllers are. */
  #identify(): void {
    const ordered = [SERVICE, ...this.#world.controllerAddresses()];
    this.disk.files.set('/run/berth/identity/token', this.name);
    this.disk.files.set('/run/berth/identity/ca.crt', 'pretended');
    this.disk.files.set('/run/berth/identity/endpoints', ordered.map((address) => `https://${address}`).join('\n'));
  }
}
