/**
 * What an answered ADD returned, as DEL and CHECK give it back in prevResult: another replica may have written those
 * records a moment ago. They say where to look, not what to believe.
 */
import { canonicalAddressIn } from '../core/address.ts';
import { bindingName } from '../core/binding-name.ts';
import { DEFAULT_NETWORK } from '../core/pool.ts';
import type { View } from './view.ts';

/** In canonical text, without prefix lengths; what is no address is left out. */
export function addressesIn(prevAddresses: readonly string[] | undefined): string[] {
  return (prevAddresses ?? []).map(canonicalAddressIn).filter((text) => text !== undefined);
}

/** Under which names their records may be: in every network heard of, and in that of pods, whose pools may be too new. */
export function recordNames(view: View, addresses: Iterable<string>): string[] {
  const networks = [...new Set([DEFAULT_NETWORK, ...view.ledger.networks()])];
  return [...new Set(addresses)].flatMap((address) => networks.map((network) => bindingName(network, address)));
}
