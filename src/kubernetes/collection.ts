/** One type of custom resource as a Collection of the Store port. */
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import { StoreAmbiguous, StoreUnavailable } from '../store/store.ts';
import type { Collection, Stored, Watcher, Written } from '../store/store.ts';
import type { Client, Page } from './client.ts';
import { startListWatch, type ListWatch } from './list-watch.ts';
import { resourceName, type KubernetesObject, type ResourceType } from './objects.ts';
import { ApiUnreachable, describeStatus, type ApiAnswer, type ApiStatus } from './status.ts';

/** Between a record and its custom resource; pure. */
export interface Conversion<T> {
  readonly type: ResourceType;
  /** `metadata` holds no more than the name; the collection adds uid and version. */
  toObject(name: string, spec: T): KubernetesObject;
  /** Throws when the object is none that Berth could have written. */
  toSpec(object: any): T;
}

export interface CollectionOptions<T> {
  readonly client: Client;
  readonly conversion: Conversion<T>;
  /** People label and annotate these too: a replace leaves everything but the spec as it is. */
  readonly keepsMetadata: boolean;
  readonly timers: Timers;
  readonly random: () => number;
  readonly log: Log;
}

const PAGE_SIZE = 500;
const LIST_DEADLINE_MS = 60_000;
const LISTINGS = 3;

export class KubernetesCollection<T> implements Collection<T> {
  readonly #options: CollectionOptions<T>;
  readonly #client: Client;
  readonly #conversion: Conversion<T>;
  readonly #type: ResourceType;
  readonly #watches = new Set<ListWatch<Stored<T>>>();
  #closed = false;

  constructor(options: CollectionOptions<T>) {
    this.#options = options;
    this.#client = options.client;
    this.#conversion = options.conversion;
    this.#type = options.conversion.type;
  }

  /** Pages of one listing show one version; when their token expires on the way it starts again, at last in one piece. */
  async list(): Promise<readonly Stored<T>[]> {
    for (let listing = 1; ; listing++) {
      const records: Stored<T>[] = [];
      let from: string | undefined;
      do {
        const query = { ...(listing < LISTINGS && { limit: PAGE_SIZE }), ...(from !== undefined && { continue: from }) };
        const page: ApiAnswer<Page<KubernetesObject>> = await this.#ask(() =>
          this.#client.list(this.#type, query, { deadlineMs: LIST_DEADLINE_MS }),
        );
        if (!page.ok) {
          if (page.status.reason === 'Expired' && listing < LISTINGS) break;
          throw new StoreUnavailable(explain(page.status));
        }
        for (const object of page.value.items) {
          const stored = this.#readable(object);
          if (stored !== undefined) records.push(stored);
        }
        from = page.value.continue;
        if (from === undefined) return records;
      } while (from !== undefined);
    }
  }

  async get(name: string): Promise<Stored<T> | undefined> {
    const answer = await this.#ask(() => this.#client.get<KubernetesObject>(this.#type, { name }));
    if (answer.ok) return this.#understood(answer.value);
    if (answer.status.reason === 'NotFound') return undefined;
    throw new StoreUnavailable(explain(answer.status));
  }

  watch(watcher: Watcher<T>): () => void {
    const { client, timers, random, log } = this.#options;
    if (this.#closed) return () => undefined;
    const watch = startListWatch<Stored<T>>({
      client,
      type: this.#type,
      trim: (object) => this.#toStored(object),
      handler: {
        put: (stored) => watcher.event({ type: 'put', stored }),
        removed: (stored, witnessed) => watcher.event({ type: 'removed', stored, witnessed }),
        relisted: (all, upTo) => watcher.relisted?.(all, upTo),
        synced: () => watcher.synced(),
      },
      timers,
      random,
      log,
    });
    this.#watches.add(watch);
    return () => {
      watch.stop();
      this.#watches.delete(watch);
    };
  }

  create(name: string, spec: T): Promise<Written<T>> {
    const object = this.#conversion.toObject(name, spec);
    return this.#write(() => this.#client.create(this.#type, object));
  }

  replace(old: Stored<T>, spec: T): Promise<Written<T>> {
    const object = this.#conversion.toObject(old.name, spec);
    const { name, uid, version: resourceVersion } = old;
    if (!this.#options.keepsMetadata) {
      return this.#write(() => this.#client.replace(this.#type, { ...object, metadata: { ...object.metadata, uid, resourceVersion } }));
    }
    return this.#write(() =>
      this.#client.patch(this.#type, { name }, [
        // Another uid or version than the object's own is a conflict: this is the compare of the compare-and-swap.
        { op: 'replace', path: '/metadata/uid', value: uid },
        { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
        { op: 'replace', path: '/spec', value: (object as { spec?: unknown }).spec },
      ]),
    );
  }

  async remove(old: Stored<T>): Promise<Written<T>> {
    const preconditions = { uid: old.uid, resourceVersion: old.version };
    const answer = await this.#answer(() => this.#client.remove(this.#type, { name: old.name }, preconditions));
    if ('conflict' in answer) return answer;
    // Somebody's finalizer keeps it: it is marked, but the name is still taken.
    if ((answer.value.metadata.finalizers ?? []).length > 0) {
      return { ok: false, conflict: 'Changed', current: this.#understood(answer.value) };
    }
    return { ok: true, stored: old };
  }

  /** Seconds since the API server was last heard of this type; Infinity before, and where nothing is watched. */
  staleSeconds(): number {
    return Math.min(...[...this.#watches].map((watch) => watch.staleSeconds()));
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
  }

  async #write(send: () => Promise<ApiAnswer<KubernetesObject>>): Promise<Written<T>> {
    const answer = await this.#answer(send);
    if ('conflict' in answer) return answer;
    const stored = this.#readable(answer.value);
    if (stored === undefined) throw new StoreAmbiguous('the API server has made something unreadable of what was written');
    for (const watch of this.#watches) watch.wrote(stored.version);
    return { ok: true, stored };
  }

  /** What became of a write: the object, a conflict, or an exception that says whether it may have been done. */
  async #answer(
    send: () => Promise<ApiAnswer<KubernetesObject>>,
  ): Promise<{ readonly value: KubernetesObject } | { readonly ok: false; readonly conflict: 'Exists' | 'Changed' | 'Gone' }> {
    const answer = await this.#ask(send, true);
    if (answer.ok) return answer;
    switch (answer.status.reason) {
      case 'AlreadyExists':
        return { ok: false, conflict: 'Exists' };
      case 'Conflict':
        return { ok: false, conflict: 'Changed' };
      case 'NotFound':
        return { ok: false, conflict: 'Gone' };
      case 'ServerError':
        throw new StoreAmbiguous(explain(answer.status));
      default:
        throw new StoreUnavailable(explain(answer.status));
    }
  }

  async #ask<A>(send: () => Promise<A>, writes = false): Promise<A> {
    if (this.#closed) throw new StoreUnavailable('the store is closed');
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiUnreachable)) throw error;
      if (writes && error.sent) throw new StoreAmbiguous(`${error.message}: nobody knows whether it was written`, { cause: error });
      throw new StoreUnavailable(error.message, { cause: error });
    }
  }

  /** An object that somebody has made unreadable is passed over in a listing: the others are still there. */
  #readable(object: KubernetesObject): Stored<T> | undefined {
    try {
      return this.#toStored(object);
    } catch (error) {
      const { name, resourceVersion } = object.metadata;
      this.#options.log.error({ resource: resourceName(this.#type), name, resourceVersion, error }, 'an object cannot be read');
      return undefined;
    }
  }

  /** Asked for by name, an unreadable object is an outage of that name. */
  #understood(object: KubernetesObject): Stored<T> {
    try {
      return this.#toStored(object);
    } catch (error) {
      throw new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  #toStored(object: KubernetesObject): Stored<T> {
    const { name, uid, resourceVersion } = object.metadata;
    if (uid === undefined || resourceVersion === undefined) throw new Error(`${name} has no uid or version`);
    return { name, uid, version: resourceVersion, spec: this.#conversion.toSpec(object) };
  }
}

/** One sentence for a person: what is missing, or what the API server said. */
function explain(status: ApiStatus): string {
  const { reason, message, lacks } = status;
  if (lacks !== undefined) return `the API server does not let this controller ${lacks}: ${message}`;
  if (reason === 'Unauthorized') return `the API server does not accept this controller's credentials: ${message}`;
  return describeStatus(status, `the API server refused: ${message}`);
}
