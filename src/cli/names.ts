/** Names as people have them in hand: also what `-o name` printed. */
import { canonicalAddress, parseAddress } from '../core/address.ts';
import { parseBindingName } from '../core/binding-name.ts';
import type { AddressBinding, AddressPool } from '../protocol.ts';
import { UsageError } from './usage.ts';

export const poolObjectName = (pool: AddressPool): string => `addresspool/${pool.metadata.name}`;
export const bindingObjectName = (binding: AddressBinding): string => `addressbinding/${binding.metadata.name}`;

/** "blue", "pool/blue", "addresspool/blue" and "addresspool.berth-ipam.dev/blue" all mean blue. */
export const readPoolName = (text: string): string => text.replace(/^(?:pools?|apools?|addresspools?(?:\.berth-ipam\.dev)?)\//, '');

/** Of an option that may be repeated; commas do as well, as in the annotation `berth-ipam.dev/pools`. */
export const readPoolNames = (texts: readonly string[]): string[] => texts.flatMap((text) => text.split(',').map(readPoolName));

export interface AddressName {
  readonly address: string;
  /** Undefined where the text does not say. */
  readonly network: string | undefined;
}

/** "10.0.0.5", or an object's name "[addressbinding/]default.10-0-0-5". Throws UsageError for what is no address. */
export function readAddressName(text: string): AddressName {
  const name = text.replace(/^(?:bindings?|abinds?|addressbindings?(?:\.berth-ipam\.dev)?)\//, '');
  const address = canonicalAddress(name);
  if (address !== undefined) return { address, network: undefined };
  const parsed = parseBindingName(name);
  if (!parsed) throw new UsageError(`"${text}" is not an IP address`);
  return parsed;
}

export interface HolderName {
  readonly subinstance: string;
  readonly subid: string;
}

/** "shop/cart-0"; undefined for what has no two parts, or is an address or an object's name. */
export function readHolderName(text: string): HolderName | undefined {
  const [subinstance = '', subid = '', ...more] = text.split('/');
  if (subinstance === '' || subid === '' || more.length > 0) return undefined;
  const isOther = canonicalAddress(subinstance) ?? canonicalAddress(subid) ?? parseBindingName(subid);
  return isOther === undefined ? { subinstance, subid } : undefined;
}

/** IPv4 before IPv6, then by number. Takes canonical text. */
export function compareAddresses(a: string, b: string): number {
  const [left, right] = [parseAddress(a), parseAddress(b)];
  if (!left || !right || left.family !== right.family) return left?.family === 'IPv4' ? -1 : 1;
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
}
