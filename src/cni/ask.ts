/**
 * Asks the controller, within one deadline. A controller that refuses connections or answers nonsense is given up
 * soon: an outage is answered fast and honestly. One that is slow has the whole deadline, and one that is full
 * says itself when to come back.
 */
import { type Problem, SERVER_NAME } from '../protocol.ts';
import { type Endpoint, findEndpoints } from './endpoints.ts';
import type { Configuration } from './configuration.ts';
import type { Exchanged, Host } from './host.ts';
import { type Answer, formatRequest, parseAnswer } from './http.ts';
import { isText, type Plain } from './plain.ts';

export interface Patience {
  /** For everything, milliseconds from now on. */
  readonly deadlineMs: number;
  /** For a controller that is quick to fail. */
  readonly giveUpMs: number;
}

export type Asked =
  /** `from`: the address of the controller that said so. */
  | { readonly kind: 'answered'; readonly body: Plain; readonly from: string; readonly attempt: number }
  /** `mayHaveActed`: an earlier attempt was sent and its answer lost. */
  | { readonly kind: 'refused'; readonly problem: Problem; readonly from: string; readonly attempt: number; readonly mayHaveActed: boolean }
  | { readonly kind: 'away'; readonly why: string; readonly attempt: number; readonly mayHaveActed: boolean };

/** One question: the body for each attempt, because its number is in the stamp. */
export interface Question {
  readonly path: string;
  readonly body: (attempt: number) => unknown;
  /** Attempts already made for the same call. */
  readonly after?: number;
  /** Whether an answer of status 200 is one. */
  readonly accepts?: (body: Plain) => boolean;
}

/** A DEL must not be swallowed by something else that says 200: the controller tells what it released. */
export const isReleased = (body: Plain): boolean => Array.isArray(body['released']);

const CONNECT_MS = 1000;
const LARGEST_ANSWER = 1024 * 1024;
/** A failure slower than this was a wait, not a refusal. */
const SLOW_MS = 1000;

export async function ask(host: Host, configuration: Configuration, question: Question, patience: Patience): Promise<Asked> {
  const started = host.elapsedMs();
  const left = (): number => started + patience.deadlineMs - host.elapsedMs();
  // Half, so that a second attempt is left for what the first one lost; who would make none has it all.
  const longestMs = patience.giveUpMs === 0 ? patience.deadlineMs : patience.deadlineMs / 2;
  let mayHaveActed = false;
  for (let attempt = (question.after ?? 0) + 1, tries = 0; ; attempt += 1, tries += 1) {
    const before = host.elapsedMs();
    const tried = await tryEndpoints(host, configuration, question, attempt, Math.min(left(), longestMs));
    if (tried.kind === 'answered') return { ...tried, attempt };
    if (tried.kind === 'refused') return { ...tried, attempt, mayHaveActed };
    mayHaveActed ||= tried.kind === 'lost';
    const busy = tried.kind === 'busy';
    const away: Asked = busy
      ? { kind: 'refused', problem: tried.problem, from: tried.from, attempt, mayHaveActed }
      : { kind: 'away', why: tried.why, attempt, mayHaveActed };
    const pause = busy ? Math.max(tried.retryAfterSeconds * 1000, 100) : backOff(host, tries);
    const quick = host.elapsedMs() - before < SLOW_MS && !busy;
    if (left() < pause + 100 || (quick && host.elapsedMs() - started + pause > patience.giveUpMs)) return away;
    await host.sleep(pause);
  }
}

type Tried =
  | { readonly kind: 'answered'; readonly body: Plain; readonly from: string }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly from: string }
  | { readonly kind: 'busy'; readonly problem: Problem; readonly from: string; readonly retryAfterSeconds: number }
  /** Surely not acted upon; perhaps acted upon. */
  | { readonly kind: 'unreached' | 'lost'; readonly why: string };

/** Each endpoint in turn until one takes the request. */
async function tryEndpoints(
  host: Host,
  configuration: Configuration,
  question: Question,
  attempt: number,
  limitMs: number,
): Promise<Tried> {
  const found = findEndpoints(host, configuration);
  if (!found.ok) return { kind: 'unreached', why: `this node's identity is incomplete: ${found.missing} is missing or empty` };
  const end = host.elapsedMs() + limitMs;
  let why = 'out of time';
  for (const endpoint of found.endpoints) {
    const left = end - host.elapsedMs();
    if (left <= 0) break;
    const exchanged = await send(host, endpoint, question, attempt, left);
    if (exchanged[0] === 'answered') return judge(exchanged, endpoint, question);
    why = `${endpoint.address}: ${exchanged[2]}`;
  }
  // A cluster's node without its identity (it has just booted, the installer has not run) would blame a socket that nobody needs there.
  if (found.missing !== undefined) why += `; asked there because ${found.missing} is missing or empty`;
  return { kind: 'unreached', why };
}

function send(host: Host, endpoint: Endpoint, question: Question, attempt: number, limitMs: number): Exchanged | Promise<Exchanged> {
  const server = endpoint.address.startsWith('unix:') ? 'localhost' : SERVER_NAME;
  const request = formatRequest(question.path, server, endpoint.token, question.body(attempt));
  return host.exchange(endpoint.address, [endpoint.ca, endpoint.client], SERVER_NAME, request, CONNECT_MS, limitMs, LARGEST_ANSWER);
}

function judge([, text, why]: Exchanged, endpoint: Endpoint, question: Question): Tried {
  // Nothing that the other side says may carry the token on: it would end in an error's text or in the log.
  const answer = parseAnswer(endpoint.token === '' ? text : text.split(endpoint.token).join('[token]'));
  const lost = (what: string): Tried => ({ kind: 'lost', why: `${endpoint.address}: ${why === '' ? what : `${what} (${why})`}` });
  if (answer === undefined) return lost('no answer');
  const { status, body } = answer;
  const from = endpoint.address;
  if (status === 200)
    return body !== undefined && (question.accepts?.(body) ?? true)
      ? { kind: 'answered', body, from }
      : lost('an answer that makes no sense');
  if (status === 401) return { kind: 'unreached', why: `${endpoint.address}: the controller does not accept this node's token` };
  const problem = readProblem(answer);
  if (status === 503 || status === 429) {
    return { kind: 'busy', problem, from, retryAfterSeconds: answer.retryAfterSeconds ?? problem.retryAfterSeconds ?? 1 };
  }
  if (status >= 400 && status < 500) return { kind: 'refused', problem, from };
  return lost(`status ${status}: ${problem.detail}`);
}

/** Whatever a refusal lacks is filled in, so that no reader of it has to wonder. */
function readProblem({ status, body }: Answer): Problem {
  const [code, detail, reason, pools] = [body?.['code'], body?.['detail'], body?.['reason'], body?.['pools']];
  const wait = body?.['retryAfterSeconds'];
  return {
    type: 'about:blank',
    title: '',
    status,
    code: typeof code === 'number' ? code : 11,
    reason: isText(reason) ? (reason as Problem['reason']) : 'Unavailable',
    detail: isText(detail) ? detail.slice(0, 2000) : `the controller answered with status ${status}`,
    ...(Array.isArray(pools) ? { pools: pools.filter(isPoolReason) } : {}),
    ...(typeof wait === 'number' ? { retryAfterSeconds: wait } : {}),
  };
}

const isPoolReason = (one: unknown): one is NonNullable<Problem['pools']>[number] =>
  typeof one === 'object' && one !== null && isText((one as Plain)['pool']) && isText((one as Plain)['detail']);

/** 50 ms, doubling to 800 ms, and up to half as much again, so that a node's many calls do not come back at once. */
function backOff(host: Host, tries: number): number {
  const pause = 50 * 2 ** Math.min(tries, 4);
  return pause + (pause / 2) * (Number(host.startedNs.slice(-3)) / 1000);
}
