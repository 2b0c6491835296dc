import { excludeCidr, mergeCidr, overlapCidr, parseCidr as parseOracle } from 'cidr-tools';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as RangeSets from '../../src/core/range-set.ts';
import { formatRange, parseCidr, parseRange, parseRangeText, type Range } from '../../src/core/range.ts';

const range = (first: number, last: number, family: Range['family'] = 'IPv4'): Range => ({
  family,
  first: BigInt(first),
  last: BigInt(last),
});

const anyRange = fc
  .tuple(fc.nat(63), fc.nat(63), fc.boolean())
  .map(([a, b, isIPv6]) => range(Math.min(a, b), Math.max(a, b), isIPv6 ? 'IPv6' : 'IPv4'));
const anySet = fc.array(anyRange, { maxLength: 6 });

/** 64 booleans for each family. */
const members = (ranges: readonly Range[]): string =>
  (['IPv4', 'IPv6'] as const)
    .map((family) =>
      Array.from({ length: 64 }, (_, index) =>
        ranges.some((one) => one.family === family && one.first <= BigInt(index) && BigInt(index) <= one.last) ? 'x' : '.',
      ).join(''),
    )
    .join('|');

const combine = (a: string, b: string, keep: (a: boolean, b: boolean) => boolean): string =>
  [...a].map((one, index) => (one === '|' ? '|' : keep(one === 'x', b[index] === 'x') ? 'x' : '.')).join('');

describe('against an array of booleans', () => {
  test('union, subtract, intersect, size, contains, overlaps', () => {
    fc.assert(
      fc.property(anySet, anySet, (left, right) => {
        const a = RangeSets.makeRangeSet(left);
        const b = RangeSets.makeRangeSet(right);
        const inA = members(left);
        const inB = members(right);
        expect(members(a)).toBe(inA);
        expect(members(RangeSets.union(a, b))).toBe(combine(inA, inB, (x, y) => x || y));
        expect(members(RangeSets.subtract(a, b))).toBe(combine(inA, inB, (x, y) => x && !y));
        expect(members(RangeSets.intersect(a, b))).toBe(combine(inA, inB, (x, y) => x && y));
        expect(RangeSets.size(a)).toBe(BigInt(inA.replace(/[^x]/g, '').length));
        expect(RangeSets.overlaps(a, b)).toBe(combine(inA, inB, (x, y) => x && y).includes('x'));
        for (const family of ['IPv4', 'IPv6'] as const) {
          const offset = family === 'IPv4' ? 0 : 65;
          for (let index = 0; index < 64; index++) {
            expect(RangeSets.contains(a, family, BigInt(index))).toBe(inA[offset + index] === 'x');
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a set is minimal: no two of its ranges touch', () => {
    fc.assert(
      fc.property(anySet, anySet, (left, right) => {
        for (const set of [RangeSets.makeRangeSet(left), RangeSets.subtract(RangeSets.makeRangeSet(left), RangeSets.makeRangeSet(right))]) {
          expect(RangeSets.makeRangeSet(set)).toEqual(set);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('against cidr-tools', () => {
  const cidr = fc.tuple(fc.nat(255), fc.integer({ min: 24, max: 32 })).map(([last, length]) => {
    const size = 2 ** (32 - length);
    return `10.0.0.${last - (last % size)}/${length}`;
  });
  const toSet = (cidrs: readonly string[]): RangeSets.RangeSet =>
    RangeSets.makeRangeSet(
      cidrs.map((text) => {
        const parsed = parseCidr(text);
        if (!parsed.ok) throw new Error(parsed.refusal.detail);
        return parsed.value;
      }),
    );

  test('a CIDR begins and ends where it says', () => {
    fc.assert(
      fc.property(cidr, (text) => {
        const parsed = parseCidr(text);
        const oracle = parseOracle(text);
        expect(parsed.ok && [parsed.value.first, parsed.value.last]).toEqual([oracle.start, oracle.end]);
      }),
    );
  });

  test('merging, excluding, overlapping', () => {
    fc.assert(
      fc.property(fc.array(cidr, { minLength: 1, maxLength: 5 }), fc.array(cidr, { minLength: 1, maxLength: 5 }), (a, b) => {
        expect(toSet(a)).toEqual(toSet(mergeCidr(a)));
        expect(RangeSets.subtract(toSet(a), toSet(b))).toEqual(toSet(excludeCidr(a, b)));
        expect(RangeSets.overlaps(toSet(a), toSet(b))).toBe(overlapCidr(a, b));
      }),
      { numRuns: 300 },
    );
  });
});

describe('text of ranges', () => {
  test.each([
    ['10.0.0.0', '10.0.0.255', '10.0.0.0/24'],
    ['10.0.0.1', '10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.2', '10.0.0.1-10.0.0.2'],
    ['0.0.0.0', '255.255.255.255', '0.0.0.0/0'],
    ['::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::/0'],
    ['2001:db8::', '2001:db8::ffff', '2001:db8::/112'],
  ])('%s to %s is %s', (first, last, text) => {
    const parsed = parseRange(first, last);
    expect(parsed.ok && formatRange(parsed.value)).toBe(text);
    const back = parseRangeText(text);
    expect(back.ok && formatRange(back.value)).toBe(text);
  });

  test('a refusal repeats what was written, shortened and plain', () => {
    const parsed = parseCidr(`10.0.0.0/${'9'.repeat(200)}\u001b[31m`);
    expect(parsed.ok ? '' : parsed.refusal.detail.length).toBeLessThan(150);
    expect(parsed.ok ? '' : parsed.refusal.detail).not.toContain('\u001b');
  });
});
