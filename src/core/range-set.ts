/**
 * A sorted, minimal set of ranges: ranges that touch or overlap are one. IPv4 sorts before IPv6. Immutable; every
 * operation costs as much as there are ranges, never as there are addresses.
 */
import type { Family } from './binding.ts';
import { sizeOf, type Range } from './range.ts';

export type RangeSet = readonly Range[];

export const EMPTY: RangeSet = Object.freeze([]);

function compareRanges(a: Range, b: Range): number {
  if (a.family !== b.family) return a.family === 'IPv4' ? -1 : 1;
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0;
}

export function makeRangeSet(ranges: Iterable<Range>): RangeSet {
  const merged: Range[] = [];
  for (const range of [...ranges].sort(compareRanges)) {
    const previous = merged.at(-1);
    if (previous && previous.family === range.family && range.first <= previous.last + 1n) {
      if (range.last > previous.last) merged[merged.length - 1] = { ...previous, last: range.last };
    } else {
      merged.push({ family: range.family, first: range.first, last: range.last });
    }
  }
  return merged;
}

export const union = (a: RangeSet, b: RangeSet): RangeSet => makeRangeSet([...a, ...b]);

/** The range of the set that holds the address, by binary search. */
export function findRange(set: RangeSet, family: Family, value: bigint): Range | undefined {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = set[middle]!;
    if (range.family !== family ? range.family === 'IPv6' : value < range.first) high = middle - 1;
    else if (range.family !== family || value > range.last) low = middle + 1;
    else return range;
  }
  return undefined;
}

export const contains = (set: RangeSet, family: Family, value: bigint): boolean => findRange(set, family, value) !== undefined;

/** Whether every address of `range` is in the set; because the set is minimal, one of its ranges must hold it all. */
export function containsRange(set: RangeSet, range: Range): boolean {
  const found = findRange(set, range.family, range.first);
  return found !== undefined && range.last <= found.last;
}

/** The first range of the set that shares an address with `range`. */
export function findOverlap(set: RangeSet, range: Range): Range | undefined {
  return set.find((other) => other.family === range.family && other.first <= range.last && range.first <= other.last);
}

export const overlaps = (a: RangeSet, b: RangeSet): boolean => b.some((range) => findOverlap(a, range) !== undefined);

/** Whether every address of `range` comes before the first of `other`. */
const isBefore = (range: Range, other: Range): boolean =>
  range.family === other.family ? range.last < other.first : range.family === 'IPv4';

/** What is in `a` and not in `b`; one sweep over both. */
export function subtract(a: RangeSet, b: RangeSet): RangeSet {
  const left: Range[] = [];
  let index = 0;
  for (const range of a) {
    while (index < b.length && isBefore(b[index]!, range)) index++;
    let first = range.first;
    for (let next = index; next < b.length && !isBefore(range, b[next]!); next++) {
      const hole = b[next]!;
      if (hole.first > first) left.push({ family: range.family, first, last: hole.first - 1n });
      first = hole.last + 1n;
    }
    if (first <= range.last) left.push({ family: range.family, first, last: range.last });
  }
  return left;
}

export const intersect = (a: RangeSet, b: RangeSet): RangeSet => subtract(a, subtract(a, b));

/** How many addresses; exact for whatever size. */
export const size = (set: RangeSet): bigint => set.reduce((sum, range) => sum + sizeOf(range), 0n);
