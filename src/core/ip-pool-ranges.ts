/** The ranges and reservations of an IpPool, kept in its ledger as one pool for each family. */
import { formatAddress, makeAddress, parseAddress, type Address } from './address.ts';
import type { Family } from './binding.ts';
import type { Ledger } from './ledger.ts';
import { DEFAULT_NETWORK } from './pool.ts';
import type { PoolSpec } from './pool-spec.ts';
import { contains, containsRange, EMPTY, findOverlap, makeRangeSet, subtract, union, type RangeSet } from './range-set.ts';
import { formatRange, quote, type Range } from './range.ts';
import { done, refuse, type Outcome } from './refusal.ts';

export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];

/** The pool's policy, without what depends on ranges. */
export type Policy = Pick<PoolSpec, 'placement' | 'cooldownSeconds' | 'whenFull' | 'stickySeconds'>;

export class IpPoolRanges {
  readonly #ledger: Ledger;
  readonly #name: string;
  readonly #policy: Policy;
  /** One text for all records: 1 M copies of it would be 60 MB. */
  readonly #ledgerNames: Readonly<Record<Family, string>>;
  #ranges: RangeSet = EMPTY;
  #reserved: RangeSet = EMPTY;

  constructor(ledger: Ledger, name: string, policy: Policy) {
    this.#ledger = ledger;
    this.#name = name;
    this.#policy = policy;
    this.#ledgerNames = { IPv4: `${name}/IPv4`, IPv6: `${name}/IPv6` };
  }

  get ranges(): RangeSet {
    return this.#ranges;
  }

  get reserved(): RangeSet {
    return this.#reserved;
  }

  /** The ledger's name for one family's half; what a person reads in a refusal. */
  ledgerName(family: Family): string {
    return this.#ledgerNames[family];
  }

  has(family: Family): boolean {
    return this.#ranges.some((range) => range.family === family);
  }

  contains(address: Address): boolean {
    return contains(this.#ranges, address.family, address.value);
  }

  /** Refuses InvalidRange when an address of it is in the pool already. One that touches another is merged with it. */
  add(range: Range): Outcome<void> {
    const other = findOverlap(this.#ranges, range);
    if (other) return refuse('InvalidRange', `${formatRange(range)} overlaps ${formatRange(other)} of pool ${this.#name}`);
    this.#ranges = union(this.#ranges, [range]);
    this.#putPool(range.family);
    return done(undefined);
  }

  /** All at once, for a pool that has none yet: one by one, thousands would take a time of their square. */
  restore(ranges: readonly Range[], reserved: RangeSet): void {
    this.#ranges = makeRangeSet(ranges);
    this.#reserved = reserved;
    for (const family of FAMILIES) this.#putPool(family);
  }

  /** Refuses IpNotFound (not all of it is in the pool) and InvalidRange (an address of it is held). */
  remove(range: Range): Outcome<void> {
    if (!containsRange(this.#ranges, range)) return refuse('IpNotFound', `${formatRange(range)} is not all in pool ${this.#name}`);
    const records = [...this.#ledger.recordsIn(DEFAULT_NETWORK, [range])];
    const held = records.find((binding) => binding.releasedAt === undefined);
    if (held) {
      const holder = `${held.subinstance}/${held.subid}`;
      const detail = `${formatRange(range)} is in use: ${held.address} is held by ${holder}; release it first`;
      return refuse('InvalidRange', detail, { address: held.address, holder });
    }
    for (const binding of records) this.#ledger.remove(DEFAULT_NETWORK, binding.address);
    this.#ranges = subtract(this.#ranges, [range]);
    this.#reserved = subtract(this.#reserved, [range]);
    this.#putPool(range.family);
    return done(undefined);
  }

  /** Whether it was not reserved before. Refuses InvalidIpAddress, IpNotFound, and IpAlreadyAllocated for one that is held. */
  reserve(text: string): Outcome<boolean> {
    const address = this.#addressOf(text);
    if (!address.ok) return address;
    const binding = this.#ledger.get(DEFAULT_NETWORK, formatAddress(address.value));
    if (binding && binding.releasedAt === undefined) {
      const holder = `${binding.subinstance}/${binding.subid}`;
      return refuse('IpAlreadyAllocated', `${binding.address} is held by ${holder}: release it before reserving it`, {
        address: binding.address,
        holder,
      });
    }
    return done(this.setReserved(union(this.#reserved, [rangeOf(address.value)])));
  }

  unreserve(text: string): Outcome<boolean> {
    const address = this.#addressOf(text);
    if (!address.ok) return address;
    return done(this.setReserved(subtract(this.#reserved, [rangeOf(address.value)])));
  }

  /** Whether that is a change. */
  setReserved(reserved: RangeSet): boolean {
    const before = this.#reserved;
    const changed = FAMILIES.filter((family) => !isSameSet(ofFamily(reserved, family), ofFamily(before, family)));
    this.#reserved = reserved;
    for (const family of changed) this.#putPool(family);
    return changed.length > 0;
  }

  #addressOf(text: string): Outcome<Address> {
    const address = parseAddress(text);
    if (!address) return refuse('InvalidIpAddress', `${quote(text)} is not an IP address`);
    if (this.contains(address)) return done(address);
    return refuse('IpNotFound', `${text} is outside every range of pool ${this.#name}`, { address: formatAddress(address) });
  }

  #putPool(family: Family): void {
    const name = this.ledgerName(family);
    const ranges = ofFamily(this.#ranges, family);
    if (ranges.length === 0) {
      this.#ledger.removePool(name);
      return;
    }
    const spec: PoolSpec = {
      ...this.#policy,
      network: DEFAULT_NETWORK,
      family,
      ranges: [],
      priority: 0,
      default: true,
      requestedAddresses: 'Allowed',
      state: 'Active',
    };
    this.#ledger.putPool({ name, uid: name, spec, parsed: { ranges, reserved: ofFamily(this.#reserved, family) } });
  }
}

const ofFamily = (set: RangeSet, family: Family): RangeSet => set.filter((range) => range.family === family);

const rangeOf = (address: Address): Range => ({ family: address.family, first: address.value, last: address.value });

const isSameSet = (a: RangeSet, b: RangeSet): boolean =>
  a.length === b.length && a.every((range, index) => range.first === b[index]!.first && range.last === b[index]!.last);

/** "first" and "last" of a range as canonical text. */
export function textOf(range: Range): { readonly first: string; readonly last: string } {
  return { first: formatAddress(makeAddress(range.family, range.first)), last: formatAddress(makeAddress(range.family, range.last)) };
}
