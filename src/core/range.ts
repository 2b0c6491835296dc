/** An inclusive run of addresses of one family. A CIDR means every address of it, network and broadcast included. */
import { bitsOf, formatAddress, makeAddress, maximumOf, parseAddress } from './address.ts';
import type { Family } from './binding.ts';
import { done, refuse, type Outcome } from './refusal.ts';

export interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

export interface Cidr extends Range {
  readonly prefixLength: number;
}

const PREFIX_LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;

/** What a person wrote, short enough and plain enough to repeat in a sentence. */
export function quote(text: unknown): string {
  const shown = typeof text === 'string' ? text : describe(text);
  const plain = shown.replace(/[^\x20-\x7e]/g, '?');
  return `"${plain.length > 60 ? `${plain.slice(0, 57)}...` : plain}"`;
}

/** JSON knows neither a bigint nor an object within itself. */
function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value === 'bigint' ? `${value}n` : typeof value;
  }
}

/**
 * Refuses InvalidIpAddress (the base is no address) and InvalidSubnet (no or a bad prefix length, or host bits set:
 * of 10.0.0.5/24 nobody can say whether one address or the whole subnet is meant).
 */
export function parseCidr(text: string): Outcome<Cidr> {
  const slash = typeof text === 'string' ? text.indexOf('/') : -1;
  if (slash < 0)
    return refuse('InvalidSubnet', `${quote(text)} is not a CIDR: write an address, a slash and a prefix length, as in 10.0.0.0/24`);
  const address = parseAddress(text.slice(0, slash));
  if (!address) return refuse('InvalidIpAddress', `${quote(text.slice(0, slash))} in ${quote(text)} is not an IP address`);
  const bits = bitsOf(address.family);
  const length = text.slice(slash + 1);
  if (!PREFIX_LENGTH.test(length) || Number(length) > bits) {
    return refuse('InvalidSubnet', `${quote(text)} has a bad prefix length: ${address.family} takes 0 to ${bits}`);
  }
  const prefixLength = Number(length);
  const hostMask = (1n << BigInt(bits - prefixLength)) - 1n;
  if ((address.value & hostMask) !== 0n) {
    const base = formatAddress(makeAddress(address.family, address.value & ~hostMask));
    return refuse('InvalidSubnet', `${quote(text)} has host bits set: the subnet is ${base}/${prefixLength}`);
  }
  return done({ family: address.family, first: address.value, last: address.value | hostMask, prefixLength });
}

/** Refuses InvalidIpAddress, and InvalidRange for mixed families or a reversed range. */
export function parseRange(first: string, last: string): Outcome<Range> {
  const from = parseAddress(first);
  if (!from) return refuse('InvalidIpAddress', `${quote(first)} is not an IP address`);
  const to = parseAddress(last);
  if (!to) return refuse('InvalidIpAddress', `${quote(last)} is not an IP address`);
  if (from.family !== to.family) return refuse('InvalidRange', `${quote(first)} and ${quote(last)} are of different families`);
  if (from.value > to.value) return refuse('InvalidRange', `the range is reversed: ${first} comes after ${last}`);
  return done({ family: from.family, first: from.value, last: to.value });
}

/** An address, a CIDR or "first-last", as in a pool's `reserved`. */
export function parseRangeText(text: string): Outcome<Range> {
  if (typeof text === 'string' && text.includes('/')) return parseCidr(text);
  const dash = typeof text === 'string' ? text.indexOf('-') : -1;
  return dash < 0 ? parseRange(text, text) : parseRange(text.slice(0, dash).trim(), text.slice(dash + 1).trim());
}

/** The prefix length of a CIDR that was checked before. */
export const prefixLengthOf = (cidr: string): number => Number(cidr.slice(cidr.indexOf('/') + 1));

export const sizeOf = (range: Range): bigint => range.last - range.first + 1n;

export const rangeContains = (outer: Range, inner: Range): boolean =>
  outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;

/** "10.0.0.0/24" where the range is one, an address where it is one, else "first-last". */
export function formatRange(range: Range): string {
  const first = formatAddress(makeAddress(range.family, range.first));
  if (range.first === range.last) return first;
  const size = sizeOf(range);
  if ((size & (size - 1n)) === 0n && range.first % size === 0n) {
    return `${first}/${bitsOf(range.family) - (size.toString(2).length - 1)}`;
  }
  return `${first}-${formatAddress(makeAddress(range.family, range.last))}`;
}

export const everyAddressOf = (family: Family): Range => ({ family, first: 0n, last: maximumOf(family) });
