/** A pool's spec: from what a person wrote to what the engine relies on. Past this door nobody checks again. */
import { bitsOf, formatAddress, makeAddress, parseAddress } from './address.ts';
import type { Family } from './binding.ts';
import { checkPoolFields, isDnsLabel } from './pool-fields.ts';
import type { Dns, PoolSpec, PoolSpecInput, RangeText, Route } from './pool-spec.ts';
import { findOverlap, makeRangeSet, type RangeSet } from './range-set.ts';
import {
  formatRange,
  parseCidr,
  parseRange,
  parseRangeText,
  prefixLengthOf,
  quote,
  rangeContains,
  type Cidr,
  type Range,
} from './range.ts';
import { done, refuse, type Outcome } from './refusal.ts';

/** Of pools that name none; in a cluster the pods' own addresses (status.podIPs) are of it, and other networks may use the same numbers. */
export const DEFAULT_NETWORK = 'default';

/** A pool is one object in the store; these keep it far from etcd's 1.5 MB. */
const MOST_RANGES = 1_024;
const MOST_RESERVED = 8_192;

const parseRangeEntry = (entry: RangeText): Outcome<Range> =>
  'cidr' in entry ? parseCidr(entry.cidr) : parseRange(entry.first, entry.last);

/** All ranges, in order, of one family and apart from each other. */
function parseRanges(entries: readonly RangeText[]): Outcome<readonly Range[]> {
  if (entries.length === 0) return refuse('InvalidRange', 'spec.ranges is empty: a pool needs at least one range');
  if (entries.length > MOST_RANGES)
    return refuse('InvalidRange', `spec.ranges has ${entries.length} entries; at most ${MOST_RANGES} fit a pool`);
  const ranges: Range[] = [];
  for (const entry of entries) {
    const range = parseRangeEntry(entry);
    if (!range.ok) return range;
    if (ranges[0] && range.value.family !== ranges[0].family) {
      return refuse(
        'InvalidRange',
        `${formatRange(range.value)} is ${range.value.family}, the ranges before it are ${ranges[0].family}: make a pool for each family`,
      );
    }
    ranges.push(range.value);
  }
  const sorted = [...ranges].sort((a, b) => (a.first < b.first ? -1 : 1));
  for (const [index, range] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next && next.first <= range.last) return refuse('InvalidRange', `${formatRange(range)} and ${formatRange(next)} overlap`);
  }
  return done(ranges);
}

/** The single CIDR of a pool is its subnet unless another is named; several ranges have none of their own. */
function chooseSubnet(input: PoolSpecInput, ranges: readonly Range[]): Outcome<Cidr | undefined> {
  const [only] = input.ranges;
  const text = input.subnet ?? (input.ranges.length === 1 && only && 'cidr' in only ? only.cidr : undefined);
  if (text === undefined) return done(undefined);
  const subnet = parseCidr(text);
  if (!subnet.ok) return subnet;
  const outside = ranges.find((range) => !rangeContains(subnet.value, range));
  return outside
    ? refuse(
        'InvalidSubnet',
        `${formatRange(outside)} is not inside the subnet ${formatRange(subnet.value)}; widen spec.subnet, or make another pool for it`,
      )
    : subnet;
}

function checkGateway(text: string, family: Family, subnet: Cidr | undefined): Outcome<string> {
  const gateway = parseAddress(text);
  if (!gateway) return refuse('InvalidIpAddress', `spec.gateway: ${quote(text)} is not an IP address`);
  if (gateway.family !== family) return refuse('InvalidIpAddress', `spec.gateway ${text} is ${gateway.family}, the pool is ${family}`);
  if (subnet) {
    if (gateway.value < subnet.first || gateway.value > subnet.last) {
      return refuse('InvalidSubnet', `the gateway ${text} is outside the subnet ${formatRange(subnet)}`);
    }
    const unusable = unusableOf(subnet).some((range) => range.first <= gateway.value && gateway.value <= range.last);
    if (unusable) return refuse('InvalidSubnet', `the gateway ${text} is the network or broadcast address of ${formatRange(subnet)}`);
  }
  return done(formatAddress(gateway));
}

/**
 * The subnet's own addresses nobody can use: network and broadcast of IPv4 (RFC 1122, and none in a /31, RFC 3021),
 * the subnet-router anycast address of IPv6 (RFC 4291 2.6.1, and none in a /127, RFC 6164).
 */
function unusableOf(subnet: Cidr): readonly Range[] {
  const { family, first, last } = subnet;
  if (last - first < 2n) return [];
  const network = { family, first, last: first };
  return family === 'IPv4' ? [network, { family, first: last, last }] : [network];
}

/** Everything of a pool that is never handed out: what the spec lists, the gateway, and the subnet's own addresses. */
export function reservedOf(spec: PoolSpec): RangeSet {
  const reserved: Range[] = [];
  for (const text of spec.reserved ?? []) {
    const range = parseRangeText(text);
    if (range.ok) reserved.push(range.value);
  }
  const gateway = spec.gateway === undefined ? undefined : parseAddress(spec.gateway);
  if (gateway) reserved.push({ family: gateway.family, first: gateway.value, last: gateway.value });
  const subnet = spec.subnet === undefined ? undefined : parseCidr(spec.subnet);
  if (subnet?.ok) {
    reserved.push(...unusableOf(subnet.value));
    // `bridge` with isGateway takes the first address for itself when IPAM names no gateway.
    const { family, first, last } = subnet.value;
    if (!gateway && last - first >= 2n) reserved.push({ family, first: first + 1n, last: first + 1n });
  }
  return makeRangeSet(reserved);
}

/** The ranges of a normalised spec; those that touch are one. */
export function rangesOf(spec: PoolSpec): RangeSet {
  return makeRangeSet(
    spec.ranges.map((entry) => {
      const range = parseRangeEntry(entry);
      if (!range.ok) throw new Error(`a pool's spec must be normalised: ${range.refusal.detail}`);
      return range.value;
    }),
  );
}

function canonicalRange(entry: RangeText, range: Range): RangeText {
  if ('cidr' in entry) return { cidr: `${text(range.family, range.first)}/${prefixLengthOf(entry.cidr)}` };
  return { first: text(range.family, range.first), last: text(range.family, range.last) };
}

const text = (family: Family, value: bigint): string => formatAddress(makeAddress(family, value));

function canonicalReserved(entries: readonly string[], family: Family): Outcome<readonly string[]> {
  if (entries.length > MOST_RESERVED) {
    return refuse(
      'InvalidRange',
      `spec.reserved has ${entries.length} entries; at most ${MOST_RESERVED} fit a pool: write runs as CIDRs or first-last`,
    );
  }
  const canonical: string[] = [];
  for (const entry of entries) {
    const range = parseRangeText(entry);
    if (!range.ok) return refuse(range.refusal.reason, `spec.reserved: ${range.refusal.detail}`);
    if (range.value.family !== family)
      return refuse('InvalidRange', `spec.reserved: ${entry} is ${range.value.family}, the pool is ${family}`);
    canonical.push(formatRange(range.value));
  }
  return done(canonical);
}

function canonicalRoutes(routes: readonly Route[]): Outcome<readonly Route[]> {
  const canonical: Route[] = [];
  for (const [index, route] of routes.entries()) {
    const dst = parseCidr(route.dst);
    if (!dst.ok) return refuse(dst.refusal.reason, `spec.routes[${index}].dst: ${dst.refusal.detail}`);
    const gateway = route.gw === undefined ? undefined : parseAddress(route.gw);
    if (route.gw !== undefined && gateway?.family !== dst.value.family) {
      return refuse('InvalidIpAddress', `spec.routes[${index}].gw must be an ${dst.value.family} address, not ${quote(route.gw)}`);
    }
    const cidr = `${text(dst.value.family, dst.value.first)}/${dst.value.prefixLength}`;
    canonical.push({ ...route, dst: cidr, ...(gateway && { gw: formatAddress(gateway) }) });
  }
  return done(canonical);
}

function canonicalDns(dns: Dns): Outcome<Dns> {
  const nameservers = dns.nameservers?.map((server) => parseAddress(server));
  const wrong = nameservers?.findIndex((server) => server === undefined) ?? -1;
  if (wrong >= 0) return refuse('InvalidIpAddress', `spec.dns.nameservers: ${quote(dns.nameservers![wrong])} is not an IP address`);
  return done({ ...dns, ...(nameservers && { nameservers: nameservers.map((server) => formatAddress(server!)) }) });
}

/**
 * Fills in the defaults and makes all text canonical: network `default`, placement `Home`, cooldownSeconds 30,
 * whenFull `Reuse`, stickySeconds 0, priority 0, not a default pool, requestedAddresses `Forbidden`, state `Active`;
 * the subnet is the pool's only CIDR when it has exactly one range and that is a CIDR.
 *
 * Refuses InvalidRequest (name, unknown fields, wrong types), InvalidIpAddress, InvalidRange (overlap, reversed,
 * mixed families, too many) and InvalidSubnet (bad prefix length, host bits, ranges or gateway outside the subnet).
 */
export function normalisePool(name: string, input: PoolSpecInput): Outcome<PoolSpec> {
  if (!isDnsLabel(name)) {
    return refuse(
      'InvalidRequest',
      `a pool's name must be a DNS label (lower-case letters, digits and dashes, at most 63), not ${quote(name)}`,
    );
  }
  const problem = checkPoolFields(input);
  if (problem) return refuse('InvalidRequest', problem);
  const ranges = parseRanges(input.ranges);
  if (!ranges.ok) return ranges;
  const family = ranges.value[0]!.family;
  const subnet = chooseSubnet(input, ranges.value);
  if (!subnet.ok) return subnet;
  const gateway = input.gateway === undefined ? done(undefined) : checkGateway(input.gateway, family, subnet.value);
  if (!gateway.ok) return gateway;
  const reserved = canonicalReserved(input.reserved ?? [], family);
  if (!reserved.ok) return reserved;
  const routes = canonicalRoutes(input.routes ?? []);
  if (!routes.ok) return routes;
  const dns = canonicalDns(input.dns ?? {});
  if (!dns.ok) return dns;
  return done({
    ...input,
    network: input.network ?? DEFAULT_NETWORK,
    family,
    ranges: input.ranges.map((entry, index) => canonicalRange(entry, ranges.value[index]!)),
    ...(input.reserved && { reserved: reserved.value }),
    ...(subnet.value && { subnet: `${text(family, subnet.value.first)}/${subnet.value.prefixLength}` }),
    ...(gateway.value !== undefined && { gateway: gateway.value }),
    ...(input.routes && { routes: routes.value }),
    ...(input.dns && { dns: dns.value }),
    placement: input.placement ?? 'Home',
    cooldownSeconds: input.cooldownSeconds ?? 30,
    whenFull: input.whenFull ?? 'Reuse',
    stickySeconds: input.stickySeconds ?? 0,
    priority: input.priority ?? 0,
    default: input.default ?? false,
    requestedAddresses: input.requestedAddresses ?? 'Forbidden',
    state: input.state ?? 'Active',
  });
}

/** What goes behind an address in the CNI result: the subnet's length, or a host route's (32, 128) where there is no subnet. */
export const prefixLengthFor = (spec: PoolSpec): number => (spec.subnet === undefined ? bitsOf(spec.family) : prefixLengthOf(spec.subnet));

/** The first range of two sets of pools' ranges that both claim, as text; pools of one network must not overlap. */
export function overlapOf(a: RangeSet, b: RangeSet): string | undefined {
  for (const range of b) {
    const other = findOverlap(a, range);
    if (other) return formatRange(other);
  }
  return undefined;
}
