/** An IpPool as JSON, and back: everything is checked before a pool is made of it. */
import { canonicalAddress } from './address.ts';
import { parseParts, valueOf } from './address-parts.ts';
import { checkAllocateOptions, checkOptions, checkSubject } from './ip-pool-arguments.ts';
import type { BindingSpec } from './binding.ts';
import type { IpPoolOptions } from './ip-pool-types.ts';
import { isRecord } from './pool-fields.ts';
import { contains, findOverlap, makeRangeSet, type RangeSet } from './range-set.ts';
import { formatRange, parseRange, quote, type Range } from './range.ts';
import { done, refuse, type Outcome } from './refusal.ts';
import { normaliseResource } from './resource.ts';

export interface RangeJson {
  readonly first: string;
  readonly last: string;
}

export type BindingJson = Omit<BindingSpec, 'network' | 'pool' | 'attachments'>;

export interface IpPoolSnapshot {
  readonly version: 1;
  readonly name: string;
  readonly options: Omit<IpPoolOptions, 'clock'>;
  readonly ranges: readonly RangeJson[];
  readonly reserved: readonly RangeJson[];
  /** Held ones, and released ones that are still kept back. */
  readonly bindings: readonly BindingJson[];
}

export interface ReadSnapshot {
  readonly name: string;
  readonly options: Omit<IpPoolOptions, 'clock'>;
  readonly ranges: readonly Range[];
  readonly reserved: RangeSet;
  readonly bindings: readonly BindingJson[];
}

const wrong = (detail: string): Outcome<never> => refuse('InvalidRequest', `the snapshot cannot be read: ${detail}`);

/** Puts where it is in front of what is wrong. */
const within = (where: string, outcome: Outcome<unknown> & { readonly ok: false }): Outcome<never> =>
  refuse(outcome.refusal.reason, `the snapshot cannot be read: ${where}: ${outcome.refusal.detail}`);

function parseJson(text: string): Outcome<unknown> {
  try {
    return done(JSON.parse(text));
  } catch {
    return wrong('it is not JSON');
  }
}

/** Refuses InvalidRequest, and InvalidIpAddress, InvalidRange, IpNotFound and IpAlreadyAllocated for what the addresses say. */
export function readSnapshot(json: unknown): Outcome<ReadSnapshot> {
  const parsed = typeof json === 'string' ? parseJson(json) : done(json);
  if (!parsed.ok) return parsed;
  const snapshot = parsed.value;
  if (!isRecord(snapshot)) return wrong('it is not an object');
  if (snapshot['version'] !== 1) return wrong(`its version is ${quote(snapshot['version'])}, this library reads version 1`);
  const { name, options = {} } = snapshot as unknown as Pick<IpPoolSnapshot, 'name' | 'options'>;
  const checked = isRecord(options) && 'clock' in options ? wrong('options.clock is not data') : checkOptions(name, options);
  if (!checked.ok) return within('options', checked);
  const ranges = readRanges(snapshot['ranges'], 'ranges');
  if (!ranges.ok) return ranges;
  const reserved = readRanges(snapshot['reserved'] ?? [], 'reserved');
  if (!reserved.ok) return reserved;
  const bindings = readBindings(snapshot['bindings'], makeRangeSet(ranges.value));
  return bindings.ok
    ? done({ name, options, ranges: ranges.value, reserved: makeRangeSet(reserved.value), bindings: bindings.value })
    : bindings;
}

function readRanges(list: unknown, field: string): Outcome<readonly Range[]> {
  if (!Array.isArray(list)) return wrong(`${field} is not a list`);
  const ranges: Range[] = [];
  for (const [index, entry] of list.entries()) {
    const range = isRecord(entry) ? parseRange(entry['first'] as string, entry['last'] as string) : wrong('not an object');
    if (!range.ok) return within(`${field}[${index}]`, range);
    ranges.push(range.value);
  }
  const sorted = makeRangeSet(ranges);
  const covered = sorted.reduce((sum, range) => sum + range.last - range.first + 1n, 0n);
  if (covered === ranges.reduce((sum, range) => sum + range.last - range.first + 1n, 0n)) return done(ranges);
  const twice = ranges.find((range, index) => findOverlap(ranges.slice(index + 1), range))!;
  return refuse('InvalidRange', `the snapshot cannot be read: ${field}: ${formatRange(twice)} overlaps another`);
}

function readBindings(list: unknown, ranges: RangeSet): Outcome<readonly BindingJson[]> {
  if (!Array.isArray(list)) return wrong('bindings is not a list');
  const addresses = new Set<string>();
  const subjects = new Set<string>();
  const bindings: BindingJson[] = [];
  for (const [index, entry] of list.entries()) {
    const binding = readBinding(entry, ranges);
    if (!binding.ok) return within(`bindings[${index}]`, binding);
    const { address, subinstance, subid, slot, releasedAt } = binding.value;
    if (addresses.has(address)) return within(`bindings[${index}]`, refuse('IpAlreadyAllocated', `${address} is there twice`));
    addresses.add(address);
    if (releasedAt === undefined) {
      const subject = JSON.stringify([subinstance, subid, slot, address.includes(':')]);
      if (subjects.has(subject)) return wrong(`bindings[${index}]: ${subinstance}/${subid} has two addresses in slot ${slot}`);
      subjects.add(subject);
    }
    bindings.push(binding.value);
  }
  return done(bindings);
}

function readBinding(entry: unknown, ranges: RangeSet): Outcome<BindingJson> {
  if (!isRecord(entry)) return refuse('InvalidRequest', 'not an object');
  const binding = entry as unknown as BindingJson;
  const address = canonicalAddress(binding.address);
  if (address === undefined) return refuse('InvalidIpAddress', `${quote(binding.address)} is not an IP address`);
  if (!contains(ranges, address.includes(':') ? 'IPv6' : 'IPv4', valueOf(parseParts(address)!)))
    return refuse('IpNotFound', `${binding.address} is outside every range`);
  const subject = checkSubject(binding.subinstance, binding.subid);
  if (!subject.ok) return subject;
  const resource = normaliseResource(binding.resource);
  if (!resource.ok) return resource;
  const { subinstance, subid, slot, tags, boundAt, expiresAt, releasedAt, cooldownSeconds, stickySeconds } = binding;
  const options = checkAllocateOptions({ slot, ...(tags !== undefined && { tags }) });
  if (!options.ok) return options;
  const figures = {
    slot,
    boundAt,
    cooldownSeconds,
    stickySeconds,
    expiresAt: expiresAt === undefined ? 0 : expiresAt,
    releasedAt: releasedAt === undefined ? 0 : releasedAt,
  };
  const odd = Object.entries(figures).find(([, value]) => !(typeof value === 'number' && Number.isFinite(value) && value >= 0));
  if (odd) return refuse('InvalidRequest', `${odd[0]} must be a number from 0, not ${quote(odd[1])}`);
  return done({
    address,
    subinstance,
    subid,
    slot,
    resource: resource.value,
    ...(tags && { tags: Object.freeze({ ...tags }) }),
    boundAt,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(releasedAt !== undefined && { releasedAt }),
    cooldownSeconds,
    stickySeconds,
  });
}
