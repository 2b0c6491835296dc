/** Environment and stdin become one checked request; past here nobody checks again. */
import type { PodIdentity } from '../protocol.ts';
import { previousAddresses, requestedAddresses } from './addresses.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { type Environment, LONGEST_NAME, NAME_PATTERN, podIdentity, quoted } from './environment.ts';
import { type Checked, Code, type CniError, fine, wrong } from './errors.ts';
import { isPlain, isText, parseJson, type Plain } from './plain.ts';
import { checkVersion } from './versions.ts';

export interface ValidAttachment {
  readonly containerId: string;
  readonly ifName: string;
}

export interface CniRequest {
  readonly verb: Environment['verb'];
  readonly cniVersion: string;
  /** The `name` of the network configuration. */
  readonly cniNetwork: string;
  readonly containerId: string;
  readonly ifName: string;
  readonly netns: string;
  readonly configuration: Configuration;
  readonly pod?: PodIdentity;
  readonly requested: readonly string[];
  readonly prevAddresses?: readonly string[];
  /** GC only. */
  readonly validAttachments: readonly ValidAttachment[];
}

/** Also carries the version to answer in, and the log file, as far as they could be read. */
export type ReadRequest = Checked<CniRequest> & { readonly cniVersion?: string; readonly configuration?: Configuration };

export function checkRequest(environment: Environment, stdin: string): ReadRequest {
  const parsed = parseJson(stdin);
  if (parsed === undefined)
    return wrong(Code.decode, stdin.trim() === '' ? 'stdin is empty: the network configuration is missing' : 'stdin is not JSON');
  if (!isPlain(parsed)) return wrong(Code.decode, 'the network configuration is not a JSON object');
  const given = parsed['cniVersion'] ?? '';
  if (typeof given !== 'string') return wrong(Code.decode, 'cniVersion is not a string');
  const version = checkVersion(environment.verb, given);
  if (!version.ok) return version;
  const checked = checkConfiguration(environment, parsed, version.value);
  return { ...checked, cniVersion: version.value };
}

function checkConfiguration(environment: Environment, parsed: Plain, cniVersion: string): ReadRequest {
  const name = parsed['name'];
  if (!isText(name)) return wrong(Code.invalidConfiguration, 'the network configuration has no name');
  if (!NAME_PATTERN.test(name) || name.length > LONGEST_NAME) {
    return wrong(Code.invalidConfiguration, `the network's name is not valid: ${quoted(name)}`, `it must match ${NAME_PATTERN.source}`);
  }
  const configuration = readConfiguration(parsed['ipam'], environment.verb === 'DEL');
  if (!configuration.ok) return configuration;
  const rest = checkVerb(environment, parsed);
  if (!rest.ok) return { ...rest, configuration: configuration.value };
  const pod = podIdentity(environment.args);
  const prevAddresses = previousAddresses(parsed);
  return fine({
    verb: environment.verb,
    cniVersion,
    cniNetwork: name,
    containerId: environment.containerId,
    ifName: environment.ifName,
    netns: environment.netns,
    configuration: configuration.value,
    ...(pod === undefined ? {} : { pod }),
    ...(prevAddresses === undefined ? {} : { prevAddresses }),
    ...rest.value,
  });
}

function checkVerb(environment: Environment, parsed: Plain): Checked<Pick<CniRequest, 'requested' | 'validAttachments'>> {
  const requested = environment.verb === 'ADD' ? requestedAddresses(parsed, environment.args) : fine([]);
  if (!requested.ok) return requested;
  const valid = environment.verb === 'GC' ? validAttachments(parsed) : fine([]);
  return valid.ok ? fine({ requested: requested.value, validAttachments: valid.value }) : valid;
}

/**
 * What GC may keep. libcni 1.3 sends the list under two keys. null and [] mean that nothing is valid (a node
 * without pods); no key at all comes from cnitool and could mean anything, so nothing is freed for it.
 */
function validAttachments(parsed: Plain): Checked<readonly ValidAttachment[]> {
  const key = ['cni.dev/valid-attachments', 'cni.dev/attachments'].find((one) => Object.hasOwn(parsed, one));
  if (key === undefined) return wrong(Code.invalidConfiguration, 'GC without cni.dev/valid-attachments: nothing was freed');
  const list = parsed[key] ?? [];
  const malformed = (error: string): { readonly ok: false; readonly error: CniError } =>
    wrong(Code.invalidConfiguration, `${key} ${error}: nothing was freed`);
  if (!Array.isArray(list)) return malformed('is not a list');
  const attachments: ValidAttachment[] = [];
  for (const one of list as readonly unknown[]) {
    if (!isPlain(one) || !isText(one['containerID']) || !isText(one['ifname']))
      return malformed('holds an entry without containerID and ifname');
    attachments.push({ containerId: one['containerID'], ifName: one['ifname'] });
  }
  return fine(attachments);
}
