/** A whole cluster in one event loop: API server, controllers, nodes with kubelets and runtimes, and the lines between them. */
import type { Exchanged } from '../../src/cni/host.ts';
import type { Log } from '../../src/ipam/ports.ts';
import { ADDRESS_BINDINGS } from '../../src/kubernetes/objects.ts';
import { PretendedApiServer, randomFaults } from '../support/pretended-api-server.ts';
import { linkToApi } from './api-link.ts';
import { Chaos } from './chaos.ts';
import { Checks } from './checks.ts';
import { startController, type Controller } from './controller.ts';
import { diceOf, type Dice } from './dice.ts';
import { EventLoop, Process } from './event-loop.ts';
import { CallHistory } from './history.ts';
import { Marks } from './marks.ts';
import { SimNode } from './node.ts';
import type { Sandbox } from './sandbox.ts';
import { Trace } from './trace.ts';
import { usableIn, Workload } from './workload.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Chosen by the seed unless said. */
  readonly nodes?: number;
  readonly controllers?: number;
  /** 5 to 50 nodes, up to 4 controllers, up to 60 pods of the Deployment. */
  readonly isFull?: boolean;
  readonly print?: (line: string) => void;
}

/** Behind it is any replica, also one that has just gone. */
export const SERVICE = '10.96.0.10:9443';

const LONG_MS = 5_000;

/** What one seed's world is like. */
export interface Setting {
  readonly nodes: number;
  readonly controllers: number;
  readonly mostPods: number;
  readonly prefix: number;
  readonly isDualStack: boolean;
  readonly cooldownSeconds: number;
  readonly stickySeconds: number;
  readonly whenFull: 'Reuse' | 'Wait';
  /** Not every runtime does. */
  readonly callsGc: boolean;
}

export class World {
  readonly loop = new EventLoop();
  readonly dice: Dice;
  readonly trace: Trace;
  readonly marks = new Marks();
  readonly history: CallHistory;
  readonly setting: Setting;
  readonly chaos: Chaos;
  readonly checks: Checks;
  readonly api: PretendedApiServer;
  readonly workload: Workload;
  readonly nodes: SimNode[] = [];
  /** One place for each replica; empty while none runs there. */
  readonly replicas: (Controller | undefined)[] = [];
  readonly sandboxes: Sandbox[] = [];
  isApiUp = true;
  /** History was taken back: what was written may not be there. */
  isRestored = false;
  #counts = { containers: 0, processes: 0, replicas: 0 };

  constructor({ seed, nodes, controllers, isFull = false, print }: WorldOptions) {
    this.dice = diceOf(seed);
    this.trace = new Trace(this.loop, print);
    this.history = new CallHistory(this.loop);
    const { dice } = this;
    this.setting = {
      nodes: nodes ?? (isFull ? 5 + dice.below(46) : 2 + dice.below(3)),
      controllers: controllers ?? 2 + dice.below(isFull ? 3 : 2),
      mostPods: isFull ? 60 : 12,
      prefix: dice.pick(isFull ? [28, 27, 26, 26, 24, 16] : [30, 29, 29, 28, 28, 27, 26, 24])!,
      isDualStack: dice.chance(0.3),
      cooldownSeconds: dice.pick([0, 1, 5, 30])!,
      stickySeconds: dice.pick([0, 0, 60])!,
      whenFull: dice.chance(0.4) ? 'Wait' : 'Reuse',
      callsGc: dice.chance(0.5),
    };
    this.trace.add(`seed ${seed} ${JSON.stringify(this.setting)}`);
    this.chaos = new Chaos(this);
    this.checks = new Checks(this);
    const faults = (share: number) => randomFaults(dice, share);
    this.api = new PretendedApiServer({
      timers: this.loop.timers(),
      random: dice,
      lagMs: () => (dice.chance(this.chaos.share.apiLags) ? dice.between(0, 8_000) : dice.between(0, 30)),
      fault: (request) => (this.chaos.share.apiFails === 0 ? undefined : faults(this.chaos.share.apiFails)(request)),
      onCommit: (change) => this.checks.committed(change),
    });
    this.workload = new Workload(this);
    for (let count = 0; count < this.setting.nodes; count++) this.nodes.push(new SimNode(this, `n${count + 1}`));
    for (let count = 0; count < this.setting.controllers; count++) this.replicas.push(undefined);
  }

  /** Controllers, pools and nodes are there; nothing goes wrong yet. */
  begin(): void {
    this.workload.makePools();
    for (const index of this.replicas.keys()) this.startReplica(index);
    for (const node of this.nodes) {
      // An address is left for others: static pods cannot be told to be fewer.
      const isRoom = usableIn(this.setting.prefix) > Math.max(4, this.nodes.filter(({ staticPods }) => staticPods.length > 0).length + 1);
      if (this.dice.chance(0.25) && isRoom)
        node.staticPods.push({ namespace: 'shop', name: `static-${node.name}`, hash: `hash-${node.name}` });
      node.boot();
    }
    this.workload.begin();
  }

  newContainerId = (): string => `c${++this.#counts.containers}`;
  newProcessId = (): number => 1000 + ++this.#counts.processes;
  newProcess = (name: string): Process => new Process(this.loop, name);

  controllerAddresses(): string[] {
    return [...this.replicas.keys()].map((index) => `10.255.0.${index + 1}:9443`);
  }

  startReplica(index: number): void {
    if (this.replicas[index] !== undefined) return;
    const { dice, loop } = this;
    // Up to ten minutes off: no two machines have the same time.
    const process = new Process(loop, `controller-${index + 1}#${++this.#counts.replicas}`, Math.floor(dice.between(-600_000, 600_000)));
    this.checks.started(process);
    const transport = linkToApi({
      loop,
      server: this.api,
      owner: process,
      delayMs: () => this.#delay(),
      isCut: () => this.chaos.isReplicaCut(index),
      witness: this.checks,
    });
    this.trace.add(`${process.name} starts`);
    const log = this.#logOf(process);
    const address = this.controllerAddresses()[index]!;
    const failed = (error: unknown): void => this.checks.fail('no internal error', `${process.name}: ${String(error)}`);
    this.replicas[index] = startController({ process, address, transport, random: dice, log, failed });
  }

  killReplica(index: number): void {
    const replica = this.replicas[index];
    if (replica === undefined) return;
    this.trace.add(`${replica.process.name} is killed`);
    this.replicas[index] = undefined;
    replica.process.kill();
  }

  /** Lets go of what Node would keep for ever: signals that somebody listens to. */
  end(): void {
    for (const index of this.replicas.keys()) this.killReplica(index);
  }

  node = (name: string): SimNode => this.nodes.find((one) => one.name === name)!;

  /** One HTTP exchange from a node to a controller. */
  callController(
    node: SimNode,
    bootId: string,
    caller: Process,
    address: string,
    request: string,
    connectMs: number,
    totalMs: number,
  ): Promise<Exchanged> {
    const { loop, dice, chaos, marks } = this;
    return new Promise((resolve) => {
      let isOver = false;
      const done = (...exchanged: Exchanged): void => {
        if (isOver) return;
        isOver = true;
        cancel();
        resolve(exchanged);
      };
      const cancel = caller.after(totalMs, () => done('answered', '', 'deadline'));
      const replica = address === SERVICE ? dice.pick(this.replicas) : this.replicas.find((one) => one?.address === address);
      if (node.isCutFromControllers) return void caller.after(connectMs, () => done('unreached', '', 'timed out'));
      if (replica === undefined) return void caller.after(1, () => done('unreached', '', 'refused'));
      const { process } = replica;
      // A machine that crashes says good-bye to nobody.
      const isGone = (): boolean => isOver || (caller.isDead && node.bootId === bootId && node.isUp);
      process.onEnd(() => caller.after(1, () => done('answered', '', 'reset')));
      if (dice.chance(chaos.share.callLost)) {
        marks.add('a call was lost on its way');
        return void caller.after(dice.between(1, 50), () => done('answered', '', 'reset'));
      }
      const delayMs = this.#callDelay();
      if (delayMs > LONG_MS) chaos.callDelayed(node);
      loop.after(
        delayMs,
        () => {
          const serving = this.checks.callArrived(process, node.name, request);
          void replica.serve(request, isGone).then((text) => {
            if (process.isDead) return;
            this.checks.callAnswered(serving, text);
            if (isGone()) marks.add('a caller was gone before its answer');
            if (dice.chance(chaos.share.answerLost)) {
              marks.add('an answer was lost');
              return void caller.after(dice.between(1, 50), () => done('answered', '', 'reset'));
            }
            caller.after(this.#callDelay(), () => done('answered', text, ''));
          });
        },
        process,
      );
    });
  }

  /** Bound records by the server itself. */
  boundRecords(): { readonly name: string; readonly spec: any }[] {
    return this.api
      .objects<any>(ADDRESS_BINDINGS)
      .filter(({ spec }) => spec.releasedAt === undefined)
      .map(({ metadata, spec }) => ({ name: metadata.name, spec }));
  }

  #delay(): number {
    return this.dice.chance(this.chaos.share.apiSlow) ? this.dice.between(0, 3_000) : this.dice.between(0.2, 3);
  }

  #callDelay(): number {
    if (!this.dice.chance(this.chaos.share.callSlow)) return this.dice.between(0.1, 2);
    return this.dice.chance(0.2) ? this.dice.between(5_000, 40_000) : this.dice.between(0, 5_000);
  }

  #logOf(process: Process): Log {
    const say = (level: string) => (fields: object, message: string) => {
      this.marks.add(`log: ${message}`);
      this.trace.add(`${process.name} ${level} ${message} ${brief(fields)}`);
    };
    return { debug: () => undefined, info: say('info'), warn: say('warn'), error: say('error') };
  }
}

const brief = (fields: object): string =>
  JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.message : value)).slice(0, 300);
