/**
 * Follows a collection: lists it page by page from a consistent read, then watches from there, and after whatever goes
 * wrong goes on where it was, or lists again and tells the difference. It never gives up and never invents: an object
 * is `put` when it is new or changed, `removed` when a DELETED event says so (witnessed) or when a complete listing
 * does not have it any more. One that was deleted and made again under its name is removed, then put (LESSONS 12).
 *
 * Only what `trim` returns is kept (LESSONS 32). Time and randomness are parameters.
 */
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import type { Client, Selection } from './client.ts';
import { isOlder, keyOf, resourceName, type KubernetesObject, type ResourceType } from './objects.ts';
import { type ApiStatus, describeStatus, readStatusObject } from './status.ts';
import { backOffMs, wait } from './waiting.ts';
import type { WatchEvent } from './watch-stream.ts';

/** What is kept of an object must say which it is and how new. */
export interface Versioned {
  readonly uid: string;
  /** Its resourceVersion. */
  readonly version: string;
}

export interface ListWatchHandler<T> {
  put(value: T): void;
  removed(value: T, witnessed: boolean): void;
  /**
   * A later complete listing, after its differences have been told: all there is up to that version. Without one: the
   * server went back in time, and this is all there is, whatever the versions.
   */
  relisted?(all: readonly T[], upTo: string | undefined): void;
  /** The first complete listing has been delivered; called once. */
  synced?(): void;
}

export interface ListWatchOptions<T extends Versioned> {
  readonly client: Client;
  readonly type: ResourceType;
  readonly selection?: Selection;
  /** What to keep of an object; throws when it cannot be read, and then it is logged and left as it was. */
  readonly trim: (object: any) => T;
  readonly handler: ListWatchHandler<T>;
  readonly timers: Timers;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Log;
  readonly pageSize?: number;
}

export interface ListWatch<T> {
  synced(): boolean;
  get(key: string): T | undefined;
  values(): Iterable<T>;
  size(): number;
  /** Since the server was last heard: a page, an event, a bookmark. Infinity before the first. */
  staleSeconds(): number;
  /** How often the whole collection was listed. */
  listings(): number;
  /** The server has given this version to a write: a later listing that is older is of a server that went back in time. */
  wrote(version: string): void;
  /** Nothing is delivered afterwards. */
  stop(): void;
}

const PAGE_SIZE = 500;
/**
 * Pods are 5 to 20 kB as a rule, and may be a hundred times as large: 500 of those, which anybody may make in a namespace of
 * theirs, are more than a string holds, and than a controller's memory.
 */
const LARGEST_PAGE_BYTES = 32 * 1024 * 1024;
/** Consecutive listings whose continue token expired before the next is asked for in one piece. */
const EXPIRED_LISTINGS = 2;
const LIST_DEADLINE_MS = 60_000;
const WATCH_SECONDS = 300;
/** API servers send a bookmark about once a minute: after two and a half without a word the connection is taken for dead. */
const IDLE_MS = 150_000;
/** Longer than between two bookmarks: without it a connection that says nothing would be no interruption. */
const SILENT_MS = 75_000;
/** How long after trouble with the connection everything is listed again: what was deleted meanwhile is still heard by the watch. */
const REVIEW_MS = 60_000;

/** Starts at once; nothing is delivered before this returns. */
export function startListWatch<T extends Versioned>(options: ListWatchOptions<T>): ListWatch<T> {
  const loop = new Loop(options);
  void loop.run();
  return {
    synced: () => loop.isSynced,
    get: (key) => loop.known.get(key),
    values: () => loop.known.values(),
    size: () => loop.known.size,
    staleSeconds: () => (options.timers.monotonic() - loop.lastContact) / 1000,
    listings: () => loop.listings,
    wrote: (version) => loop.heardOf(version),
    stop: () => loop.stop(),
  };
}

class Loop<T extends Versioned> {
  readonly known = new Map<string, T>();
  isSynced = false;
  listings = 0;
  lastContact = -Infinity;
  readonly #options: ListWatchOptions<T>;
  readonly #stopping = new AbortController();
  readonly #name: string;
  /** Everything up to here has been delivered; undefined: unknown, so list. */
  #version: string | undefined;
  /** The newest version ever heard of. A listing that is older is of a server that went back in time. */
  #newest: string | undefined;
  /** The next listing is of a server that went back in time: an equal version proves nothing. */
  #isRewound = false;
  /** The connection was lost, and with it the certainty that the server goes on in the same history. */
  #isInDoubt = false;
  #failures = 0;
  #expired = 0;

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    this.#name = resourceName(options.type);
  }

  stop(): void {
    this.#stopping.abort();
  }

  heardOf(version: string): void {
    if (this.#newest === undefined || isOlder(this.#newest, version)) this.#newest = version;
  }

  async run(): Promise<void> {
    const { timers, random, log } = this.#options;
    const { signal } = this.#stopping;
    let wasExpired = false;
    await Promise.resolve();
    while (!signal.aborted) {
      const problem = await this.#step().catch((error: unknown) => error);
      if (signal.aborted) return;
      if (problem === undefined) continue;
      // A server that answers is no outage any more: what comes back to one that has moved on lists again soon.
      const isExpired = isStatus(problem) && problem.reason === 'Expired';
      if (isExpired && !wasExpired) this.#failures = 0;
      wasExpired = isExpired;
      this.#failures++;
      const asked = isStatus(problem) ? (problem.retryAfterSeconds ?? 0) * 1000 : 0;
      const delayMs = Math.round(asked + backOffMs(this.#failures, random));
      const fields = { resource: this.#name, failures: this.#failures, delayMs };
      if (isStatus(problem))
        log.warn({ ...fields, reason: problem.reason, detail: describeStatus(problem) }, 'following a collection failed');
      else {
        this.#isInDoubt = true;
        log.warn({ ...fields, error: problem }, 'following a collection failed');
      }
      await wait(timers, delayMs, signal);
    }
  }

  /** One listing, or one watch. Returns what went wrong, undefined when nothing did. */
  async #step(): Promise<ApiStatus | undefined> {
    // Long enough for a restored server to have overtaken what is known: only a listing tells.
    if (this.#options.timers.monotonic() - this.lastContact > SILENT_MS) this.#version = undefined;
    return this.#version === undefined ? this.#list() : this.#watch(this.#version);
  }

  /**
   * A server that was restored from a backup goes back to older versions, and lets a watch from a version that is still
   * to come wait for it in silence. Nobody restores one without ending its connections: so once a watch is open, one
   * small listing tells which version the server is at. One that has already grown past what is known is not told from
   * one that was only away, so after a long silence everything is listed again at once, and after any trouble in a minute.
   */
  async #checkHistory(version: string): Promise<ApiStatus | undefined> {
    const { client, type, selection } = this.#options;
    const least = this.#newest ?? version;
    const page = await client.list(type, { ...selection, limit: 1 }, { signal: this.#stopping.signal });
    if (!page.ok) return page.status;
    this.#heard();
    if (isOlder(page.value.resourceVersion, least)) this.#version = undefined;
    return undefined;
  }

  #compareHistory(version: string, newest: string | undefined): void {
    this.#isRewound = newest !== undefined && isOlder(version, newest);
    if (!this.#isRewound) return;
    this.#newest = version;
    this.#options.log.warn({ resource: this.#name, version, known: newest }, 'the API server went back in time');
  }

  async #list(): Promise<ApiStatus | undefined> {
    const { client, type, selection, pageSize = PAGE_SIZE } = this.#options;
    const whole = this.#expired >= EXPIRED_LISTINGS;
    const seen = new Set<string>();
    // Of a write that is answered while this listing is under way nothing can be said.
    const newest = this.#newest;
    let from: string | undefined;
    let limit = pageSize;
    for (;;) {
      const query = {
        ...selection,
        ...(!whole && { limit, mostBytes: LARGEST_PAGE_BYTES }),
        ...(from !== undefined && { continue: from }),
      };
      const page = await client.list<KubernetesObject>(type, query, { deadlineMs: LIST_DEADLINE_MS, signal: this.#stopping.signal });
      if (this.#stopping.signal.aborted) return undefined;
      if (!page.ok) {
        if (page.status.reason === 'Expired') this.#expired++;
        if (page.status.reason !== 'TooLarge' || limit === 1) return page.status;
        limit = Math.ceil(limit / 4);
        continue;
      }
      limit = Math.min(pageSize, limit * 2);
      this.#heard();
      if (from === undefined) this.#compareHistory(page.value.resourceVersion, newest);
      for (const object of page.value.items) {
        const key = keyOf(object.metadata);
        seen.add(key);
        this.#put(key, object);
      }
      if (page.value.continue !== undefined) {
        from = page.value.continue;
        continue;
      }
      for (const [key, value] of this.known) if (!seen.has(key)) this.#remove(key, value, false);
      if (this.listings > 0) {
        this.#options.handler.relisted?.([...this.known.values()], this.#isRewound ? undefined : page.value.resourceVersion);
      }
      this.#isRewound = this.#isInDoubt = false;
      this.#expired = 0;
      this.listings++;
      this.#version = page.value.resourceVersion;
      this.heardOf(this.#version);
      if (!this.isSynced && !this.#stopping.signal.aborted) {
        this.isSynced = true;
        this.#options.handler.synced?.();
      }
      return undefined;
    }
  }

  async #watch(version: string): Promise<ApiStatus | undefined> {
    const { client, type, selection, timers, random } = this.#options;
    const idle = new AbortController();
    let cancelIdle = timers.after(IDLE_MS, () => idle.abort());
    // Jittered, so that replicas and collections do not all come back in the same second.
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + random()));
    const review = new AbortController();
    const cancelReview = this.#isInDoubt ? timers.after(REVIEW_MS, () => review.abort()) : undefined;
    const signal = AbortSignal.any([this.#stopping.signal, idle.signal, review.signal]);
    const opened = timers.monotonic();
    try {
      const answer = await client.watch<KubernetesObject>(type, { ...selection, resourceVersion: version, timeoutSeconds }, { signal });
      if (!answer.ok) return this.#refused(answer.status);
      const problem = await this.#checkHistory(version);
      if (problem !== undefined || this.#version === undefined) return problem;
      for await (const event of answer.value) {
        if (this.#stopping.signal.aborted) return undefined;
        cancelIdle();
        cancelIdle = timers.after(IDLE_MS, () => idle.abort());
        if (event.type === 'ERROR') return this.#refused(readStatusObject(event.object, `watch ${this.#name}`));
        this.#heard();
        this.#apply(event);
        this.#failures = 0;
      }
    } catch (error) {
      if (!review.signal.aborted) throw error;
      this.#version = undefined;
      return undefined;
    } finally {
      cancelReview?.();
      cancelIdle();
      idle.abort();
    }
    const openMs = timers.monotonic() - opened;
    // One that ends every watch at once is not to be asked in a tight loop.
    if (openMs >= 1000) this.#failures = 0;
    else await wait(timers, backOffMs(++this.#failures, random), this.#stopping.signal);
    return undefined;
  }

  #refused(status: ApiStatus): ApiStatus {
    if (status.reason === 'Expired' || status.reason === 'NoSuchResource') this.#version = undefined;
    return status;
  }

  #apply({ type, object }: WatchEvent): void {
    const key = keyOf(object.metadata);
    if (type === 'DELETED') {
      const last = this.known.get(key);
      if (last !== undefined) this.#remove(key, last.uid === object.metadata.uid ? (this.#trim(object) ?? last) : last, true);
    } else if (type !== 'BOOKMARK') {
      this.#put(key, object);
    }
    this.#version = object.metadata.resourceVersion;
    if (this.#version !== undefined) this.heardOf(this.#version);
  }

  #put(key: string, object: KubernetesObject): void {
    if (this.#stopping.signal.aborted) return;
    const last = this.known.get(key);
    const { uid, resourceVersion } = object.metadata;
    if (last?.uid === uid && last?.version === resourceVersion && !this.#isRewound) return;
    if (last !== undefined && last.uid !== uid) this.#remove(key, last, false);
    const value = this.#trim(object);
    if (value === undefined) return;
    this.known.set(key, value);
    this.#options.handler.put(value);
  }

  #remove(key: string, value: T, witnessed: boolean): void {
    if (this.#stopping.signal.aborted) return;
    this.known.delete(key);
    this.#options.handler.removed(value, witnessed);
  }

  #trim(object: KubernetesObject): T | undefined {
    try {
      return this.#options.trim(object);
    } catch (error) {
      const { name, resourceVersion } = object.metadata;
      this.#options.log.error({ resource: this.#name, name, resourceVersion, error }, 'an object cannot be read');
      return undefined;
    }
  }

  #heard(): void {
    this.lastContact = this.#options.timers.monotonic();
  }
}

const isStatus = (problem: unknown): problem is ApiStatus => !(problem instanceof Error);
