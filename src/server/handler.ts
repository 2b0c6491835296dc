/**
 * One request from end to end: find the route → may it be asked here and now? → read and check → run → answer.
 * An ADD passes through all of it, so each step is a look-up or one parse, and one log line at the end.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Outcome, Refusal } from '../core/refusal.ts';
import type { Operations } from '../ipam/operations.ts';
import type { Log } from '../ipam/ports.ts';
import type { Problem } from '../protocol.ts';
import { StoreAmbiguous, StoreUnavailable } from '../store/store.ts';
import type { Metrics } from './metrics.ts';
import { pipelinesTooMany } from './pipelining.ts';
import { httpProblem, internalProblem, toProblem } from './problem.ts';
import { checkValue, LARGEST_BODY, readJson } from './read-body.ts';
import type { Read } from './read-body.ts';
import type { Answer, Call, JsonRoute, Route } from './route.ts';
import type { Router } from './router.ts';

/** Far above what one machine starts at a time; past it the caller is told at once to come back. */
const MOST_IN_FLIGHT = 4_096;

export interface HandlerPorts {
  readonly operations: Operations;
  readonly router: Router;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Milliseconds, never going back. */
  readonly monotonic: () => number;
  /** False while stopping: connections are closed after their answer. */
  readonly running: () => boolean;
}

/** Who asks, and whether now: the node, or why nothing is served. */
export interface Door {
  /** A route that is not served is not there. */
  serves(route: Route): boolean;
  node(request: IncomingMessage): Outcome<string> | Promise<Outcome<string>>;
  /** Whether the node may name that much now. Absent: it may. */
  admit?(node: string, named: number): Outcome<string>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export function createHandler(ports: HandlerPorts, door: Door): Handler {
  const { operations, router, metrics, log } = ports;
  let inFlight = 0;

  function handle(request: IncomingMessage, response: ServerResponse): void {
    if (pipelinesTooMany(request, response)) return;
    const started = ports.monotonic();
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    const found = router.find(request.method ?? '', path);
    if (!found.found || !door.serves(found.route)) {
      return refuseRoute(response, found.found ? [] : found.allow);
    }
    const { route } = found;
    inFlight += 1;
    serve(request, response, route, found.params, mark === -1 ? '' : url.slice(mark + 1))
      .catch((error: unknown) => failed(error, route))
      .then((answer) => {
        inFlight -= 1;
        finish(response, route, answer, ports.monotonic() - started);
      })
      .catch((error: unknown) => {
        log.error({ verb: route.verb, err: error }, 'answer failed');
        response.destroy();
      });
  }

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    params: readonly string[],
    search: string,
  ): Promise<Answer | Problem | 'served' | 'gone'> {
    if (inFlight > MOST_IN_FLIGHT) return toProblem({ reason: 'Overloaded', detail: 'Too many requests are under way.' });
    const node = await door.node(request);
    if (!node.ok) return toProblem(node.refusal);
    if (route.face !== 'probe' && !operations.synced()) {
      return toProblem({ reason: 'Unavailable', detail: 'The controller is still reading its pools and bindings.' });
    }
    const names = checkParams(route, params);
    if (!names.ok) return names.problem ?? 'gone';
    const query = readQuery(route, search);
    if (!query.ok) return query.problem ?? 'gone';
    const socket = request.socket;
    const caller = { node: node.value, gone: () => socket.destroyed || !socket.writable };
    const call = { operations, caller, params, query: query.value, body: undefined };
    if (route.kind === 'stream') return (await route.serve(request, response, call)) ?? 'served';
    return serveJson(request, route, call, door);
  }

  function finish(response: ServerResponse, route: Route, answer: Answer | Problem | 'served' | 'gone', milliseconds: number): void {
    const seconds = Math.round(milliseconds * 1_000) / 1e6;
    if (answer === 'served') return metrics.observe(route.verb, 'done', seconds);
    if (answer === 'gone') return metrics.observe(route.verb, 'Gone', seconds);
    if ('ok' in answer && answer.ok) {
      sendJson(response, answer.status ?? 200, answer.value, answer.headers);
      metrics.observe(route.verb, 'done', seconds);
      log[route.writes ? 'info' : 'debug']({ verb: route.verb, seconds, ...answer.facts }, 'request done');
      return;
    }
    const problem = 'ok' in answer ? toProblem(answer.refusal) : answer;
    const facts = 'ok' in answer ? answer.facts : undefined;
    sendProblem(response, problem);
    metrics.observe(route.verb, problem.status === 500 ? 'Failed' : problem.reason, seconds);
    const { status, reason, detail } = problem;
    log[status === 500 ? 'debug' : 'warn']({ verb: route.verb, seconds, status, reason, detail, ...facts }, 'request refused');
  }

  function failed(error: unknown, route: Route): Problem {
    if (error instanceof StoreUnavailable || error instanceof StoreAmbiguous) {
      log.error({ verb: route.verb, detail: error.message }, 'store unavailable');
      return toProblem({ reason: 'Unavailable', detail: `The store cannot be used now: ${error.message}` });
    }
    log.error({ verb: route.verb, err: error }, 'request failed');
    return internalProblem();
  }

  function refuseRoute(response: ServerResponse, allow: readonly string[]): void {
    if (allow.length === 0)
      return sendProblem(response, httpProblem(404, 'No such route', 'There is no such route; /openapi.json lists them.'));
    const methods = allow.join(', ');
    sendProblem(response, httpProblem(405, 'Method not allowed', `This route takes ${methods}.`), { allow: methods });
  }

  function sendJson(response: ServerResponse, status: number, value: object, headers: Readonly<Record<string, string>> = {}): void {
    send(response, status, 'application/json', value, headers);
  }

  function sendProblem(response: ServerResponse, problem: Problem, headers: Readonly<Record<string, string>> = {}): void {
    const retryAfter = problem.retryAfterSeconds === undefined ? {} : { 'retry-after': String(problem.retryAfterSeconds) };
    send(response, problem.status, 'application/problem+json', problem, { ...headers, ...retryAfter });
  }

  function send(response: ServerResponse, status: number, type: string, value: object, headers: Readonly<Record<string, string>>): void {
    if (response.headersSent) return void response.destroy();
    const text = `${JSON.stringify(value)}\n`;
    // A body that was not read to its end would be taken for the next request.
    const close = !response.req.complete || !ports.running() ? { connection: 'close' } : {};
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      ...headers,
      ...close,
    });
    response.end(text);
  }

  return handle;
}

async function serveJson(
  request: IncomingMessage,
  route: JsonRoute,
  call: Call<undefined>,
  door: Door,
): Promise<Answer | Problem | 'gone'> {
  if (!route.body) return route.run(call);
  const large = door.admit?.(call.caller.node, Math.floor(sizeOf(request) / BYTES_OF_A_NAME));
  if (large?.ok === false) return large;
  const body = await readJson(request, route.body, route.bodyOptional ?? false);
  if (!body.ok) return body.problem ?? 'gone';
  const admitted = door.admit?.(call.caller.node, route.named?.(body.value) ?? 0);
  if (admitted?.ok === false) return admitted;
  return route.run({ ...call, body: body.value });
}

/** What reading and checking costs, by the time it takes. */
const BYTES_OF_A_NAME = 500;

/** One that does not say how large it is may be the largest; the plugin says it. */
const sizeOf = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? LARGEST_BODY);

function checkParams(route: Route, params: readonly string[]): Read<undefined> {
  for (const [index, [name, schema]] of Object.entries(route.params ?? {}).entries()) {
    const result = schema.safeParse(params[index]);
    if (!result.success) return { ok: false, problem: badRequest(`${name} in the path: ${result.error.issues[0]?.message ?? 'invalid'}.`) };
  }
  return { ok: true, value: undefined };
}

function readQuery(route: Route, search: string): Read<Readonly<Record<string, string>>> {
  if (search === '') return { ok: true, value: {} };
  const entries = [...new URLSearchParams(search)];
  const values = Object.fromEntries(entries);
  if (Object.keys(values).length !== entries.length) return { ok: false, problem: badRequest('A query parameter is given twice.') };
  if (!route.query) return { ok: false, problem: badRequest('This route takes no query parameters.') };
  return checkValue(route.query, values, 'the query') as Read<Readonly<Record<string, string>>>;
}

const badRequest = (detail: string): Problem => toProblem({ reason: 'InvalidRequest', detail } satisfies Refusal);
