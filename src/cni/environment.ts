/** CNI_*: which variables a verb needs and what they may hold (specification, section 2). Empty counts as unset. */
import type { PodIdentity } from '../protocol.ts';
import { type Checked, Code, fine, wrong } from './errors.ts';
import type { Host } from './host.ts';

export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

const NEEDED: Readonly<Record<Verb, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
  VERSION: [],
};

export const NAME_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** The longest name the controller takes; runtimes use 64 characters. */
export const LONGEST_NAME = 512;

export interface Environment {
  readonly verb: Verb;
  readonly containerId: string;
  readonly ifName: string;
  readonly netns: string;
  readonly args: ReadonlyMap<string, string>;
}

export const isVerb = (text: string): text is Verb => Object.hasOwn(NEEDED, text);

/** Reads what `verb` needs; other variables are not even looked at (skel 1.3 does the same). */
export function readEnvironment(host: Host, verb: Verb): Checked<Environment> {
  const needed = NEEDED[verb];
  const missing = needed.filter((name) => host.environment(name) === '');
  if (missing.length > 0) {
    return wrong(Code.invalidEnvironment, `required environment variables are missing: ${missing.join(', ')}`);
  }
  const containerId = needed.includes('CNI_CONTAINERID') ? host.environment('CNI_CONTAINERID') : '';
  const ifName = needed.includes('CNI_IFNAME') ? host.environment('CNI_IFNAME') : '';
  if (containerId !== '' && !(NAME_PATTERN.test(containerId) && containerId.length <= LONGEST_NAME)) {
    return wrong(Code.invalidEnvironment, `CNI_CONTAINERID is not valid: ${quoted(containerId)}`, `it must match ${NAME_PATTERN.source}`);
  }
  const nameProblem = ifName === '' ? '' : interfaceNameProblem(ifName);
  if (nameProblem !== '') return wrong(Code.invalidEnvironment, `CNI_IFNAME is not valid: ${quoted(ifName)}`, nameProblem);
  return fine({ verb, containerId, ifName, netns: host.environment('CNI_NETNS'), args: parseArguments(host.environment('CNI_ARGS')) });
}

/** What the kernel takes (dev_valid_name): 1 to 15 bytes, not "." or "..", no "/", ":" or white space. */
function interfaceNameProblem(name: string): string {
  if (!/^[\x21-\x7e]*$/.test(name)) return 'it must be printable ASCII without white space';
  if (name.length > 15) return 'it is longer than 15 characters';
  if (name === '.' || name === '..' || /[/:]/.test(name)) return 'it must not be "." or ".." nor hold "/" or ":"';
  return '';
}

/**
 * `K=V;K2=V2`. Lenient where libcni's LoadArgs is strict (empty pairs, a second "=", unknown keys): a DEL must never
 * fail for CNI_ARGS, and an ADD loses nothing. Of a repeated key the last one counts.
 */
export function parseArguments(text: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of text.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0) pairs.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return pairs;
}

/** Absent unless both namespace and name are there: then the container itself is the subject. */
export function podIdentity(args: ReadonlyMap<string, string>): PodIdentity | undefined {
  const [namespace, name, uid] = ['K8S_POD_NAMESPACE', 'K8S_POD_NAME', 'K8S_POD_UID'].map((key) => args.get(key) ?? '');
  if (!namespace || !name) return undefined;
  return uid ? { namespace, name, uid } : { namespace, name };
}

/** Hostile text in a message: short, and on one line. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
