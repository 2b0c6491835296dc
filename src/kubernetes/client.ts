/**
 * Plain REST to an API server. client-node's generated classes are not used: each of their calls builds an undici
 * Agent and so a TLS connection, they parse every object into class instances, and they do not tell "refused before it
 * was sent" from "sent, and no answer", on which the store depends. What is used of client-node is its kubeconfig and
 * credentials (credentials.ts).
 *
 * Every call has one deadline, retries included. Reads are repeated after a broken connection, 429 and 5xx; writes
 * only after 429, which an API server says before it does anything.
 */
import type { Timers } from '../core/clock.ts';
import { pathOf, resourceName, type KubernetesObject, type ResourceType } from './objects.ts';
import { ApiUnreachable, readStatus, type ApiAnswer } from './status.ts';
import { readAtMost, readText, TransportError, type HttpAnswer, type HttpRequest, type Transport } from './transport.ts';
import { backOffMs, wait } from './waiting.ts';
import { readEvents, type WatchEvent } from './watch-stream.ts';

export interface Target {
  readonly namespace?: string;
  readonly name: string;
}

export interface Selection {
  /** All namespaces unless said. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface PageQuery extends Selection {
  readonly limit?: number;
  /** From the page before. */
  readonly continue?: string;
  /** From the server's cache, whatever its age: by a selector it looks at memory, where a quorum read goes through etcd. */
  readonly mayBeOld?: boolean;
  /** A page that is larger is given up, and refused as TooLarge. */
  readonly mostBytes?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** The version of the collection that all pages of one listing show; a watch goes on from here. */
  readonly resourceVersion: string;
  readonly continue?: string;
}

export interface WatchQuery extends Selection {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

/** JSON patch (RFC 6902). */
export type JsonPatch = readonly { readonly op: 'add' | 'remove' | 'replace' | 'test'; readonly path: string; readonly value?: unknown }[];

export interface CallOptions {
  /** Milliseconds for the whole call; 10 s unless said. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Refusals are values; without an answer a call throws ApiUnreachable. */
export interface Client {
  /** One page of a consistent (quorum) listing: the server's cache is not asked unless the query allows it. */
  list<T extends KubernetesObject>(type: ResourceType, query?: PageQuery, options?: CallOptions): Promise<ApiAnswer<Page<T>>>;
  /** A consistent (quorum) read. */
  get<T extends KubernetesObject>(type: ResourceType, target: Target, options?: CallOptions): Promise<ApiAnswer<T>>;
  create<T extends KubernetesObject>(type: ResourceType, object: T, options?: CallOptions): Promise<ApiAnswer<T>>;
  /** Compare-and-swap on the uid and resourceVersion in the object's metadata. */
  replace<T extends KubernetesObject>(type: ResourceType, object: T, options?: CallOptions): Promise<ApiAnswer<T>>;
  patch<T extends KubernetesObject>(
    type: ResourceType,
    target: Target & { readonly subresource?: 'status' },
    patch: JsonPatch,
    options?: CallOptions,
  ): Promise<ApiAnswer<T>>;
  /**
   * Deletes exactly that uid and version. The value is the object when finalizers keep it, else a Status. With `dryRun`
   * nothing is deleted, and rights, policies and preconditions are judged all the same.
   */
  remove(
    type: ResourceType,
    target: Target,
    preconditions: { readonly uid: string; readonly resourceVersion: string },
    options?: CallOptions & { readonly dryRun?: boolean },
  ): Promise<ApiAnswer<KubernetesObject>>;
  /** A question in the form of an object (TokenReview, SubjectAccessReview): posted, never kept, so it may be repeated. */
  review<T>(type: ResourceType, review: T, options?: CallOptions): Promise<ApiAnswer<T>>;
  /** With bookmarks. The deadline is for the opening; the signal ends it. */
  watch<T extends KubernetesObject>(
    type: ResourceType,
    query: WatchQuery,
    options: CallOptions & { readonly signal: AbortSignal },
  ): Promise<ApiAnswer<AsyncIterable<WatchEvent<T>>>>;
}

export interface ClientOptions {
  readonly transport: Transport;
  readonly timers: Timers;
  /** 0 to 1, for the jitter of retries. */
  readonly random: () => number;
}

const DEADLINE_MS = 10_000;
const ATTEMPTS = 4;

interface Call {
  readonly request: HttpRequest;
  /** As RBAC names it: "create pods". */
  readonly right: string;
  /** May be sent again whatever became of it. */
  readonly repeatable: boolean;
  readonly mostBytes?: number | undefined;
}

export function createClient(options: ClientOptions): Client {
  const call = <T>(call: Call, callOptions: CallOptions = {}): Promise<ApiAnswer<T>> =>
    withDeadline(options.timers, callOptions, (signal) => repeat(options, call, signal, (answer) => readValue<T>(answer, call)));

  return {
    async list(type, query = {}, callOptions) {
      const path = `${pathOf(type, query.namespace)}${queryText(pageOf(query))}`;
      const answer = await call<ListBody<never>>(
        { request: { method: 'GET', path }, right: rightOf('list', type), repeatable: true, mostBytes: query.mostBytes },
        callOptions,
      );
      return answer.ok ? { ok: true, value: toPage(answer.value) } : answer;
    },
    get: (type, target, callOptions) =>
      call(
        { request: { method: 'GET', path: pathOf(type, target.namespace, target.name) }, right: rightOf('get', type), repeatable: true },
        callOptions,
      ),
    create: (type, object, callOptions) =>
      call(
        {
          request: withBody('POST', pathOf(type, object.metadata.namespace), object),
          right: rightOf('create', type),
          repeatable: false,
        },
        callOptions,
      ),
    replace: (type, object, callOptions) =>
      call(
        {
          request: withBody('PUT', pathOf(type, object.metadata.namespace, object.metadata.name), object),
          right: rightOf('update', type),
          repeatable: false,
        },
        callOptions,
      ),
    patch: (type, target, patch, callOptions) =>
      call(
        {
          request: withBody('PATCH', pathOf(type, target.namespace, target.name, target.subresource), patch, 'application/json-patch+json'),
          right: rightOf('patch', type, target.subresource),
          repeatable: false,
        },
        callOptions,
      ),
    remove: (type, target, preconditions, callOptions) =>
      call(
        {
          request: withBody('DELETE', pathOf(type, target.namespace, target.name), {
            apiVersion: 'v1',
            kind: 'DeleteOptions',
            preconditions,
            propagationPolicy: 'Background',
            ...(callOptions?.dryRun === true && { dryRun: ['All'] }),
          }),
          right: rightOf('delete', type),
          repeatable: false,
        },
        callOptions,
      ),
    review: (type, review, callOptions) =>
      call({ request: withBody('POST', pathOf(type), review), right: rightOf('create', type), repeatable: true }, callOptions),
    async watch<T extends KubernetesObject>(
      type: ResourceType,
      query: WatchQuery,
      callOptions: CallOptions & { readonly signal: AbortSignal },
    ): Promise<ApiAnswer<AsyncIterable<WatchEvent<T>>>> {
      const { resourceVersion, timeoutSeconds } = query;
      const parameters = { ...selectionOf(query), watch: 'true', allowWatchBookmarks: 'true', resourceVersion, timeoutSeconds };
      const request: HttpRequest = { method: 'GET', path: `${pathOf(type, query.namespace)}${queryText(parameters)}` };
      const { deadlineMs = DEADLINE_MS, signal } = callOptions;
      // Once open, a watch lives as long as the server and the caller's signal let it.
      const opening = new AbortController();
      const cancel = options.timers.after(deadlineMs, () => opening.abort());
      try {
        const answer = await options.transport(request, AbortSignal.any([signal, opening.signal]));
        if (answer.status === 200) return { ok: true, value: readEvents<T>(answer.body) };
        return { ok: false, status: readStatus(answer.status, answer.headers, await readText(answer.body), rightOf('watch', type)) };
      } catch (error) {
        throw toUnreachable(error, opening.signal.aborted, deadlineMs);
      } finally {
        cancel();
      }
    },
  };
}

/** Runs with a signal that aborts at the deadline or with the caller's own. */
async function withDeadline<T>(
  timers: Timers,
  { deadlineMs = DEADLINE_MS, signal }: CallOptions,
  run: (signal: AbortSignal) => Promise<T>,
) {
  const deadline = new AbortController();
  const cancel = timers.after(deadlineMs, () => deadline.abort());
  try {
    return await run(signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    throw toUnreachable(error, deadline.signal.aborted, deadlineMs);
  } finally {
    cancel();
  }
}

/** Sends until there is an answer worth giving back. After a deadline in the middle of a wait the last answer is given. */
async function repeat<T>(
  { transport, timers, random }: ClientOptions,
  { request, repeatable }: Call,
  signal: AbortSignal,
  read: (answer: HttpAnswer) => Promise<ApiAnswer<T>>,
): Promise<ApiAnswer<T>> {
  for (let attempt = 1; ; attempt++) {
    let answer: ApiAnswer<T> | undefined;
    let failure: unknown;
    try {
      answer = await read(await transport(request, signal));
    } catch (error) {
      failure = error;
    }
    const again = answer === undefined ? repeatable : mayRepeat(answer, repeatable);
    if (again && attempt < ATTEMPTS && !signal.aborted) {
      const asked = answer?.ok === false ? (answer.status.retryAfterSeconds ?? 0) * 1000 : 0;
      await wait(timers, asked + backOffMs(attempt, random), signal);
      if (!signal.aborted) continue;
    }
    if (answer === undefined) throw failure;
    return answer;
  }
}

function mayRepeat(answer: ApiAnswer<unknown>, repeatable: boolean): boolean {
  if (answer.ok) return false;
  return answer.status.reason === 'TooManyRequests' || (repeatable && answer.status.reason === 'ServerError');
}

async function readValue<T>(answer: HttpAnswer, { right, mostBytes = Infinity }: Call): Promise<ApiAnswer<T>> {
  const text = await readAtMost(answer.body, mostBytes);
  if (text === undefined) {
    return { ok: false, status: { code: answer.status, reason: 'TooLarge', message: `the answer is larger than ${mostBytes} bytes` } };
  }
  if (answer.status < 200 || answer.status > 299) return { ok: false, status: readStatus(answer.status, answer.headers, text, right) };
  try {
    return { ok: true, value: JSON.parse(text) as T };
  } catch (error) {
    throw new ApiUnreachable('the API server sent an answer that is not JSON', true, { cause: error });
  }
}

interface ListBody<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[] | null;
}

const toPage = <T>({ metadata, items }: ListBody<T>): Page<T> => ({
  items: items ?? [],
  resourceVersion: metadata.resourceVersion,
  ...(metadata.continue !== undefined && metadata.continue !== '' && { continue: metadata.continue }),
});

const rightOf = (verb: string, type: ResourceType, subresource?: string): string =>
  `${verb} ${subresource === undefined ? resourceName(type) : resourceName({ ...type, plural: `${type.plural}/${subresource}` })}`;

const withBody = (
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body: unknown,
  contentType = 'application/json',
): HttpRequest => ({
  method,
  path,
  body: JSON.stringify(body),
  contentType,
});

const pageOf = ({ limit, continue: from, mayBeOld, ...selection }: PageQuery) => ({
  ...selectionOf(selection),
  limit,
  continue: from,
  resourceVersion: mayBeOld === true ? '0' : undefined,
});

const selectionOf = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });

function queryText(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}

function toUnreachable(error: unknown, late: boolean, deadlineMs: number): unknown {
  if (!(error instanceof TransportError)) return error;
  const message = late ? `no answer from the API server within ${deadlineMs / 1000} s` : error.message;
  return new ApiUnreachable(message, error.sent, { cause: error });
}
