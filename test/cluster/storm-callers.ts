/** The holders of a storm: what they ask, on two replicas by chance, and what they believe, which is what counts. */
import { CallHistory } from '../history/call-history.ts';
import { seededRandom } from '../support/cluster-client.ts';
import { ask, type HttpAnswer } from '../support/http.ts';
import { BOOT, MOST_ATTEMPTS, NAMESPACE, pause, type StormWorld } from './storm-stage.ts';

/** One in four belongs to a runtime that forgets DEL now and then; seldom, for each time an address is missing for seconds. */
export const isForgetful = (index: number): boolean => index % 4 === 3;
const FORGETS = 0.1;

interface Holder {
  readonly index: number;
  readonly name: string;
  readonly random: () => number;
  uid: string;
}

type Ending = 'DEL' | 'vanishes';

export class Callers {
  /** Two holders at once, as they see it themselves; DELs that nobody took. */
  readonly violations: string[] = [];
  readonly history = new CallHistory(() => performance.now());
  served = 0;
  vanished = 0;
  readonly #world: StormWorld;
  readonly #seed: number;
  readonly #held = new Map<string, number>();
  #ticks = 1_000;

  constructor(world: StormWorld, seed: number) {
    this.#world = world;
    this.#seed = seed;
  }

  /** Comes and goes until the time is over, and is gone in the end. What it does is decided by the seed, whatever others do. */
  async hold(index: number, uid: string, isOver: () => boolean): Promise<void> {
    const holder: Holder = { index, name: `p-${index}`, uid, random: seededRandom(this.#seed * 1_000 + index) };
    let life = 0;
    while (!isOver()) {
      const vanishes = isForgetful(index) && holder.random() < FORGETS;
      await this.#live(holder, life++, vanishes ? 'vanishes' : 'DEL');
      if (vanishes) holder.uid = await this.#world.makeAnew(holder.name, holder.uid);
    }
    if (isForgetful(index)) await this.#live(holder, life, 'vanishes');
  }

  async #live({ index, name, uid, random }: Holder, life: number, ending: Ending): Promise<void> {
    const key = { cniVersion: '1.0.0', cniNetwork: 'storm', containerId: `c-${index}-${life}`, ifName: 'eth0' };
    const asked = this.history.asked(key.containerId, uid);
    const address = await this.#add(random, { ...key, pod: { namespace: NAMESPACE, name, uid } });
    if (address !== undefined) {
      asked.answered(address);
      const other = this.#held.get(address);
      if (other !== undefined) this.violations.push(`${address} was given to ${index} while ${other} has it`);
      this.#held.set(address, index);
      this.served++;
    }
    await pause(20 + random() * 200);
    if (address !== undefined && this.#held.get(address) === index) this.#held.delete(address);
    asked.ended();
    if (ending === 'DEL') return this.#del(random, index, key);
    if (address !== undefined) this.vanished++;
    await this.#world.vanish(name, uid);
  }

  /** As a plugin asks: again with the next attempt while nobody knows; undefined for a refusal. */
  async #add(random: () => number, body: object): Promise<string | undefined> {
    const stamp = this.#stamp();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const answer = await this.#call(random, 'add', { ...body, stamp: { ...stamp, attempt } });
      if (answer?.status === 200) return (answer.json.addresses[0].address as string).split('/')[0];
      if (answer !== undefined && answer.status !== 503) return undefined;
      await pause(50);
    }
    return undefined;
  }

  async #del(random: () => number, index: number, body: object): Promise<void> {
    const stamp = this.#stamp();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const answer = await this.#call(random, 'del', { ...body, stamp: { ...stamp, attempt } });
      if (answer?.status === 200) return;
      await pause(50);
    }
    this.violations.push(`a DEL of ${index} was never taken`);
  }

  async #call(random: () => number, verb: string, body: object): Promise<HttpAnswer | undefined> {
    const { replicas } = this.#world;
    const { socket } = replicas[Math.floor(random() * replicas.length)]!;
    return ask({ socketPath: socket }, 'POST', `/v1/cni/${verb}`, body).catch(() => undefined);
  }

  #stamp(): object {
    this.#ticks++;
    return { bootId: BOOT, startedTicks: this.#ticks, monotonicNs: String(this.#ticks * 10_000_000), attempt: 0 };
  }
}
