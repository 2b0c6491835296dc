/**
 * Which addresses of a set of ranges are taken, and "the first available from here" without a walk. Knows nothing
 * of holders: an address is taken when it is held, kept back or reserved.
 */
import { isIPv6Text, parseParts, valueOf, type Parts } from './address-parts.ts';
import type { Family } from './binding.ts';
import { contains, EMPTY, intersect, size, subtract, type RangeSet } from './range-set.ts';
import { sizeOf } from './range.ts';
import { FAR, Segment } from './segment.ts';

/** Where an address lies. */
export interface Place {
  /** None inside a huge reserved block. */
  readonly segment: Segment | undefined;
  readonly offset: number;
  readonly reserved: boolean;
}

/** Addresses to pass over. */
type Skip = Pick<ReadonlySet<string>, 'has'>;

/**
 * Reserved blocks of this size and more are cut out of the ranges before they become segments: of a /64 whose first
 * /66 is reserved, the addresses that are searched are the first 2^48 behind it.
 */
const HUGE = 1n << 32n;

export const hugeBlocks = (reserved: RangeSet): RangeSet => reserved.filter((range) => sizeOf(range) >= HUGE);

/** A run of addresses that are not reserved, and how many such addresses come before it. */
interface UsableRun {
  readonly segment: number;
  readonly first: number;
  readonly before: number;
}

export class AddressSpace {
  readonly family: Family;
  readonly ranges: RangeSet;
  #reserved: RangeSet = EMPTY;
  #reservedCount = 0n;
  readonly #huge: RangeSet;
  readonly #segments: readonly Segment[];
  #usable: { readonly runs: readonly UsableRun[]; readonly size: number } | undefined;

  /** @param ranges all of one family */
  constructor(family: Family, ranges: RangeSet, reserved: RangeSet) {
    this.family = family;
    this.ranges = ranges;
    this.#huge = hugeBlocks(intersect(ranges, reserved));
    this.#segments = subtract(ranges, this.#huge).map((range) => new Segment(range));
    this.setReserved(reserved);
  }

  get reserved(): RangeSet {
    return this.#reserved;
  }

  /** How many addresses of the ranges are reserved. */
  get reservedCount(): bigint {
    return this.#reservedCount;
  }

  /** How many offsets are marked, held and reserved alike. */
  get markedCount(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.taken.count, 0);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Replaces what is reserved; its huge blocks must be the same as before. */
  setReserved(reserved: RangeSet): void {
    this.#reserved = intersect(this.ranges, reserved);
    this.#reservedCount = size(this.#reserved);
    this.#usable = undefined;
    for (const segment of this.#segments) segment.setReserved(this.#reserved);
  }

  /** Where the canonical text lies, or undefined when it is outside every range. */
  locate(address: string): Place | undefined {
    if (isIPv6Text(address) !== (this.family === 'IPv6')) return undefined;
    const parts = parseParts(address);
    return parts && this.#locateParts(parts, address);
  }

  #locateParts(parts: Parts, address: string): Place | undefined {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const segment = this.#segments[middle]!;
      const offset = segment.offsetOf(parts);
      if (offset >= 0) return { segment, offset, reserved: segment.isReserved(offset, address) };
      if (offset < 0) high = middle - 1;
      else low = middle + 1;
    }
    const isInHuge = this.#huge.length > 0 && contains(this.#huge, this.family, valueOf(parts));
    return isInHuge ? { segment: undefined, offset: FAR, reserved: true } : undefined;
  }

  take(place: Place): void {
    if (place.offset !== FAR && !place.reserved) place.segment?.taken.add(place.offset);
  }

  free(place: Place): void {
    if (place.offset !== FAR && !place.reserved) place.segment?.taken.delete(place.offset);
  }

  /** The lowest available address, `skip` aside. */
  lowest(skip: Skip | undefined): string | undefined {
    return this.#searchFrom(0, 0, skip);
  }

  /**
   * The first available address from a home on, around the end to the beginning.
   *
   * @param fraction where among the usable addresses the home lies, in [0, 1)
   */
  fromHome(fraction: number, skip: Skip | undefined): string | undefined {
    const { runs, size: usable } = (this.#usable ??= this.#usableRuns());
    if (usable === 0) return undefined;
    const home = Math.floor(fraction * usable);
    let low = 0;
    let high = runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (runs[middle]!.before <= home) low = middle;
      else high = middle - 1;
    }
    const run = runs[low]!;
    return this.#searchFrom(run.segment, run.first + (home - run.before), skip) ?? this.#searchFrom(0, 0, skip);
  }

  #searchFrom(segmentIndex: number, offset: number, skip: Skip | undefined): string | undefined {
    let from = offset;
    for (let index = segmentIndex; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
      for (let found = segment.firstFreeFrom(from); found >= 0; found = segment.firstFreeFrom(found + 1)) {
        const text = segment.textAt(found);
        if (skip === undefined || !skip.has(text)) return text;
      }
      from = 0;
    }
    return undefined;
  }

  #usableRuns(): { runs: UsableRun[]; size: number } {
    const runs: UsableRun[] = [];
    let before = 0;
    for (const [index, segment] of this.#segments.entries()) {
      let first = 0;
      for (const [start, end] of [...segment.reservedRuns, [segment.size, segment.size] as const]) {
        if (start > first) runs.push({ segment: index, first, before });
        before += Math.max(0, start - first);
        first = end + 1;
      }
    }
    return { runs, size: before };
  }
}
