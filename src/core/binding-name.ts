/**
 * The name of a record is its network and address, so that creating it is the lock (KEP-1880 does the same for
 * Service IPs). Injective and a DNS-1123 subdomain: IPv6 is fully expanded, because "::" has no safe spelling.
 */
import { bitsOf, formatAddress, makeAddress } from './address.ts';
import { isIPv6Text, parseParts, valueOf } from './address-parts.ts';

const IPV4_NAME = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.((?:0|[1-9][0-9]{0,2})(?:-(?:0|[1-9][0-9]{0,2})){3})$/;
const IPV6_NAME = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.([0-9a-f]{4}(?:-[0-9a-f]{4}){7})$/;

/** `default.10-244-1-7`, `default.2001-0db8-0000-0000-0000-0000-0000-0001`. Takes canonical text. */
export function bindingName(network: string, address: string): string {
  if (!isIPv6Text(address)) return `${network}.${address.replaceAll('.', '-')}`;
  const parts = parseParts(address);
  if (!parts) throw new Error('an address must be canonical before it becomes a name');
  const digits = valueOf(parts).toString(16).padStart(32, '0');
  return `${network}.${digits.match(/.{4}/g)!.join('-')}`;
}

/** The inverse; undefined for a name that bindingName never gives. */
export function parseBindingName(name: string): { network: string; address: string } | undefined {
  if (name.length > 63 + 1 + 39) return undefined;
  const ipv4 = IPV4_NAME.exec(name);
  if (ipv4) {
    const octets = ipv4[2]!.split('-');
    if (octets.some((octet) => Number(octet) > 255)) return undefined;
    return { network: ipv4[1]!, address: octets.join('.') };
  }
  const ipv6 = IPV6_NAME.exec(name);
  if (!ipv6) return undefined;
  const value = BigInt(`0x${ipv6[2]!.replaceAll('-', '')}`);
  return { network: ipv6[1]!, address: formatAddress(makeAddress('IPv6', BigInt.asUintN(bitsOf('IPv6'), value))) };
}
