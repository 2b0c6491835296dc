/** The verbs that ask the controller. Each returns what to print ("" for nothing) or an error. */
import type { CniDel, CniKey, Stamp } from '../protocol.ts';
import { ask, isReleased, type Asked, type Patience, type Question } from './ask.ts';
import { type Checked, Code, type CniError, fine, fromProblem, wrong } from './errors.ts';
import type { Host } from './host.ts';
import type { PluginLog } from './log.ts';
import type { CniRequest } from './request.ts';
import { formatResult, readAddAnswer } from './result.ts';
import { keepForLater } from './spool.ts';

/** One call of the plugin. */
export interface Call {
  readonly host: Host;
  readonly request: CniRequest;
  readonly stamp: Stamp;
  readonly log: PluginLog;
}

export interface Performed {
  readonly outcome: Checked<string>;
  /** Address of the controller that gave an answer, be it a refusal: the spool may be drained there. */
  readonly reached: string | false;
  /** Of the last attempt: an undoing DEL takes the next number. */
  readonly attempt: number;
}

/** Runtimes wait 2 to 5 minutes for an ADD and 1 to 2 for a DEL (CNI.md 3.4); CRI-O 30 s for GC. */
const PATIENCE: Readonly<Record<'ADD' | 'DEL' | 'CHECK' | 'GC', Patience>> = {
  ADD: { deadlineMs: 30_000, giveUpMs: 3000 },
  DEL: { deadlineMs: 10_000, giveUpMs: 700 },
  CHECK: { deadlineMs: 10_000, giveUpMs: 2000 },
  GC: { deadlineMs: 20_000, giveUpMs: 2000 },
};
const UNDO_PATIENCE: Patience = { deadlineMs: 3000, giveUpMs: 300 };

const key = ({ request, stamp }: Call, attempt: number): CniKey => ({
  cniVersion: request.cniVersion,
  cniNetwork: request.cniNetwork,
  containerId: request.containerId,
  ifName: request.ifName,
  stamp: { ...stamp, attempt },
});

const deletion = (call: Call, attempt: number): CniDel => ({
  ...key(call, attempt),
  ...(call.request.prevAddresses === undefined ? {} : { prevAddresses: call.request.prevAddresses }),
});

const put = (call: Call, question: Question, patience: Patience): Promise<Asked> =>
  ask(call.host, call.request.configuration, question, patience);

const outOfReach = (why: string): CniError => ({
  code: Code.tryAgainLater,
  msg: 'the controller is out of reach: is it running?',
  details: why,
});

export async function add(call: Call): Promise<Performed> {
  const { request, host } = call;
  if (isOwnNetworkNamespace(host, request.netns)) {
    const error = wrong(Code.ownNetworkNamespace, "CNI_NETNS is the plugin's own network namespace: nothing was allocated");
    return { outcome: error, reached: false, attempt: 0 };
  }
  const { pools, families } = request.configuration;
  const question: Question = {
    path: '/v1/cni/add',
    accepts: (body) => readAddAnswer(body) !== undefined,
    body: (attempt) => ({
      ...key(call, attempt),
      ...(request.pod === undefined ? {} : { pod: request.pod }),
      ...(pools === undefined ? {} : { pools }),
      ...(families === undefined ? {} : { families }),
      ...(request.requested.length === 0 ? {} : { requested: request.requested }),
    }),
  };
  const asked = await put(call, question, PATIENCE.ADD);
  const answer = asked.kind === 'answered' ? readAddAnswer(asked.body) : undefined;
  if (asked.kind === 'answered' && answer !== undefined)
    return { outcome: fine(formatResult(answer, request.cniVersion)), reached: asked.from, attempt: asked.attempt };
  // No main plugin follows a failed ADD with a DEL: what an unanswered attempt may have taken goes back by us.
  if (asked.kind !== 'answered' && asked.mayHaveActed) await undo(call, asked.attempt);
  return concluded(asked);
}

export async function check(call: Call): Promise<Performed> {
  const { pod, prevAddresses } = call.request;
  const extra = { ...(pod === undefined ? {} : { pod }), ...(prevAddresses === undefined ? {} : { prevAddresses }) };
  const question: Question = { path: '/v1/cni/check', body: (attempt) => ({ ...key(call, attempt), ...extra }) };
  return concluded(await put(call, question, PATIENCE.CHECK));
}

export async function collect(call: Call): Promise<Performed> {
  const { cniVersion, cniNetwork, configuration, validAttachments } = call.request;
  const body = (attempt: number): unknown => ({
    cniVersion,
    cniNetwork,
    stamp: { ...call.stamp, attempt },
    validAttachments,
    gcMinAgeSeconds: configuration.gcMinAgeSeconds,
  });
  return concluded(await put(call, { path: '/v1/cni/gc', accepts: isReleased, body }, PATIENCE.GC));
}

/** Without the controller a DEL is kept on disk and succeeds: runtimes drop failed DELs, and pods must not hang on us. */
export async function del(call: Call): Promise<Performed> {
  const asked = await put(call, { path: '/v1/cni/del', accepts: isReleased, body: (attempt) => deletion(call, attempt) }, PATIENCE.DEL);
  const undelivered = asked.kind === 'away' || (asked.kind === 'refused' && [429, 503].includes(asked.problem.status));
  if (!undelivered) return concluded(asked);
  const why = asked.kind === 'away' ? asked.why : asked.problem.detail;
  const failure = keepForLater(call.host, call.request.configuration.spoolDir, deletion(call, asked.attempt));
  if (failure === '') {
    call.log.warn({ why }, 'controller out of reach, DEL spooled');
    return { outcome: fine(''), reached: false, attempt: asked.attempt };
  }
  const spool = `the spool ${call.request.configuration.spoolDir} did not take the DEL: ${failure}`;
  call.log.error({ why, failure }, 'DEL neither delivered nor spooled');
  const code = failure === 'full' ? Code.tryAgainLater : Code.inputOutput;
  return { outcome: wrong(code, `the controller is out of reach and ${spool}`, why), reached: false, attempt: asked.attempt };
}

/**
 * Takes an ADD back that nobody will hear of: a DEL with the call's own stamp and the next attempt's number, so it is
 * newer than that ADD and older than every later call.
 */
export async function undo(call: Call, attempt: number): Promise<void> {
  const question: Question = { path: '/v1/cni/del', accepts: isReleased, after: attempt, body: (number) => deletion(call, number) };
  const asked = await put(call, question, UNDO_PATIENCE);
  if (asked.kind === 'answered') return call.log.warn({ attempt: asked.attempt }, 'ADD taken back');
  const failure = keepForLater(call.host, call.request.configuration.spoolDir, deletion(call, asked.attempt));
  if (failure === '') call.log.warn({ attempt: asked.attempt }, 'ADD taken back by way of the spool');
  else call.log.error({ failure }, 'ADD could not be taken back: the runtime has to DEL it');
}

function concluded(asked: Asked): Performed {
  const { attempt } = asked;
  if (asked.kind === 'answered') return { outcome: fine(''), reached: asked.from, attempt };
  if (asked.kind === 'refused') return { outcome: { ok: false, error: fromProblem(asked.problem) }, reached: asked.from, attempt };
  return { outcome: { ok: false, error: outOfReach(asked.why) }, reached: false, attempt };
}

/** CNI_NETNS_OVERRIDE=1 or TRUE turns the check off, as in libcni. Without /proc there is nothing to compare. */
function isOwnNetworkNamespace(host: Host, netns: string): boolean {
  if (['1', 'TRUE'].includes(host.environment('CNI_NETNS_OVERRIDE').toUpperCase())) return false;
  const [ownFailure, own] = host.inspectFile('/proc/self/ns/net');
  const [failure, other] = host.inspectFile(netns);
  return ownFailure === '' && failure === '' && own === other;
}
