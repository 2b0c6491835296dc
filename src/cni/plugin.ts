/**
 * One call of the plugin from its first byte to its exit code. Whatever happens, stdout gets exactly one JSON document
 * (or none, for the verbs that answer with silence), and never a stack trace.
 */
import { type Configuration, DEFAULTS } from './configuration.ts';
import { missingOnNode } from './endpoints.ts';
import { isVerb, readEnvironment } from './environment.ts';
import { Code, type CniError, fine, formatError, wrong } from './errors.ts';
import type { Host } from './host.ts';
import { openLog, type PluginLog } from './log.ts';
import { isPlain, isText, parseJson } from './plain.ts';
import { checkRequest, type ReadRequest } from './request.ts';
import { drainSpool } from './spool.ts';
import { readStamp } from './stamp.ts';
import { add, type Call, check, collect, del, type Performed, undo } from './verbs.ts';
import { NEWEST_VERSION, SUPPORTED_VERSIONS } from './versions.ts';

const LARGEST_STDIN = 8 * 1024 * 1024;
/** Main plugins write stdin at once and close it. */
const STDIN_MS = 10_000;

export async function runPlugin(host: Host): Promise<number> {
  const command = host.environment('CNI_COMMAND');
  if (command === '') return about(host);
  const log = openLog(host, { verb: command.slice(0, 20) });
  try {
    return command === 'VERSION' ? await version(host) : await serve(host, command, log);
  } catch (error) {
    // A bug. What it was goes into the log, not to the user.
    log.error({ error: String(error), stack: error instanceof Error ? (error.stack ?? '') : '' }, 'internal error');
    log.write(DEFAULTS.logFile);
    return fail(host, { code: Code.internal, msg: 'the plugin failed inside; see its log' }, NEWEST_VERSION, command);
  }
}

async function serve(host: Host, command: string, log: PluginLog): Promise<number> {
  const read = await readRequest(host, command);
  if (!read.ok) {
    log.error({ ...read.error }, 'call refused');
    const code = fail(host, read.error, read.cniVersion ?? NEWEST_VERSION, command);
    // Whose configuration is not known has no log either: the error says it all.
    if (read.configuration !== undefined) log.write(read.configuration.logFile);
    return code;
  }
  const call: Call = { host, request: read.value, stamp: readStamp(host), log };
  const performed = await perform(call);
  const printed = answer(call, performed);
  await finish(call, performed, printed);
  return performed.outcome.ok && printed ? 0 : 1;
}

/** The answer is out: from here on nothing may print, nor change how the call ended. */
async function finish(call: Call, performed: Performed, printed: boolean): Promise<void> {
  const { host, request, log } = call;
  try {
    if (!printed && performed.outcome.ok && request.verb === 'ADD') await undo(call, performed.attempt);
    // There, and not from the first address on: one that is cut off would take all the time that draining has.
    if (performed.reached !== false) await drainSpool(host, { ...request.configuration, controller: performed.reached }, log);
  } catch (error) {
    log.error({ error: String(error) }, 'internal error after the answer');
  }
  record(call, performed, printed);
}

async function readRequest(host: Host, command: string): Promise<ReadRequest> {
  if (!isVerb(command)) return wrong(Code.invalidEnvironment, `unknown CNI_COMMAND: ${JSON.stringify(command.slice(0, 40))}`);
  const environment = readEnvironment(host, command);
  if (!environment.ok) return environment;
  const [failure, stdin] = await host.readStdin(LARGEST_STDIN, STDIN_MS);
  if (failure === 'EFBIG') return wrong(Code.decode, `stdin is larger than ${LARGEST_STDIN} bytes`);
  if (failure === 'ETIMEDOUT') return wrong(Code.inputOutput, `stdin was not closed within ${STDIN_MS / 1000} s`);
  if (failure !== '') return wrong(Code.inputOutput, `stdin cannot be read: ${failure}`);
  return checkRequest(environment.value, stdin);
}

function perform(call: Call): Promise<Performed> | Performed {
  switch (call.request.verb) {
    case 'ADD':
      return add(call);
    case 'DEL':
      return del(call);
    case 'CHECK':
      return check(call);
    case 'GC':
      return collect(call);
    default:
      return { outcome: status(call.host, call.request.configuration), reached: false, attempt: 0 };
  }
}

/**
 * Asks nobody: an error here turns the node NotReady (CNI.md 2.2), so a controller that restarts or a pool that is
 * full must not cause one. Only a node where Berth was never installed does.
 */
function status(host: Host, configuration: Configuration): Performed['outcome'] {
  const missing = missingOnNode(host, configuration);
  return missing === undefined ? fine('') : wrong(Code.notAvailable, `Berth is not set up on this node: ${missing} is missing`);
}

/** True when the runtime has got the answer; silence is an answer too. */
function answer({ host, request }: Call, { outcome }: Performed): boolean {
  if (outcome.ok) return outcome.value === '' || host.print(`${outcome.value}\n`);
  return fail(host, outcome.error, request.cniVersion, request.verb) === 1;
}

function fail(host: Host, error: CniError, cniVersion: string, verb: string): 1 {
  host.print(`${formatError(error, cniVersion, verb)}\n`);
  return 1;
}

function record({ host, request, log }: Call, { outcome, attempt }: Performed, printed: boolean): void {
  const { cniNetwork, containerId, ifName, pod } = request;
  const subject = { cniNetwork, containerId, ifName, ...(pod === undefined ? {} : { pod }) };
  const fields = { ...subject, attempt, printed, milliseconds: Math.round(host.elapsedMs()) };
  if (!outcome.ok) log.error({ ...fields, ...outcome.error }, 'call failed');
  // The kubelet asks every few seconds: a healthy STATUS is not worth a line.
  else if (request.verb !== 'STATUS') log.info({ ...fields, ...(outcome.value === '' ? {} : { result: outcome.value }) }, 'call served');
  log.write(request.configuration.logFile);
}

/** Never fails, needs neither a configuration nor a controller (specification, section 4, VERSION). */
async function version(host: Host): Promise<number> {
  const [, stdin] = await host.readStdin(LARGEST_STDIN, STDIN_MS);
  const parsed = parseJson(stdin);
  const given = isPlain(parsed) && isText(parsed['cniVersion']) ? parsed['cniVersion'] : NEWEST_VERSION;
  host.print(`${JSON.stringify({ cniVersion: given, supportedVersions: SUPPORTED_VERSIONS })}\n`);
  return 0;
}

function about(host: Host): number {
  host.complain(
    `Berth: a CNI IPAM plugin, called by main plugins through "ipam": {"type": "berth"}\nCNI protocol versions supported: ${SUPPORTED_VERSIONS.join(', ')}\n`,
  );
  return 0;
}
