/**
 * What this replica knows: the records as the store's watch and its own acknowledged writes show them, and the ledger
 * that indexes them. The watch may lag behind an own write, and an own write's answer may come after the watch has
 * shown a later one; versions tell which is newer, so the view never goes back.
 *
 * It only suggests: no answer is given from it without a compare-and-swap or a quorum read (DESIGN section 3, P1).
 */
import { bindingName } from '../core/binding-name.ts';
import type { BindingSpec } from '../core/binding.ts';
import type { Clock } from '../core/clock.ts';
import { Ledger } from '../core/ledger.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import type { Store, Stored, StoreEvent } from '../store/store.ts';
import type { ChangeEvent } from './operations.ts';

/** A record, and when this replica last saw it change, by its own clocks. */
export interface Seen {
  readonly stored: Stored<BindingSpec>;
  readonly monotonic: number;
  readonly wall: number;
}

/** Uids of records removed by this replica that a lagging watch may still show. */
const REMOVED_REMEMBERED = 10_000;

export class View {
  readonly ledger: Ledger;
  readonly #clock: Clock;
  readonly #bindings = new Map<string, Seen>();
  readonly #pools = new Map<string, Stored<PoolSpec>>();
  readonly #removed = new Set<string>();
  readonly #listeners = new Set<(event: ChangeEvent) => void>();
  #generation = 0;
  #missing = 2;
  #whenSynced: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.ledger = new Ledger(clock);
  }

  /** Follows both collections until the returned function is called. */
  follow(store: Store): () => void {
    const synced = () => {
      this.#missing--;
      if (this.#missing > 0) return;
      for (const wake of this.#whenSynced.splice(0)) wake();
    };
    // Pools first: a record that arrives before its pool is indexed twice.
    const stopPools = store.pools.watch({
      event: (event) => this.#onPool(event),
      synced,
      relisted: (all, upTo) => this.#relistPools(all, upTo),
    });
    const stopBindings = store.bindings.watch({
      event: (event) => this.#onBinding(event),
      synced,
      relisted: (all, upTo) => this.#relistBindings(all, upTo),
    });
    return () => {
      stopPools();
      stopBindings();
    };
  }

  synced(): boolean {
    return this.#missing <= 0;
  }

  whenSynced(): Promise<void> {
    return this.synced() ? Promise.resolve() : new Promise((resolve) => this.#whenSynced.push(resolve));
  }

  /** Grows with every change of a binding: a listing made at one generation is stale at another. */
  generation(): number {
    return this.#generation;
  }

  binding(name: string): Stored<BindingSpec> | undefined {
    return this.#bindings.get(name)?.stored;
  }

  seen(name: string): Seen | undefined {
    return this.#bindings.get(name);
  }

  /** The stored record behind a ledger's answer. */
  storedOf(spec: BindingSpec): Stored<BindingSpec> {
    const stored = this.binding(bindingName(spec.network, spec.address));
    if (stored === undefined) throw new Error('the ledger holds a record that the view does not');
    return stored;
  }

  bindings(): Iterable<Seen> {
    return this.#bindings.values();
  }

  bindingCount(): number {
    return this.#bindings.size;
  }

  pools(): Stored<PoolSpec>[] {
    return [...this.#pools.values()];
  }

  pool(name: string): Stored<PoolSpec> | undefined {
    return this.#pools.get(name);
  }

  /** An acknowledged own write, or what a quorum read or a conflict showed. */
  wrote(stored: Stored<BindingSpec>): void {
    if (this.#removed.has(stored.uid)) return;
    const current = this.binding(stored.name);
    if (current === undefined || isNewer(stored, current)) this.correct(stored);
  }

  /** Whatever was known: the store went back in time. */
  correct(stored: Stored<BindingSpec>): void {
    this.#removed.delete(stored.uid);
    const now = { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
    this.#bindings.set(stored.name, { stored, ...now });
    this.ledger.put(stored.spec);
    this.#changed({ kind: 'binding', type: 'put', stored });
  }

  /** An acknowledged own removal, or what a quorum read showed to be gone. */
  forget(stored: Stored<BindingSpec>): void {
    this.#removed.add(stored.uid);
    if (this.#removed.size > REMOVED_REMEMBERED) this.#removed.delete(this.#removed.values().next().value as string);
    this.#drop(stored);
  }

  #drop(stored: Stored<BindingSpec>): void {
    const current = this.binding(stored.name);
    if (current?.uid !== stored.uid) return;
    this.#bindings.delete(stored.name);
    this.ledger.remove(stored.spec.network, stored.spec.address);
    this.#changed({ kind: 'binding', type: 'removed', stored });
  }

  wrotePool(stored: Stored<PoolSpec>): void {
    const current = this.#pools.get(stored.name);
    if (current !== undefined && !isNewer(stored, current)) return;
    this.#pools.set(stored.name, stored);
    this.ledger.putPool({ name: stored.name, uid: stored.uid, spec: stored.spec });
    this.#changed({ kind: 'pool', type: 'put', stored });
  }

  forgetPool(stored: Stored<PoolSpec>): void {
    if (this.#pools.get(stored.name)?.uid !== stored.uid) return;
    this.#pools.delete(stored.name);
    this.ledger.removePool(stored.name);
    this.#changed({ kind: 'pool', type: 'removed', stored });
  }

  subscribe(listener: (event: ChangeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #onBinding(event: StoreEvent<BindingSpec>): void {
    if (event.type === 'put') this.wrote(event.stored);
    else this.forget(event.stored);
  }

  /**
   * What a listing does not have is not remembered as removed: of a server that went back in time it may be older than an
   * own write, and what the watch shows after it is newer than both.
   */
  #relistBindings(all: readonly Stored<BindingSpec>[], upTo: string | undefined): void {
    const known = [...this.#bindings.values()].map(({ stored }) => stored);
    for (const stored of outdated(known, all, upTo)) this.#drop(stored);
    for (const stored of all) {
      this.#removed.delete(stored.uid);
      this.wrote(stored);
    }
  }

  #onPool(event: StoreEvent<PoolSpec>): void {
    if (event.type === 'put') this.wrotePool(event.stored);
    else this.forgetPool(event.stored);
  }

  #relistPools(all: readonly Stored<PoolSpec>[], upTo: string | undefined): void {
    for (const stored of outdated(this.pools(), all, upTo)) this.forgetPool(stored);
    for (const stored of all) this.wrotePool(stored);
  }

  #changed(event: ChangeEvent): void {
    if (event.kind === 'binding') this.#generation++;
    for (const listener of this.#listeners) listener(event);
  }
}

/** What is known and is not so by a listing made anew: only what was written after it is better known than by it. */
function outdated<T>(known: readonly Stored<T>[], all: readonly Stored<T>[], upTo: string | undefined): Stored<T>[] {
  if (upTo === undefined) return [...known];
  const listed = new Map(all.map((stored) => [stored.name, stored]));
  return known.filter((stored) => {
    const now = listed.get(stored.name);
    return !isNewerVersion(stored.version, upTo) && (now?.uid !== stored.uid || isNewer(stored, now));
  });
}

export const isNewer = (a: Stored<unknown>, b: Stored<unknown>): boolean => isNewerVersion(a.version, b.version);

const isNewerVersion = (a: string, b: string): boolean => (a.length !== b.length ? a.length > b.length : a > b);
