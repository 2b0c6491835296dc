/**
 * An address is a frozen value, made here and nowhere else; text lives at the edge. The only file that knows
 * ipaddr.js, which accepts more than people mean: `010.0.0.1` (octal?), `10.1`, `0x0a000001`, zones, IPv4-mapped
 * IPv6, and takes `::1.2.3.4` for a mapped one. The gate in front of it lets four plain decimal parts and plain IPv6 through.
 */
import ipaddr from 'ipaddr.js';
import { formatIPv4, formatIPv6, isIPv6Text, parseParts, partsOf } from './address-parts.ts';
import type { Family } from './binding.ts';

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

const FOUR_DECIMALS = /^(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})$/;
const PLAIN_IPV6 = /^(?=[0-9a-fA-F]*:)[0-9a-fA-F:]{2,39}(?:(?<=:)(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2}))?$/;

/** IPv4-mapped (::ffff:0:0/96) is an IPv4 address in disguise: one address would have two names. */
const isMapped = (value: bigint): boolean => value >> 32n === 0xffffn;

export const bitsOf = (family: Family): 32 | 128 => (family === 'IPv4' ? 32 : 128);
export const maximumOf = (family: Family): bigint => (family === 'IPv4' ? 0xffff_ffffn : (1n << 128n) - 1n);

export function makeAddress(family: Family, value: bigint): Address {
  return Object.freeze({ family, value });
}

/** The address, or undefined for anything that is not exactly one IPv4 or IPv6 address. */
export function parseAddress(text: string): Address | undefined {
  if (typeof text !== 'string') return undefined;
  const family: Family | undefined = FOUR_DECIMALS.test(text) ? 'IPv4' : PLAIN_IPV6.test(text) ? 'IPv6' : undefined;
  if (family === undefined || !ipaddr.isValid(text)) return undefined;
  const value = ipaddr
    .parse(text)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (family === 'IPv6' && isMapped(value)) return undefined;
  return makeAddress(family, value);
}

/** Canonical text: dotted decimal, or RFC 5952. */
export function formatAddress(address: Address): string {
  const { high, middle, low } = partsOf(address.value);
  return address.family === 'IPv4' ? formatIPv4(low) : formatIPv6(high, middle, low);
}

/** Undefined for what is no address. Text that is canonical already, which is most, is told without a full parse. */
export function canonicalAddress(text: string): string | undefined {
  if (typeof text !== 'string') return undefined;
  const parts = parseParts(text);
  if (parts) {
    const isIPv6 = isIPv6Text(text);
    const canonical = isIPv6 ? formatIPv6(parts.high, parts.middle, parts.low) : formatIPv4(parts.low);
    if (canonical === text && !(isIPv6 && parts.high === 0 && parts.middle === 0xffff)) return text;
  }
  const address = parseAddress(text);
  return address && formatAddress(address);
}

/** As above, also of an address that is written with its prefix length, as CNI results have them: "10.0.0.1/24". */
export const canonicalAddressIn = (text: string): string | undefined => canonicalAddress(text.split('/', 1)[0]!);
