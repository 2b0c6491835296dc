/**
 * The Store port in memory: for tests, for the simulation, and as the shortest reading of the contract. Deterministic
 * (ids come from a counter), and able to misbehave on request in the ways a store over a network does.
 */
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import { StoreAmbiguous, StoreUnavailable } from './store.ts';
import type { Collection, Store, StoreEvent, Stored, Watcher, Written } from './store.ts';

export interface MemoryOperation {
  readonly collection: 'bindings' | 'pools';
  readonly verb: 'list' | 'get' | 'create' | 'replace' | 'remove';
  /** Absent for a list. */
  readonly name?: string;
}

/**
 * What happens to an operation. `unavailable`: not done, and the caller is told so. `lost`: not done, the caller is
 * told that nobody knows. `unanswered`: done, the caller is told that nobody knows. (For a read all three mean unavailable.)
 */
export type MemoryFault = 'unavailable' | 'lost' | 'unanswered';

export interface MemoryStoreOptions {
  /** Asked before each operation; a promise delays it. */
  readonly fault?: (operation: MemoryOperation) => MemoryFault | undefined | Promise<MemoryFault | undefined>;
  /** Hands a watcher's next step over; call `deliver` at once or later, but keep the order. At once unless said. */
  readonly lag?: (deliver: () => void) => void;
}

/** Opens an empty store. Everything kept is a copy, as it would be on a disk. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  let last = 0;
  const next = (): string => String(++last);
  const bindings = new MemoryCollection<BindingSpec>('bindings', next, options);
  const pools = new MemoryCollection<PoolSpec>('pools', next, options);
  return {
    bindings,
    pools,
    close: async () => {
      bindings.close();
      pools.close();
    },
  };
}

class MemoryCollection<T> implements Collection<T> {
  readonly #kind: MemoryOperation['collection'];
  readonly #next: () => string;
  readonly #options: MemoryStoreOptions;
  readonly #records = new Map<string, Stored<T>>();
  readonly #watchers = new Set<Watcher<T>>();
  #closed = false;

  constructor(kind: MemoryOperation['collection'], next: () => string, options: MemoryStoreOptions) {
    this.#kind = kind;
    this.#next = next;
    this.#options = options;
  }

  async list(): Promise<readonly Stored<T>[]> {
    await this.#read({ collection: this.#kind, verb: 'list' });
    return this.#sorted();
  }

  async get(name: string): Promise<Stored<T> | undefined> {
    await this.#read({ collection: this.#kind, verb: 'get', name });
    return this.#records.get(name);
  }

  create(name: string, spec: T): Promise<Written<T>> {
    const kept = copy(spec);
    return this.#write('create', name, () => {
      const current = this.#records.get(name);
      if (current) return { ok: false, conflict: 'Exists', current };
      return this.#put({ name, uid: `uid-${this.#next()}`, version: this.#next(), spec: kept });
    });
  }

  replace(old: Stored<T>, spec: T): Promise<Written<T>> {
    const kept = copy(spec);
    return this.#write('replace', old.name, () => {
      const refused = this.#compare(old);
      if (refused) return refused;
      return this.#put({ name: old.name, uid: old.uid, version: this.#next(), spec: kept });
    });
  }

  remove(old: Stored<T>): Promise<Written<T>> {
    return this.#write('remove', old.name, () => {
      const refused = this.#compare(old);
      if (refused) return refused;
      const stored = this.#records.get(old.name) as Stored<T>;
      this.#records.delete(old.name);
      this.#tell({ type: 'removed', stored, witnessed: true });
      return { ok: true, stored };
    });
  }

  watch(watcher: Watcher<T>): () => void {
    let open = true;
    const watching: Watcher<T> = {
      event: (event) => this.#deliver(() => open && watcher.event(event)),
      synced: () => this.#deliver(() => open && watcher.synced()),
    };
    // Never before watch() has returned: the caller has no way to stop until then.
    queueMicrotask(() => {
      if (!open || this.#closed) return;
      for (const stored of this.#sorted()) watching.event({ type: 'put', stored });
      watching.synced();
      this.#watchers.add(watching);
    });
    return () => {
      open = false;
      this.#watchers.delete(watching);
    };
  }

  close(): void {
    this.#closed = true;
    this.#watchers.clear();
  }

  #sorted(): readonly Stored<T>[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The conflict that stands in the way of a write to exactly this uid and version. */
  #compare(old: Stored<T>): Written<T> | undefined {
    const current = this.#records.get(old.name);
    if (!current) return { ok: false, conflict: 'Gone' };
    if (current.uid !== old.uid || current.version !== old.version) return { ok: false, conflict: 'Changed', current };
    return undefined;
  }

  #put(stored: Stored<T>): Written<T> {
    this.#records.set(stored.name, stored);
    this.#tell({ type: 'put', stored });
    return { ok: true, stored };
  }

  #tell(event: StoreEvent<T>): void {
    for (const watcher of this.#watchers) watcher.event(event);
  }

  #deliver(step: () => void): void {
    if (this.#options.lag) this.#options.lag(step);
    else step();
  }

  async #read(operation: MemoryOperation): Promise<void> {
    const fault = await this.#options.fault?.(operation);
    if (fault || this.#closed) throw new StoreUnavailable('the store cannot be read');
  }

  async #write(verb: 'create' | 'replace' | 'remove', name: string, apply: () => Written<T>): Promise<Written<T>> {
    const fault = await this.#options.fault?.({ collection: this.#kind, verb, name });
    if (fault === 'unavailable' || this.#closed) throw new StoreUnavailable('the store cannot be written');
    if (fault === 'lost') throw new StoreAmbiguous('no answer to a write');
    const written = apply();
    if (fault === 'unanswered') throw new StoreAmbiguous('no answer to a write');
    return written;
  }
}

const copy = <T>(spec: T): T => JSON.parse(JSON.stringify(spec)) as T;
