/**
 * The controller's HTTP API (src/protocol.ts) as functions. Every one throws RefusedError when the controller says no
 * and UnreachableError when it could not be asked or its answer is not a controller's; nothing else.
 */
import http, { type IncomingHttpHeaders } from 'node:http';
import type { Writable } from 'node:stream';
import type { Timers } from '../core/clock.ts';
import type {
  AddressBinding,
  AddressPool,
  Allocate,
  CheckReport,
  CheckStore,
  Collect,
  CollectReport,
  Explanation,
  List,
  PodExplanation,
  Release,
  Released,
  Renew,
  Stats,
  VersionAnswer,
} from '../protocol.ts';
import * as check from './check-answer.ts';
import type { Endpoint } from './endpoint.ts';
import { RefusedError, UnreachableError } from './errors.ts';
import { followEvents, type ClientEvent, type FollowOptions } from './events.ts';
import { download } from './download.ts';
import { exchange, parseJson, type Answer, type Connection, type Exchange } from './transport.ts';

export interface BindingQuery {
  readonly network?: string;
  readonly pool?: string;
  readonly subinstance?: string;
  readonly subid?: string;
  /** type:value */
  readonly resource?: string;
  /** key or key=value */
  readonly tag?: string;
  readonly node?: string;
  readonly address?: string;
  /** `bound` unless said. */
  readonly state?: 'bound' | 'released' | 'all';
}

export interface ClientOptions {
  readonly endpoint: Endpoint;
  readonly timers: Timers;
  /** For one call, from asking for the connection to the last byte of the answer. */
  readonly timeoutMilliseconds: number;
}

export interface AppliedPool {
  readonly pool: AddressPool;
  readonly change: 'created' | 'updated' | 'unchanged';
}

export type Client = ReturnType<typeof openClient>;

/** How often an overloaded controller is asked again, within the one deadline. */
const LONGEST_RETRY_SECONDS = 5;

export function openClient(options: ClientOptions) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const connection: Connection = { ...options, agent };

  async function call<T>(request: Exchange, guard: check.Guard<T>): Promise<{ readonly value: T; readonly headers: IncomingHttpHeaders }> {
    const started = options.timers.monotonic();
    for (;;) {
      const spent = options.timers.monotonic() - started;
      const answer = await exchange(connection, request, options.timeoutMilliseconds - spent);
      const result = readAnswer(answer, request, options.endpoint, guard);
      if (result.ok) return { value: result.value, headers: answer.headers };
      const { problem } = result;
      // Overloaded means refused before any work (DESIGN section 5): asking again is safe.
      const wait = Math.min(problem.retryAfterSeconds ?? 1, LONGEST_RETRY_SECONDS) * 1000;
      const left = options.timeoutMilliseconds - (options.timers.monotonic() - started);
      if (problem.reason !== 'Overloaded' || wait >= left) throw new RefusedError(problem);
      await new Promise<void>((resolve) => options.timers.after(wait, resolve));
    }
  }

  const get = async <T>(path: string, guard: check.Guard<T>): Promise<T> => (await call({ method: 'GET', path }, guard)).value;
  const post = async <T>(path: string, body: unknown, guard: check.Guard<T>): Promise<T> =>
    (await call({ method: 'POST', path, body }, guard)).value;

  const listBindings = (query: BindingQuery, page: { limit?: number; continue?: string } = {}): Promise<List<AddressBinding>> =>
    get(`/v1/bindings${queryText({ ...query, ...page })}`, check.isListWhere(check.isBinding));

  return {
    endpoint: options.endpoint,

    listPools: (): Promise<List<AddressPool>> => get('/v1/pools', check.isListWhere(check.isPool)),
    getPool: (name: string): Promise<AddressPool> => get(poolPath(name), check.isPool),
    /** Creates or updates; a resourceVersion in the metadata makes it a compare-and-swap. */
    async applyPool(pool: AddressPool, { dryRun = false } = {}): Promise<AppliedPool> {
      const path = poolPath(pool.metadata.name) + queryText({ dryRun });
      const { value, headers } = await call({ method: 'PUT', path, body: pool }, check.isPool);
      const change = headers['berth-change'];
      return { pool: value, change: change === 'created' || change === 'unchanged' ? change : 'updated' };
    },
    /** Refused with PoolInUse while it has bindings, unless forced. */
    async deletePool(name: string, { force = false, dryRun = false } = {}): Promise<AddressPool> {
      return (await call({ method: 'DELETE', path: poolPath(name) + queryText({ force, dryRun }) }, check.isPool)).value;
    },

    listBindings,
    /** Every page, one after the other. */
    async *eachBinding(query: BindingQuery, pageSize = 500): AsyncGenerator<AddressBinding> {
      let next: string | undefined;
      do {
        const page: List<AddressBinding> = await listBindings(query, { limit: pageSize, ...(next !== undefined && { continue: next }) });
        yield* page.items;
        next = page.continue === '' ? undefined : page.continue;
      } while (next !== undefined);
    },
    getBinding: (network: string, address: string): Promise<AddressBinding> =>
      get(`/v1/bindings/${encodeURIComponent(network)}/${encodeURIComponent(address)}`, check.isBinding),

    allocate: (body: Allocate): Promise<AddressBinding> => post('/v1/allocate', body, check.isBinding),
    release: (body: Release): Promise<Released> => post('/v1/release', body, check.isReleased),
    renew: (body: Renew): Promise<AddressBinding> => post('/v1/renew', body, check.isBinding),

    stats: (): Promise<Stats> => get('/v1/stats', check.isStats),
    explain: (network: string, address: string): Promise<Explanation> =>
      get(`/v1/explain/${encodeURIComponent(network)}/${encodeURIComponent(address)}`, check.isExplanation),
    /** What an ADD of the pod would find; `pools` as its network configuration names them. */
    explainPod: (namespace: string, name: string, pools?: readonly string[]): Promise<PodExplanation> =>
      get(
        `/v1/explain-pod/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}${queryText({ pools: pools?.join(',') })}`,
        check.isPodExplanation,
      ),
    checkStore: (body: CheckStore): Promise<CheckReport> => post('/v1/check', body, check.isCheckReport),
    collect: (body: Collect): Promise<CollectReport> => post('/v1/collect', body, check.isCollectReport),
    version: (): Promise<VersionAnswer> => get('/v1/version', check.isVersionAnswer),

    /** What /readyz says: ready, or the sentence why not. */
    async readiness(): Promise<{ readonly ready: boolean; readonly detail: string }> {
      const answer = await exchange(connection, { method: 'GET', path: '/readyz' });
      return { ready: answer.status === 200, detail: answer.text.trim().slice(0, 200) };
    },

    /** Writes the store's file to `sink` as it is at this moment; returns the bytes written. The deadline is for the first byte. */
    backup: (sink: Writable): Promise<number> => download(connection, '/v1/backup', sink),

    /** Every change from now on, until the signal aborts. */
    events: (follow: FollowOptions): AsyncGenerator<ClientEvent> => followEvents(connection, follow),

    close: (): void => agent.destroy(),
  };
}

const poolPath = (name: string): string => `/v1/pools/${encodeURIComponent(name)}`;

/** "?a=b&c=d" of what is set; false and undefined are left out. */
function queryText(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== false) query.set(name, String(value));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: RefusedError['problem'] };

function readAnswer<T>(answer: Answer, request: Exchange, endpoint: Endpoint, guard: check.Guard<T>): Read<T> {
  const body = parseJson(answer.text);
  if (answer.status >= 200 && answer.status < 300 && guard(body)) return { ok: true, value: body };
  if (answer.status >= 400 && check.isProblem(body)) return { ok: false, problem: body };
  const changes = request.method !== 'GET';
  throw new UnreachableError(
    'garbage',
    `the answer of ${endpoint.text} to ${request.method} ${request.path} is not a Berth controller's (status ${answer.status}); is another program, or another version, listening there?`,
    changes,
  );
}
