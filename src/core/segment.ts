/**
 * One range of a pool as the engine sees it: offsets from its first address, as plain numbers. The first 2^48
 * addresses (281 trillion) are searched and dealt; those beyond can be held, but only by asking for them by name.
 */
import { formatIPv4, formatIPv6, parseParts, partsOf, TWO_32, TWO_48, valueOf, type Parts } from './address-parts.ts';
import type { Family } from './binding.ts';
import { intersect, type RangeSet } from './range-set.ts';
import { sizeOf, type Range } from './range.ts';
import { TakenOffsets } from './taken-offsets.ts';

/** In the range, but beyond the offsets that are searched. */
export const FAR = Number.POSITIVE_INFINITY;

/** Reserved runs up to this long are marked address by address; a search jumps over longer ones. */
const LONGEST_MARKED = 4096;

export class Segment {
  readonly range: Range;
  readonly size: number;
  /** Reserved runs shorter than this are marked in `taken`. */
  readonly longestMarked = LONGEST_MARKED;
  readonly #family: Family;
  readonly #base: Parts;
  readonly #taken: TakenOffsets;
  /** Sorted, apart from each other; [first, last] pairs of offsets, within `size`. */
  #reserved: readonly (readonly [number, number])[] = [];
  #reservedSet: RangeSet = [];

  constructor(range: Range) {
    const size = sizeOf(range);
    this.range = range;
    this.size = size < BigInt(TWO_48) ? Number(size) : TWO_48;
    this.#family = range.family;
    this.#base = partsOf(range.first);
    this.#taken = new TakenOffsets(this.size);
  }

  get taken(): TakenOffsets {
    return this.#taken;
  }

  get reservedRuns(): readonly (readonly [number, number])[] {
    return this.#reserved;
  }

  /** Negative: before this range. NaN: behind it. FAR: in it, beyond what is searched. Else the offset. */
  offsetOf(parts: Parts): number {
    const base = this.#base;
    // Exact wherever the result is below 2^53, and right in its sign everywhere.
    const upper = (parts.high - base.high) * TWO_48 + (parts.middle - base.middle);
    const offset = upper * TWO_32 + (parts.low - base.low);
    if (offset < this.size) return offset;
    return this.size === TWO_48 && valueOf(parts) <= this.range.last ? FAR : Number.NaN;
  }

  textAt(offset: number): string {
    const base = this.#base;
    const low = base.low + offset;
    if (this.#family === 'IPv4') return formatIPv4(low);
    if (low < TWO_32) return formatIPv6(base.high, base.middle, low);
    const middle = base.middle + Math.floor(low / TWO_32);
    if (middle < TWO_48) return formatIPv6(base.high, middle, low % TWO_32);
    return formatIPv6(base.high + 1, middle - TWO_48, low % TWO_32);
  }

  isReserved(offset: number, address: string): boolean {
    if (offset === FAR) return isFarReserved(this.#reservedSet, address);
    return this.#runAt(offset) >= 0;
  }

  /** Replaces what is reserved. Records on addresses whose reservation changes must have left before. */
  setReserved(reserved: RangeSet): void {
    for (const run of this.#reserved) if (isMarked(run)) for (let at = run[0]; at <= run[1]; at++) this.#taken.delete(at);
    this.#reservedSet = intersect([this.range], reserved);
    this.#reserved = this.#reservedSet
      .filter((range) => range.first - this.range.first < BigInt(this.size))
      .map((range) => [Number(range.first - this.range.first), Math.min(Number(range.last - this.range.first), this.size - 1)] as const);
    for (const run of this.#reserved) if (isMarked(run)) for (let at = run[0]; at <= run[1]; at++) this.#taken.add(at);
  }

  firstFreeFrom(from: number): number {
    let offset = this.#taken.firstFreeFrom(from);
    while (offset >= 0) {
      const run = this.#runAt(offset);
      if (run < 0) return offset;
      offset = this.#taken.firstFreeFrom(this.#reserved[run]![1] + 1);
    }
    return -1;
  }

  /** Which reserved run holds the offset; -1 for none. */
  #runAt(offset: number): number {
    let low = 0;
    let high = this.#reserved.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const run = this.#reserved[middle]!;
      if (offset < run[0]) high = middle - 1;
      else if (offset > run[1]) low = middle + 1;
      else return middle;
    }
    return -1;
  }
}

const isMarked = (run: readonly [number, number]): boolean => run[1] - run[0] < LONGEST_MARKED;

function isFarReserved(reserved: RangeSet, address: string): boolean {
  const parts = parseParts(address);
  const value = parts && valueOf(parts);
  return value !== undefined && reserved.some((range) => range.first <= value && value <= range.last);
}
