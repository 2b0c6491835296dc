/** What a subject is: a MAC address, a VM, a container, a pod or anything else with a name. */
import type { Resource, ResourceKind } from './binding.ts';
import { quote } from './range.ts';
import { done, refuse, type Outcome } from './refusal.ts';

const KINDS: ReadonlySet<string> = new Set<ResourceKind>(['mac', 'vm', 'container', 'pod', 'custom']);
const LONGEST_VALUE = 253;

/** EUI-48 and EUI-64 in the spellings people use: aa:bb:…, AA-BB-…, aabb.ccdd.eeff, aabbccddeeff. */
const MAC =
  /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}(?:[0-9a-f]{2}\1[0-9a-f]{2}\1)?[0-9a-f]{2}$|^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,3}$|^(?:[0-9a-f]{4}){3,4}$/i;

/** Lower case with colons, so that all spellings compare equal; undefined for what is no MAC address. */
export function normaliseMac(text: string): string | undefined {
  if (!MAC.test(text)) return undefined;
  return text.replace(/[:.-]/g, '').toLowerCase().match(/../g)!.join(':');
}

/** Refuses InvalidRequest: an unknown type, an empty or overlong value, a MAC that is none. */
export function normaliseResource(resource: Resource): Outcome<Resource> {
  const { type, value } = resource ?? {};
  if (!KINDS.has(type)) return refuse('InvalidRequest', `a resource's type must be ${[...KINDS].join(', ')}, not ${quote(type)}`);
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_VALUE) {
    return refuse('InvalidRequest', `a resource's value must be text of 1 to ${LONGEST_VALUE} characters, not ${quote(value)}`);
  }
  if (type !== 'mac') return done(Object.isFrozen(resource) ? resource : Object.freeze({ type, value }));
  const mac = normaliseMac(value);
  if (mac === undefined) return refuse('InvalidRequest', `${quote(value)} is not a MAC address`);
  return done(mac === value && Object.isFrozen(resource) ? resource : Object.freeze({ type, value: mac }));
}
