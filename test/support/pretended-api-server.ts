/**
 * A pretended API server: what Berth needs of a real one, deterministic and on virtual time. `transport` goes where the
 * client's HTTP would (no sockets); pretended-api-server/listener.ts puts a real HTTP server in front.
 *
 * It keeps one line of resource versions over all kinds, and shows the unpleasant sides of a real one on demand:
 * watches that lag, stale cached reads, compaction, tokens that expire, answers lost after the commit, bodies cut
 * anywhere, restarts, and backups that take history back. Two things are simpler than in reality: admission and
 * schemas are one `validate` per kind, and field selectors work on any path.
 */
import type { Timers } from '../../src/core/clock.ts';
import { ByteQueue } from '../../src/kubernetes/byte-queue.ts';
import { keyOf, type KubernetesObject, type ResourceType } from '../../src/kubernetes/objects.ts';
import { TransportError, type HttpAnswer, type HttpRequest, type Transport } from '../../src/kubernetes/transport.ts';
import { failure, forbidden, json, tooManyRequests, unknownPath, unknownResource, type Reply } from './pretended-api-server/answers.ts';
import type { Fault, FaultChooser } from './pretended-api-server/faults.ts';
import { History, type Backup, type Change } from './pretended-api-server/history.ts';
import { KINDS, kindId, type Kind } from './pretended-api-server/kinds.ts';
import { Listings } from './pretended-api-server/listings.ts';
import { parsePath, verbOf, type Parsed } from './pretended-api-server/paths.ts';
import { Tokens, type AccessReviewBody, type TokenReviewBody } from './pretended-api-server/reviews.ts';
import { Verbs } from './pretended-api-server/verbs.ts';
import { Watches } from './pretended-api-server/watches.ts';

export type { Backup, Change } from './pretended-api-server/history.ts';
export type { Fault } from './pretended-api-server/faults.ts';
export { randomFaults } from './pretended-api-server/faults.ts';

export interface PretendedOptions {
  readonly timers: Timers;
  /** 0 to 1: where bodies are cut into pieces, and whatever else is left to chance. */
  readonly random: () => number;
  /** Milliseconds before a request is looked at; 0 unless said. */
  readonly latencyMs?: () => number;
  /** Milliseconds from a commit until watches and cached reads show it; 0 unless said. Their order is kept. */
  readonly lagMs?: () => number;
  readonly fault?: FaultChooser;
  /** Hears each change in the moment of its commit: what is checked there cannot be missed. */
  readonly onCommit?: (change: Change) => void;
  readonly bookmarkEveryMs?: number;
  readonly kinds?: readonly Kind[];
  /** Answers SubjectAccessReviews; yes unless said. */
  readonly allows?: (review: AccessReviewBody) => boolean;
}

export class PretendedApiServer {
  readonly transport: Transport = (request, signal) => this.#send(request, signal);
  readonly tokens: Tokens;
  /** What was asked, in order: "list pods", "create addressbindings.berth-ipam.dev". */
  readonly asked: string[] = [];
  readonly #options: PretendedOptions;
  readonly #history: History;
  readonly #verbs: Verbs;
  readonly #listings: Listings;
  readonly #watches: Watches;
  readonly #kinds: Kind[];
  readonly #forbidden = new Set<string>();
  readonly #connections = new Set<(error: Error) => void>();
  #isUp = true;

  constructor(options: PretendedOptions) {
    const { timers, lagMs = () => 0, bookmarkEveryMs = 60_000, kinds = KINDS, onCommit } = options;
    this.#options = options;
    this.#kinds = [...kinds];
    this.#history = new History({ timers, lagMs, onCommit });
    this.#verbs = new Verbs(this.#history, timers);
    this.#listings = new Listings(this.#history);
    this.#watches = new Watches({ history: this.#history, timers, bookmarkEveryMs });
    this.tokens = new Tokens(timers);
  }

  // The tests' own doors: at once, without faults, never refused.

  objects<T extends KubernetesObject>(type: ResourceType): readonly T[] {
    return [...this.#history.live(kindId(type)).values()] as unknown as readonly T[];
  }

  object<T extends KubernetesObject>(type: ResourceType, key: string): T | undefined {
    return this.#history.live(kindId(type)).get(key) as T | undefined;
  }

  /** Creates it, or overwrites what is there (status too); returns it as written. */
  put<T extends KubernetesObject>(type: ResourceType, object: T): T {
    const kind = this.#kind(type);
    const current = this.#history.live(kindId(type)).get(keyOf(object.metadata));
    if (current === undefined) return this.#verbs.add(kind, object.metadata.namespace, object) as T;
    const metadata = { ...object.metadata, uid: current.metadata.uid as string, generation: (current.metadata.generation ?? 1) + 1 };
    return this.#verbs.write(kind, current, { ...current, ...object, metadata }) as T;
  }

  /** Gone at once, whatever its grace or finalizers. */
  delete(type: ResourceType, key: string): void {
    this.#history.commit(kindId(type), key, undefined);
  }

  revision(): string {
    return String(this.#history.revision);
  }

  openWatches(): number {
    return this.#watches.count();
  }

  /** Forgets history: watches from before, and continue tokens, expire. */
  compact(): void {
    this.#history.compact();
  }

  /** Breaks every connection. */
  dropConnections(): void {
    for (const drop of [...this.#connections]) drop(new TransportError('the connection was reset', true));
  }

  stop(): void {
    this.#isUp = false;
    this.dropConnections();
  }

  start(): void {
    this.#isUp = true;
    this.#history.restarted();
  }

  restart(): void {
    this.stop();
    this.start();
  }

  backup(): Backup {
    return this.#history.backup();
  }

  /** As administrators do: the server stops, etcd goes back to the backup (or to nothing), the server starts. */
  restore(backup?: Backup): void {
    this.stop();
    this.#history.restore(backup);
    this.start();
  }

  /** "create", "watch", …: answered with 403 from now on. */
  forbid(verb: string, type: ResourceType): void {
    this.#forbidden.add(`${verb} ${kindId(type)}`);
  }

  allow(verb: string, type: ResourceType): void {
    this.#forbidden.delete(`${verb} ${kindId(type)}`);
  }

  /** Removes a kind (its CRD), with all its objects. */
  uninstall(type: ResourceType): void {
    for (const key of [...this.#history.live(kindId(type)).keys()]) this.delete(type, key);
    this.#kinds.splice(this.#kinds.indexOf(this.#kind(type)), 1);
  }

  install(kind: Kind): void {
    this.#kinds.push(kind);
  }

  #kind(type: ResourceType): Kind {
    const kind = this.#kinds.find((kind) => kindId(kind) === kindId(type));
    if (kind === undefined) throw new Error(`the pretended API server does not serve ${kindId(type)}`);
    return kind;
  }

  #send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { timers, latencyMs = () => 0, fault } = this.#options;
    return new Promise((resolve, reject) => {
      const connection = (error: Error): void => {
        settle();
        reject(error);
      };
      const onAbort = (): void => connection(new TransportError('the call was given up', true));
      const settle = (): void => {
        this.#connections.delete(connection);
        signal.removeEventListener('abort', onAbort);
      };
      if (signal.aborted) return reject(new TransportError('the call was given up', false));
      if (!this.#isUp) return reject(new TransportError('the connection was refused', false));
      this.#connections.add(connection);
      signal.addEventListener('abort', onAbort);
      const chosen = fault?.(request);
      const begin = (): void => {
        // Whoever has been cut off or has left meanwhile is not served.
        if (!this.#connections.has(connection)) return;
        const answer = this.#serve(request, signal, chosen);
        if (answer === undefined) return;
        settle();
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      const delayMs = latencyMs() + (chosen?.kind === 'slow' ? chosen.ms : 0);
      if (delayMs > 0) timers.after(delayMs, begin);
      else begin();
    });
  }

  /** Undefined: there will never be an answer. */
  #serve(request: HttpRequest, signal: AbortSignal, fault: Fault | undefined): HttpAnswer | Error | undefined {
    switch (fault?.kind) {
      case 'refused':
        return new TransportError('the connection was refused', false);
      case 'lost':
        return new TransportError('the connection was reset', true);
      case 'unanswered':
        this.#reply(request);
        return new TransportError('the connection was reset', true);
      case 'hangs':
        if (fault.done) this.#reply(request);
        return undefined;
      case 'status':
        if (fault.done) this.#reply(request);
        return this.#whole(fault.code === 429 ? tooManyRequests(fault.retryAfterSeconds ?? 1) : serverError(fault.code));
      default: {
        const cut = fault?.kind === 'cut' ? fault : undefined;
        const parsed = parsePath(request, this.#kinds);
        if (parsed?.verb !== 'watch') return this.#whole(this.#reply(request, parsed), cut);
        const refused = this.#refusal(parsed);
        return refused === undefined ? this.#watch(parsed, signal, cut, fault?.kind === 'silent') : this.#whole(refused, cut);
      }
    }
  }

  #reply(request: HttpRequest, parsed = parsePath(request, this.#kinds)): Reply {
    if (parsed === undefined) return this.#special(request);
    this.asked.push(verbOf(parsed));
    const refused = this.#refusal(parsed);
    if (refused !== undefined) return refused;
    const { kind, namespace, name, subresource, verb, query } = parsed;
    const body = (request.body === undefined || request.body === '' ? {} : JSON.parse(request.body)) as any;
    if (name === undefined)
      return verb === 'create' ? this.#verbs.create(kind, namespace, body) : this.#listings.list(kind, namespace, query);
    const address = { kind, namespace, name, subresource };
    switch (verb) {
      case 'get':
        return this.#verbs.get(address);
      case 'update':
        return this.#verbs.update(address, body);
      case 'patch':
        return this.#verbs.patch(address, body, request.contentType ?? '');
      case 'delete':
        return this.#verbs.remove(address, body);
      default:
        return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
    }
  }

  #refusal({ verb, kind }: Parsed): Reply | undefined {
    return this.#forbidden.has(`${verb} ${kindId(kind)}`) ? forbidden(verb, kind) : undefined;
  }

  #special({ path, body = '{}' }: HttpRequest): Reply {
    if (path === '/readyz' || path === '/livez') return { status: 200, headers: {}, body: 'ok' };
    if (path === '/version') return json(200, { major: '1', minor: '37', gitVersion: 'v1.37.2' });
    if (path.endsWith('/tokenreviews')) return json(201, this.tokens.review(JSON.parse(body) as TokenReviewBody));
    if (path.endsWith('/subjectaccessreviews')) {
      const review = JSON.parse(body) as AccessReviewBody;
      return json(201, { ...review, status: { allowed: this.#options.allows?.(review) ?? true } });
    }
    const known = this.#kinds.some(({ group, version }) => group !== '' && path.startsWith(`/apis/${group}/${version}/`));
    return known || path.startsWith('/api/v1/') ? unknownResource() : unknownPath();
  }

  #whole({ status, headers, body }: Reply, cut?: Fault & { kind: 'cut' }): HttpAnswer {
    const queue = new ByteQueue();
    const bytes = Buffer.from(body);
    if (cut !== undefined && cut.afterBytes < bytes.length) {
      this.#pour(queue, bytes.subarray(0, cut.afterBytes));
      queue.end(new TransportError('the connection was reset', true));
    } else {
      this.#pour(queue, bytes);
      queue.end();
    }
    return { status, headers, body: queue };
  }

  #watch(parsed: Parsed, signal: AbortSignal, cut: (Fault & { kind: 'cut' }) | undefined, silent: boolean): HttpAnswer {
    this.asked.push(verbOf(parsed));
    let left = cut?.afterBytes ?? Infinity;
    const queue = new ByteQueue(undefined, () => close());
    const drop = (error?: Error): void => {
      close();
      queue.end(error);
    };
    const sink = {
      line: (text: string): void => {
        if (silent) return;
        const bytes = Buffer.from(`${text}\n`);
        this.#pour(queue, bytes.subarray(0, left));
        left -= bytes.length;
        if (left < 0) drop(cut?.clean ? undefined : new TransportError('the connection was reset', true));
      },
      end: (): void => drop(),
    };
    let stop: (() => void) | undefined;
    let isOpen = true;
    const onAbort = (): void => drop(new TransportError('the call was given up', true));
    const close = (): void => {
      isOpen = false;
      stop?.();
      this.#connections.delete(drop);
      signal.removeEventListener('abort', onAbort);
    };
    this.#connections.add(drop);
    signal.addEventListener('abort', onAbort);
    stop = this.#watches.open(parsed.kind, parsed.namespace, parsed.query, sink);
    if (!isOpen) stop(); // what it had to say at once was too much for it
    return { status: 200, headers: { 'content-type': 'application/json' }, body: queue };
  }

  /** In pieces that end anywhere, also within a character. */
  #pour(queue: ByteQueue, bytes: Uint8Array): void {
    const at = Math.floor(this.#options.random() * (bytes.length + 1));
    for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) if (piece.length > 0) queue.push(piece);
  }
}

const serverError = (code: number): Reply => failure(code, 'InternalError', 'etcdserver: request timed out');
