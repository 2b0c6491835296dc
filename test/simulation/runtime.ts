/**
 * A node's container runtime with its main plugin: makes sandboxes through ADD, ends them through DEL, and is as rude as
 * real ones are: it kills main plugins and leaves the plugin orphaned, sends DEL before ADD has answered, thrice, late,
 * or not at all.
 */
import type { Exchanged } from '../../src/cni/host.ts';
import { Process } from './event-loop.ts';
import { callPlugin } from './plugin.ts';
import type { PodRef, Sandbox } from './sandbox.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

const CONFLIST_NAME = 'cluster';
const IF_NAME = 'eth0';
const CNI_VERSION = '1.1.0';
const DEL_ATTEMPTS = 3;

interface Finished {
  readonly code: number;
  readonly output: any;
}

export class Runtime {
  readonly sandboxes = new Map<string, Sandbox>();
  readonly process: Process;
  readonly #world: World;
  readonly #node: SimNode;
  /** DELs under way. */
  readonly #stopping = new Set<string>();

  constructor(world: World, node: SimNode, process: Process) {
    this.#world = world;
    this.#node = node;
    this.process = process;
  }

  /** A sandbox on its way; `done` hears whether it came to life. */
  create(pod: PodRef, done: (isLive: boolean) => void): Sandbox {
    const world = this.#world;
    const node = this.#node;
    const { dice, marks } = world;
    const sandbox: Sandbox = {
      id: this.#containerId(pod),
      node: node.name,
      bootId: node.bootId,
      pod,
      state: 'creating',
      addresses: [],
      result: undefined,
      bornAt: world.loop.now,
      liveAt: undefined,
      endedAt: undefined,
      isDeleted: false,
      isReplaced: false,
      isForgotten: world.checks.vanished.has(pod.uid),
      isUnrecorded: false,
      isOvertaken: false,
    };
    this.sandboxes.set(sandbox.id, sandbox);
    world.sandboxes.push(sandbox);
    world.trace.add(`${node.name} creates ${sandbox.id} for ${pod.namespace}/${pod.name} ${pod.runtimeUid}`);
    const reader = { isThere: true };
    const give = (why: string): void => {
      if (!reader.isThere) return;
      reader.isThere = false;
      marks.add(why);
      this.#fail(sandbox, done);
    };
    world.history.asked(sandbox);
    this.#run('ADD', sandbox, reader, ({ code, output }) => {
      if (!reader.isThere || sandbox.state !== 'creating') return;
      if (code === 0 && !dice.chance(world.chaos.share.mainPluginFails)) {
        reader.isThere = false;
        sandbox.result = output;
        sandbox.addresses = output.ips.map(({ address }: { address: string }) => address.split('/')[0]);
        sandbox.state = 'live';
        sandbox.liveAt = world.loop.now;
        world.trace.add(`${node.name} ${sandbox.id} lives with ${sandbox.addresses.join(' ')}`);
        world.checks.accepted(sandbox);
        world.history.answered(sandbox);
        marks.add('a sandbox came to life');
        return done(true);
      }
      if (code !== 0) world.checks.refusedAdd(sandbox, output);
      give(code === 0 ? 'a main plugin failed after its ADD' : 'an ADD was refused');
    });
    if (dice.chance(world.chaos.share.mainPluginKilled)) {
      this.process.after(dice.chance(0.5) ? dice.between(0, 12) : dice.between(0, 4_000), () => {
        if (sandbox.state === 'creating') give('a main plugin was killed, its plugin orphaned');
      });
    }
    return sandbox;
  }

  /** A new one; or, as some runtimes do, that of the pod's last container whose end is over and done with. */
  #containerId(pod: PodRef): string {
    const { dice, chaos, marks } = this.#world;
    const last = [...this.sandboxes.values()].find(
      (one) => one.pod.runtimeUid === pod.runtimeUid && one.state === 'stopped' && one.isDeleted,
    );
    if (last === undefined || !dice.chance(chaos.share.idReused) || this.#stopping.has(last.id)) return this.#world.newContainerId();
    marks.add('a container came back under its id');
    last.isReplaced = true;
    return last.id;
  }

  #fail(sandbox: Sandbox, done: (isLive: boolean) => void): void {
    this.#end(sandbox);
    // Not every runtime cleans up after a failed ADD.
    if (this.#world.dice.chance(0.8)) this.stop(sandbox, () => done(false));
    else done(false);
  }

  /** Ends it: from here on it uses nothing. `done` hears whether its DEL was taken. */
  stop(sandbox: Sandbox, done: (isOver: boolean) => void = () => undefined): void {
    this.#end(sandbox);
    if (this.#stopping.has(sandbox.id)) return done(false);
    const { dice, chaos, marks } = this.#world;
    if (!sandbox.isDeleted && dice.chance(chaos.share.deleteNeverSent)) {
      marks.add('a DEL was never sent');
      return done(true);
    }
    this.#stopping.add(sandbox.id);
    const over = (isOver: boolean): void => {
      this.#stopping.delete(sandbox.id);
      done(isOver);
    };
    const attempt = (count: number): void => {
      this.#delete(sandbox, ({ code }) => {
        if (code === 0) return over(true);
        marks.add('a DEL was refused');
        if (count >= DEL_ATTEMPTS) return over(false);
        this.process.after(1000, () => attempt(count + 1));
      });
    };
    attempt(1);
    if (dice.chance(chaos.share.deleteRepeated)) {
      marks.add('a DEL was repeated, late');
      for (let times = 0; times < 2; times++) this.process.after(dice.between(0, 60_000), () => this.#delete(sandbox, () => undefined));
    }
  }

  /** It died: its DEL comes when the kubelet cleans up. */
  abandon(sandbox: Sandbox): void {
    this.#end(sandbox);
  }

  /** What a kubelet asks for now and then; the answers are looked at by the checks. */
  probe(verb: 'STATUS' | 'CHECK' | 'GC', sandbox?: Sandbox): void {
    const { checks } = this.#world;
    this.#run(verb, sandbox, { isThere: true }, ({ code, output }) => checks.probed(verb, this.#node, sandbox, code, output));
  }

  /** Sandboxes that are gone and forgotten. */
  remove(sandbox: Sandbox): void {
    this.sandboxes.delete(sandbox.id);
  }

  #end(sandbox: Sandbox): void {
    if (sandbox.state === 'stopped') return;
    sandbox.state = 'stopped';
    sandbox.endedAt = this.#world.loop.now;
    this.#world.trace.add(`${this.#node.name} ends ${sandbox.id}`);
    this.#world.history.ended(sandbox);
  }

  #delete(sandbox: Sandbox, done: (finished: Finished) => void): void {
    if (sandbox.isReplaced) return done({ code: 0, output: undefined });
    this.#run('DEL', sandbox, { isThere: true }, (finished) => {
      if (finished.code === 0) {
        sandbox.isDeleted = true;
        this.#world.trace.add(`${this.#node.name} ${sandbox.id} DEL done`);
      }
      this.#world.checks.deleted(sandbox, finished.code, finished.output);
      done(finished);
    });
  }

  /** The main plugin's exec of the plugin. It is no child that dies with us: only a crash of the node, or the dice, kill it. */
  #run(verb: string, sandbox: Sandbox | undefined, reader: { readonly isThere: boolean }, done: (finished: Finished) => void): void {
    const world = this.#world;
    const node = this.#node;
    const { dice, loop, chaos } = world;
    const call = world.newProcess(`${node.name}/${verb}`);
    const { bootId } = node;
    node.onCrash(call);
    let output = '';
    const isHeard = (): boolean => reader.isThere && !this.process.isDead;
    call.after(dice.between(1, 6), () => {
      void callPlugin({
        process: call,
        disk: node.disk,
        uptimeMs: () => loop.now - node.bootedAt,
        bootId,
        processId: world.newProcessId(),
        environment: environmentOf(verb, sandbox),
        stdin: JSON.stringify(this.#stdin(verb, sandbox)),
        wallMs: () => call.timers().now(),
        print: (text) => {
          // What nobody reads may still fit into the pipe.
          if (!isHeard() && dice.chance(0.7)) {
            world.marks.add('a result could not be printed');
            return false;
          }
          output = text;
          return true;
        },
        exchange: (address, request, connectMs, totalMs): Promise<Exchanged> =>
          world.callController(node, bootId, call, address, request, connectMs, totalMs),
      }).then((code) => {
        this.process.after(dice.between(0, 2), () => done({ code, output: output === '' ? undefined : JSON.parse(output) }));
      });
    });
    if (dice.chance(chaos.share.pluginKilled)) {
      loop.after(dice.between(0, 200), () => {
        if (call.isDead) return;
        world.marks.add('a plugin was killed');
        call.kill();
        // The main plugin sees its child die.
        this.process.after(1, () => done({ code: 137, output: undefined }));
      });
    }
  }

  #stdin(verb: string, sandbox: Sandbox | undefined): object {
    const { dice } = this.#world;
    const base = { cniVersion: CNI_VERSION, name: CONFLIST_NAME, type: 'bridge', ipam: { type: 'berth', gcMinAgeSeconds: 20 } };
    if (verb === 'GC') {
      const valid = [...this.sandboxes.values()].filter(({ state }) => state !== 'stopped');
      return { ...base, 'cni.dev/valid-attachments': valid.map(({ id }) => ({ containerID: id, ifname: IF_NAME })) };
    }
    const previous = sandbox?.result !== undefined && (verb === 'CHECK' || (verb === 'DEL' && dice.chance(0.7)));
    return previous ? { ...base, prevResult: { ...sandbox.result, interfaces: [] } } : base;
  }
}

function environmentOf(verb: string, sandbox: Sandbox | undefined): Record<string, string> {
  const common = { CNI_COMMAND: verb, CNI_PATH: '/opt/cni/bin' };
  if (sandbox === undefined) return common;
  const { namespace, name, runtimeUid } = sandbox.pod;
  return {
    ...common,
    CNI_CONTAINERID: sandbox.id,
    CNI_IFNAME: IF_NAME,
    // After a reboot, and for a sandbox that never got one, there is none.
    CNI_NETNS: verb === 'DEL' && sandbox.liveAt === undefined ? '' : `/var/run/netns/${sandbox.id}`,
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_INFRA_CONTAINER_ID=${sandbox.id};K8S_POD_UID=${runtimeUid}`,
  };
}
