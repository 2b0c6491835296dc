/** Addresses in what others wrote: the ones asked for, and the ones a previous result holds. */
import { quoted } from './environment.ts';
import { type Checked, Code, fine, wrong } from './errors.ts';
import { isPlain, isText, type Plain } from './plain.ts';

/** Loose on purpose: the controller reads it for good. This keeps out what cannot be one. */
const LIKE_AN_ADDRESS = /^(?=.{2,64}$)(?:[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(?:\/\d{1,3})?$/;

/**
 * runtimeConfig.ips, else args.cni.ips, else CNI_ARGS IP (CONVENTIONS): the first that is there replaces the others,
 * so one address named in two places is still one.
 */
export function requestedAddresses(configuration: Plain, args: ReadonlyMap<string, string>): Checked<readonly string[]> {
  const cniArguments = isPlain(configuration['args']) && isPlain(configuration['args']['cni']) ? configuration['args']['cni'] : {};
  const runtime = isPlain(configuration['runtimeConfig']) ? configuration['runtimeConfig'] : {};
  const ip = args.get('IP') ?? '';
  const candidates: readonly (readonly [string, unknown, number])[] = [
    ['runtimeConfig.ips', runtime['ips'], Code.invalidConfiguration],
    ['args.cni.ips', cniArguments['ips'], Code.invalidConfiguration],
    ['CNI_ARGS IP', ip === '' ? undefined : ip.split(','), Code.invalidEnvironment],
  ];
  for (const [where, value, code] of candidates) {
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    if (!Array.isArray(value)) return wrong(code, `${where} is not a list of addresses`);
    const bad = value.find((one) => !isText(one) || !LIKE_AN_ADDRESS.test(one)) as unknown;
    if (bad !== undefined) return wrong(code, `${where}: ${quoted(String(bad))} is not an address`);
    return fine(value as readonly string[]);
  }
  return fine([]);
}

/** A hint may not make a DEL too large to be taken. */
const MOST_PREVIOUS = 64;

/** Of any CNI version, without prefix lengths; what does not look like one is left out. Undefined: no prevResult. */
export function previousAddresses(configuration: Plain): readonly string[] | undefined {
  const previous = configuration['prevResult'];
  if (!isPlain(previous)) return undefined;
  const ips: readonly unknown[] = Array.isArray(previous['ips']) ? previous['ips'] : [];
  return ips
    .map((one) => (isPlain(one) ? one['address'] : undefined))
    .filter((text): text is string => isText(text) && LIKE_AN_ADDRESS.test(text))
    .slice(0, MOST_PREVIOUS)
    .map((text) => text.replace(/\/.*$/, ''));
}
