/**
 * What etcd and the server's watch cache are together: one revision line for all kinds, the objects as of now, the
 * changes since the last compaction, and a cache that follows behind by a lag. Objects are never changed, only replaced.
 */
import type { Timers } from '../../../src/core/clock.ts';
import { keyOf, type KubernetesObject } from '../../../src/kubernetes/objects.ts';

export interface Change {
  readonly revision: number;
  readonly kind: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: string;
  readonly object: KubernetesObject;
  readonly previous: KubernetesObject | undefined;
}

export type Objects = ReadonlyMap<string, KubernetesObject>;

export interface Backup {
  readonly revision: number;
  readonly objects: ReadonlyMap<string, Objects>;
}

export interface HistoryOptions {
  readonly timers: Timers;
  /** Milliseconds from a commit until the cache and the watches show it. */
  readonly lagMs: () => number;
  /** Hears each change in the moment of its commit. */
  readonly onCommit?: ((change: Change) => void) | undefined;
}

const FIRST_REVISION = 1_000;
const NONE: Objects = new Map();

export class History {
  revision = FIRST_REVISION;
  /** The cache shows everything up to here. */
  cached = FIRST_REVISION;
  /** Changes up to here are forgotten. */
  compacted = FIRST_REVISION;
  /** Hears each change when the cache has it. */
  onCached: (change: Change) => void = () => undefined;
  readonly #options: HistoryOptions;
  #live = new Map<string, Map<string, KubernetesObject>>();
  #cache = new Map<string, Map<string, KubernetesObject>>();
  #changes: Change[] = [];
  #waiting: Change[] = [];
  #lastDue = 0;
  #line = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  live(kind: string): Objects {
    return this.#live.get(kind) ?? NONE;
  }

  cache(kind: string): Objects {
    return this.#cache.get(kind) ?? NONE;
  }

  /** What the cache has shown after that revision. */
  since(revision: number): readonly Change[] {
    return this.#changes.filter((change) => change.revision > revision && change.revision <= this.cached);
  }

  /** Writes (or, with undefined, deletes) one object; returns it as it now is: with its new version. */
  commit(kind: string, key: string, next: KubernetesObject | undefined): KubernetesObject {
    const objects = ofKind(this.#live, kind);
    const previous = objects.get(key);
    const base = next ?? previous;
    if (base === undefined) throw new Error(`${kind} ${key} is not there to be deleted`);
    const revision = ++this.revision;
    const object: KubernetesObject = { ...base, metadata: { ...base.metadata, resourceVersion: String(revision) } };
    if (next === undefined) objects.delete(key);
    else objects.set(key, object);
    const type = next === undefined ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
    const change: Change = { revision, kind, type, key, object, previous };
    this.#changes.push(change);
    this.#options.onCommit?.(change);
    this.#deliver(change);
    return object;
  }

  /** Watches from before now, and listings begun before now, cannot go on. */
  compact(): void {
    this.compacted = this.revision;
    this.#changes = this.#changes.filter((change) => change.revision > this.compacted);
  }

  /** A server that starts reads everything afresh: its cache knows no past. */
  restarted(): void {
    this.#cacheAll();
    this.compact();
  }

  backup(): Backup {
    return { revision: this.revision, objects: new Map([...this.#live].map(([kind, objects]) => [kind, new Map(objects)])) };
  }

  /** Everything since then never happened; the revisions begin again from there. Without a backup: an empty etcd. */
  restore(backup: Backup = { revision: 1, objects: new Map() }): void {
    this.revision = backup.revision;
    this.#live = new Map([...backup.objects].map(([kind, objects]) => [kind, new Map(objects)]));
    this.#changes = [];
    this.restarted();
  }

  #cacheAll(): void {
    this.#line++;
    this.#waiting = [];
    this.#cache = new Map([...this.#live].map(([kind, objects]) => [kind, new Map(objects)]));
    this.cached = this.revision;
  }

  #deliver(change: Change): void {
    const now = this.#options.timers.monotonic();
    const lag = this.#options.lagMs();
    if (lag <= 0 && this.#waiting.length === 0) return this.#show(change);
    this.#waiting.push(change);
    this.#lastDue = Math.max(this.#lastDue, now + lag);
    const line = this.#line;
    this.#options.timers.after(this.#lastDue - now, () => {
      const next = line === this.#line ? this.#waiting.shift() : undefined;
      if (next !== undefined) this.#show(next);
    });
  }

  #show(change: Change): void {
    const objects = ofKind(this.#cache, change.kind);
    if (change.type === 'DELETED') objects.delete(change.key);
    else objects.set(keyOf(change.object.metadata), change.object);
    this.cached = change.revision;
    this.onCached(change);
  }
}

function ofKind(all: Map<string, Map<string, KubernetesObject>>, kind: string): Map<string, KubernetesObject> {
  const objects = all.get(kind) ?? new Map<string, KubernetesObject>();
  all.set(kind, objects);
  return objects;
}
