/** One controller in this process, on virtual time and the memory store, and short ways to call it. */
import { openIpam, type Ipam, type Ports } from '../../src/ipam/open.ts';
import type { Caller } from '../../src/ipam/operations.ts';
import type { Log, Nodes } from '../../src/ipam/ports.ts';
import type { Outcome } from '../../src/core/refusal.ts';
import type { PoolSpecInput } from '../../src/core/pool-spec.ts';
import type { CniAdd, CniDel, Stamp } from '../../src/protocol.ts';
import { createMemoryStore, type MemoryStoreOptions } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { settle, virtualTimers, type VirtualTimers } from './virtual-timers.ts';

export const silentLog: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Boot ids in the order in which the world was told of them: the last is the node's own. */
export class PretendedNodes implements Nodes {
  readonly #boots = new Map<string, string[]>();

  boot(node: string, bootId: string): void {
    this.#boots.set(node, [...(this.#boots.get(node) ?? []), bootId]);
  }

  async judgeBoot(node: string, bootId: string) {
    const boots = this.#boots.get(node) ?? [];
    if (boots.at(-1) === bootId) return { verdict: 'current' as const, rebooted: false };
    if (boots.includes(bootId)) return { verdict: 'superseded' as const, rebooted: false };
    this.boot(node, bootId);
    return { verdict: 'current' as const, rebooted: boots.length > 0 };
  }

  async isSuperseded(node: string, bootId: string) {
    const boots = this.#boots.get(node) ?? [];
    return boots.includes(bootId) && boots.at(-1) !== bootId;
  }
}

/** A memory store whose bindings do some things otherwise. */
export function storeWith(otherwise: (bindings: Store['bindings']) => Partial<Store['bindings']>): Store {
  const store = createMemoryStore();
  const others = otherwise(store.bindings);
  const bindings = new Proxy(store.bindings, {
    get: (target, property) => {
      const method: unknown = Reflect.get(others, property) ?? Reflect.get(target, property);
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
  return { ...store, bindings, close: () => store.close() };
}

export interface World {
  readonly ipam: Ipam;
  readonly store: Store;
  readonly timers: VirtualTimers;
  readonly nodes: PretendedNodes;
  pool(name: string, spec: PoolSpecInput): Promise<void>;
  add(containerId: string, more?: Partial<CniAdd> & { node?: string; gone?: () => boolean }): ReturnType<Ipam['add']>;
  del(containerId: string, more?: Partial<CniDel> & { node?: string }): ReturnType<Ipam['del']>;
  /** Each call gets a later stamp of its node's boot. */
  stamp(more?: Partial<Stamp>): Stamp;
}

export async function openWorld(options: Partial<Ports> & { readonly memory?: MemoryStoreOptions } = {}): Promise<World> {
  const timers = virtualTimers();
  const nodes = new PretendedNodes();
  const store = options.store ?? createMemoryStore(options.memory);
  const ipam = openIpam({ store, nodes, timers, log: silentLog, ...options });
  for (let turn = 0; turn < 100 && !ipam.synced(); turn++) await settle();
  await ipam.whenSynced();
  let ticks = 1000;
  const stamp = (more: Partial<Stamp> = {}): Stamp => ({
    bootId: 'boot-1',
    startedTicks: ++ticks,
    monotonicNs: `${ticks}0000000`,
    attempt: 0,
    ...more,
  });
  const caller = (node = 'n1', gone = () => false): Caller => ({ node, gone });
  const key = (containerId: string) => ({ cniVersion: '1.0.0', cniNetwork: 'net', containerId, ifName: 'eth0', stamp: stamp() });
  return {
    ipam,
    store,
    timers,
    nodes,
    stamp,
    pool: async (name, spec) => void take(await ipam.applyPool(name, spec)),
    add: (containerId, { node, gone, ...more } = {}) => ipam.add(caller(node, gone), { ...key(containerId), ...more }),
    del: (containerId, { node, ...more } = {}) => ipam.del(caller(node), { ...key(containerId), ...more }),
  };
}

/** The value, or an error that says what was refused. */
export function take<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.refusal.reason}: ${outcome.refusal.detail}`);
  return outcome.value;
}

export function refusalOf(outcome: Outcome<unknown>) {
  if (outcome.ok) throw new Error(`expected a refusal, got ${JSON.stringify(outcome.value)}`);
  return outcome.refusal;
}

/** The first address of an ADD, without its prefix length. */
export const addressOf = async (adding: ReturnType<Ipam['add']>): Promise<string> =>
  take(await adding).addresses[0]!.address.split('/')[0]!;
