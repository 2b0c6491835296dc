/**
 * The Store port: what Berth needs of a place that keeps records. Small on purpose; memory, SQLite and Kubernetes
 * implement it and share one contract suite (test/suites/store-contract.ts).
 *
 * An expected "no" (the name exists, the version changed) is a value. An outage is an exception:
 * `StoreUnavailable` when nothing was written, `StoreAmbiguous` when a write was sent and no answer came.
 */
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec } from '../core/pool-spec.ts';

export interface Stored<T> {
  readonly name: string;
  /** Another record of the same name has another uid. */
  readonly uid: string;
  /** Decimal text that grows with every write of the collection (Kubernetes: resourceVersion, comparable by KEP-5504). */
  readonly version: string;
  readonly spec: T;
}

export type Written<T> =
  | { readonly ok: true; readonly stored: Stored<T> }
  /** Exists: create found the name taken (`current` where the store tells). Changed: another uid or version now. Gone: no such record. */
  | { readonly ok: false; readonly conflict: 'Exists' | 'Changed' | 'Gone'; readonly current?: Stored<T> };

export type StoreEvent<T> =
  | { readonly type: 'put'; readonly stored: Stored<T> }
  /** `stored` is what was deleted. `witnessed`: the deletion itself was seen, not inferred from a relist. */
  | { readonly type: 'removed'; readonly stored: Stored<T>; readonly witnessed: boolean };

export interface Watcher<T> {
  event(event: StoreEvent<T>): void;
  /** The first full listing has been delivered; called once. */
  synced(): void;
  /**
   * A store whose watch broke listed everything anew: this is all there is up to that version, whatever was told
   * before (a server restored from a backup brings back what had been removed). Without a version the store went back
   * in time, and this is all there is. A store to which this cannot happen never calls it.
   */
  relisted?(all: readonly Stored<T>[], upTo: string | undefined): void;
}

export interface Collection<T> {
  /** A consistent (quorum) listing. */
  list(): Promise<readonly Stored<T>[]>;
  /** A consistent (quorum) read. */
  get(name: string): Promise<Stored<T> | undefined>;
  /**
   * Delivers everything there is as `put`, then `synced`, then every later change in order (a deletion and a
   * re-creation under one name as two events) until the returned function is called.
   */
  watch(watcher: Watcher<T>): () => void;
  create(name: string, spec: T): Promise<Written<T>>;
  /** Compare-and-swap on uid and version. */
  replace(old: Stored<T>, spec: T): Promise<Written<T>>;
  /** Deletes exactly that uid and version. */
  remove(old: Stored<T>): Promise<Written<T>>;
}

export interface Store {
  readonly bindings: Collection<BindingSpec>;
  readonly pools: Collection<PoolSpec>;
  close(): Promise<void>;
}

/** The store could not be asked; nothing was written. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** A write was sent and its answer lost: read by name before anything else. */
export class StoreAmbiguous extends Error {
  override readonly name = 'StoreAmbiguous';
}
