/** The plugin's own part of the network configuration: `ipam` (DESIGN section 10). Only `type` is needed. */
import { quoted } from './environment.ts';
import { type Checked, Code, fine, wrong } from './errors.ts';
import { isPlain, isText, isTexts, type Plain } from './plain.ts';

export type Family = 'IPv4' | 'IPv6';
export type PoolChoice = string | readonly string[];

export interface Configuration {
  readonly pools?: readonly PoolChoice[];
  readonly families?: readonly Family[];
  /** "unix:PATH", "IP:PORT" (https), or absent: the identity's endpoints, else the default socket. */
  readonly controller?: string;
  readonly identityDir: string;
  readonly spoolDir: string;
  readonly logFile: string;
  readonly gcMinAgeSeconds: number;
}

export const DEFAULTS: Configuration = {
  identityDir: '/run/berth/identity',
  spoolDir: '/var/lib/berth/spool',
  logFile: '/var/log/berth/berth.log',
  gcMinAgeSeconds: 600,
};

export const DEFAULT_SOCKET = 'unix:/run/berth/berth.sock';

/** Each known key: whether its value will do, and if not, what would. */
const KEYS: Readonly<Record<string, readonly [(value: unknown) => boolean, string]>> = {
  type: [() => true, ''],
  pools: [
    (value) => Array.isArray(value) && value.every((one) => isText(one) || (isTexts(one) && one.length > 0)),
    'a list of pool names, or of lists of them',
  ],
  families: [(value) => Array.isArray(value) && value.length > 0 && value.every(isFamily), 'a list of "IPv4" and "IPv6"'],
  controller: [
    (value) => isText(value) && parseController(value) !== undefined,
    'unix:///PATH, or https://ADDRESS:PORT (an IP address, not a name)',
  ],
  identityDir: [isPath, 'an absolute path'],
  spoolDir: [isPath, 'an absolute path'],
  logFile: [isPath, 'an absolute path'],
  gcMinAgeSeconds: [(value) => typeof value === 'number' && Number.isInteger(value) && value >= 0, 'a whole number of seconds'],
};

function isFamily(value: unknown): value is Family {
  return value === 'IPv4' || value === 'IPv6';
}

/** What no file's name can hold: a zero byte, and half of a surrogate pair, at which the native host's calls would throw. */
const UNNAMEABLE = /[\0\ud800-\udfff]/u;

function isPath(value: unknown): value is string {
  return isText(value) && value.startsWith('/') && !UNNAMEABLE.test(value);
}

/** "unix:PATH" or "IP:PORT"; undefined for anything else. */
export function parseController(text: string): string | undefined {
  const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(text)?.[1];
  if (socket !== undefined && !UNNAMEABLE.test(socket)) return `unix:${socket}`;
  return /^https:\/\/((?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):\d{1,5})\/?$/.exec(text)?.[1];
}

/**
 * Strict: an unknown key is code 2, with key and value; a wrong value code 7. Lenient, for DEL: keys that do not say
 * where the controller, the identity or the spool is cannot hold a release up, and a broken one of the others
 * means its default.
 */
export function readConfiguration(ipam: unknown, lenient: boolean): Checked<Configuration> {
  if (!isPlain(ipam))
    return lenient && ipam === undefined ? fine(DEFAULTS) : wrong(Code.invalidConfiguration, 'the configuration has no "ipam" object');
  for (const [key, value] of Object.entries(ipam)) {
    const rule = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (rule === undefined && !lenient) {
      const known = `known keys: ${Object.keys(KEYS).join(', ')}`;
      return wrong(Code.unsupportedField, `unknown key in ipam: ${quoted(key)}, with the value ${shown(value)}`, known);
    }
    if (rule !== undefined && !rule[0](value) && !(lenient && LENIENT_KEYS.includes(key))) {
      return wrong(Code.invalidConfiguration, `ipam.${key} is not valid: ${shown(value)}`, `it must be ${rule[1]}`);
    }
  }
  return fine(take(ipam));
}

const LENIENT_KEYS: readonly string[] = ['pools', 'families', 'logFile', 'gcMinAgeSeconds'];

function take(ipam: Plain): Configuration {
  const good = (key: string): unknown => (ipam[key] !== undefined && KEYS[key]?.[0](ipam[key]) === true ? ipam[key] : undefined);
  const [pools, families, controller] = [good('pools'), good('families'), good('controller')];
  const address = typeof controller === 'string' ? parseController(controller) : undefined;
  return {
    ...(pools === undefined ? {} : { pools: pools as readonly PoolChoice[] }),
    ...(families === undefined ? {} : { families: families as readonly Family[] }),
    ...(address === undefined ? {} : { controller: address }),
    identityDir: (good('identityDir') as string | undefined) ?? DEFAULTS.identityDir,
    spoolDir: (good('spoolDir') as string | undefined) ?? DEFAULTS.spoolDir,
    logFile: (good('logFile') as string | undefined) ?? DEFAULTS.logFile,
    gcMinAgeSeconds: (good('gcMinAgeSeconds') as number | undefined) ?? DEFAULTS.gcMinAgeSeconds,
  };
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};
