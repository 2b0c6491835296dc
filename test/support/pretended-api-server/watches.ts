/** Watches: fed by the cache, with bookmarks and time-outs; too old a version is told as an ERROR event, as real servers do. */
import type { Timers } from '../../../src/core/clock.ts';
import { apiVersionOf, type KubernetesObject } from '../../../src/kubernetes/objects.ts';
import type { Change, History } from './history.ts';
import { filterOf, sorted } from './listings.ts';
import { kindId, type Kind } from './kinds.ts';
import type { Filter } from './selectors.ts';

/** Where the lines of a watch go. */
export interface Sink {
  line(text: string): void;
  end(): void;
}

interface Watch {
  readonly kind: Kind;
  readonly filter: Filter;
  readonly from: number;
  readonly sink: Sink;
  readonly bookmarks: boolean;
  close(): void;
}

export interface WatchesOptions {
  readonly history: History;
  readonly timers: Timers;
  readonly bookmarkEveryMs: number;
}

export class Watches {
  readonly #options: WatchesOptions;
  readonly #open = new Set<Watch>();

  constructor(options: WatchesOptions) {
    this.#options = options;
    options.history.onCached = (change) => this.#feed(change);
  }

  count(): number {
    return this.#open.size;
  }

  /** Returns how to close it from outside. */
  open(kind: Kind, namespace: string | undefined, query: URLSearchParams, sink: Sink): () => void {
    const { history, timers, bookmarkEveryMs } = this.#options;
    const version = query.get('resourceVersion') ?? '';
    const fresh = version === '' || version === '0';
    const from = fresh ? history.cached : Number(version);
    if (from < history.compacted) {
      const message = `too old resource version: ${version} (${history.compacted})`;
      const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: 'Expired', code: 410 };
      sink.line(JSON.stringify({ type: 'ERROR', object: status }));
      sink.end();
      return () => undefined;
    }
    const cancels: (() => void)[] = [];
    const watch: Watch = {
      kind,
      filter: filterOf(namespace, query),
      from,
      sink,
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      close: () => {
        this.#open.delete(watch);
        for (const cancel of cancels) cancel();
      },
    };
    if (fresh) for (const object of sorted(history.cache(kindId(kind)), watch.filter)) send(watch, 'ADDED', object);
    for (const change of history.since(from)) this.#tell(watch, change);
    this.#open.add(watch);
    const seconds = Number(query.get('timeoutSeconds') ?? 1800);
    cancels.push(
      timers.after(seconds * 1000, () => {
        this.#bookmark(watch);
        watch.close();
        sink.end();
      }),
    );
    if (watch.bookmarks) cancels.push(every(timers, bookmarkEveryMs, () => this.#bookmark(watch)));
    return () => watch.close();
  }

  #feed(change: Change): void {
    for (const watch of this.#open) this.#tell(watch, change);
  }

  #tell(watch: Watch, { kind, revision, type, object, previous }: Change): void {
    if (kind !== kindId(watch.kind) || revision <= watch.from) return;
    const was = previous !== undefined && watch.filter(previous);
    const is = type !== 'DELETED' && watch.filter(object);
    if (is) send(watch, was ? 'MODIFIED' : 'ADDED', object);
    // What leaves the selection is deleted as far as this watch goes, and carries the version at which it left.
    else if (was) send(watch, 'DELETED', { ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } });
  }

  #bookmark(watch: Watch): void {
    // A watch from a version that is still to come (history was taken back) hears nothing until it has come.
    const { cached } = this.#options.history;
    if (!watch.bookmarks || cached < watch.from) return;
    const metadata = { resourceVersion: String(cached) };
    watch.sink.line(
      JSON.stringify({ type: 'BOOKMARK', object: { kind: watch.kind.kind, apiVersion: apiVersionOf(watch.kind), metadata } }),
    );
  }
}

const send = (watch: Watch, type: string, object: KubernetesObject): void => watch.sink.line(JSON.stringify({ type, object }));

function every(timers: Timers, ms: number, run: () => void): () => void {
  let isOver = false;
  let cancel = timers.after(ms, function again() {
    run();
    if (!isOver) cancel = timers.after(ms, again);
  });
  return () => {
    isOver = true;
    cancel();
  };
}
