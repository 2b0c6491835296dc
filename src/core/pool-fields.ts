/** The plain fields of a pool as a person wrote them: is each of the right type and within reason? No address logic. */
import { quote } from './range.ts';

/** A sentence about what is wrong, or undefined. */
type Check = (value: unknown, field: string) => string | undefined;

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const LONGEST_SECONDS = 366 * 24 * 3600;

export const isDnsLabel = (text: unknown): text is string => typeof text === 'string' && DNS_LABEL.test(text);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text: Check = (value, field) => (typeof value === 'string' ? undefined : `${field} must be text, not ${quote(value)}`);
const flag: Check = (value, field) => (typeof value === 'boolean' ? undefined : `${field} must be true or false, not ${quote(value)}`);

const label: Check = (value, field) =>
  isDnsLabel(value) ? undefined : `${field} must be a DNS label (lower-case letters, digits and dashes, at most 63), not ${quote(value)}`;

const integer =
  (least: number, most: number): Check =>
  (value, field) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `${field} must be a whole number from ${least} to ${most}, not ${quote(value)}`;

const oneOf =
  (...allowed: readonly string[]): Check =>
  (value, field) =>
    allowed.includes(value as string) ? undefined : `${field} must be ${allowed.join(' or ')}, not ${quote(value)}`;

const listOf =
  (item: Check): Check =>
  (value, field) => {
    if (!Array.isArray(value)) return `${field} must be a list, not ${quote(value)}`;
    return firstOf(value.map((entry, index) => item(entry, `${field}[${index}]`)));
  };

const mapOfText: Check = (value, field) => {
  if (!isRecord(value)) return `${field} must be a map of text to text, not ${quote(value)}`;
  return firstOf(Object.entries(value).map(([key, entry]) => text(entry, `${field}.${key}`)));
};

const firstOf = (problems: readonly (string | undefined)[]): string | undefined => problems.find((problem) => problem !== undefined);

/** Every key must be known and right; `required` ones must be there. */
const shape =
  (fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value, field) => {
    if (!isRecord(value)) return `${field} must be an object, not ${quote(value)}`;
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(fields, key)) return `${field} has an unknown field ${quote(key)}; known are ${Object.keys(fields).join(', ')}`;
    }
    const missing = required.find((key) => value[key] === undefined);
    if (missing !== undefined) return `${field}.${missing} is missing`;
    return firstOf(
      Object.entries(fields).map(([key, check]) => (value[key] === undefined ? undefined : check(value[key], `${field}.${key}`))),
    );
  };

const expression: Check = (value, field) => {
  const wrong = shape({ key: text, operator: oneOf('In', 'NotIn', 'Exists', 'DoesNotExist'), values: listOf(text) }, ['key', 'operator'])(
    value,
    field,
  );
  if (wrong) return wrong;
  const { operator, values = [] } = value as { operator: string; values?: readonly string[] };
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues && values.length === 0) return `${field}.values must name at least one value for ${operator}`;
  return !takesValues && values.length > 0 ? `${field}.values must be empty for ${operator}` : undefined;
};

const selector = shape({ matchLabels: mapOfText, matchExpressions: listOf(expression) });

const range: Check = (value, field) => {
  if (typeof value === 'string') return `${field} must be an object, {cidr: …} or {first: …, last: …}, not ${quote(value)}`;
  const wrong = shape({ cidr: text, first: text, last: text })(value, field);
  if (wrong) return wrong;
  const { cidr, first, last } = value as Record<string, unknown>;
  const isCidr = cidr !== undefined && first === undefined && last === undefined;
  const isSpan = cidr === undefined && first !== undefined && last !== undefined;
  return isCidr || isSpan ? undefined : `${field} must have either cidr, or first and last`;
};

const unsigned32 = integer(0, 0xffff_ffff);

const route = shape(
  { dst: text, gw: text, mtu: unsigned32, advmss: unsigned32, priority: unsigned32, table: unsigned32, scope: integer(0, 255) },
  ['dst'],
);

const count = integer(1, 1_000_000_000);

const poolFields = shape(
  {
    network: label,
    ranges: listOf(range),
    reserved: listOf(text),
    subnet: text,
    gateway: text,
    routes: listOf(route),
    dns: shape({ nameservers: listOf(text), domain: text, search: listOf(text), options: listOf(text) }),
    placement: oneOf('Home', 'Lowest'),
    cooldownSeconds: integer(0, LONGEST_SECONDS),
    whenFull: oneOf('Reuse', 'Wait'),
    stickySeconds: integer(0, LONGEST_SECONDS),
    limits: shape({ perSubinstance: count, perNode: count, perPod: count }),
    namespaceSelector: selector,
    podSelector: selector,
    nodeSelector: selector,
    priority: integer(-1_000_000_000, 1_000_000_000),
    default: flag,
    requestedAddresses: oneOf('Allowed', 'Forbidden'),
    state: oneOf('Active', 'NoNew', 'Draining'),
  },
  ['ranges'],
);

/** What is wrong with the fields of a pool, as a sentence, or undefined. Unknown fields are wrong: a typo must not be a default. */
export const checkPoolFields = (input: unknown): string | undefined => poolFields(input, 'spec');
