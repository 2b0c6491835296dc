import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSpace } from '../../src/core/address-space.ts';
import { parseCidr, type Range } from '../../src/core/range.ts';
import { TakenOffsets } from '../../src/core/taken-offsets.ts';

const rangeOf = (cidr: string): Range => {
  const range = parseCidr(cidr);
  if (!range.ok) throw new Error(range.refusal.detail);
  return range.value;
};

describe('the trie', () => {
  test('every state of every size up to 10, every question', () => {
    for (let size = 1; size <= 10; size++) {
      for (let state = 0; state < 1 << size; state++) {
        const taken = new TakenOffsets(size);
        for (let offset = 0; offset < size; offset++) if ((state >> offset) & 1) taken.add(offset);
        for (let from = 0; from <= size; from++) {
          let expected = from;
          while (expected < size && (state >> expected) & 1) expected++;
          expect(taken.firstFreeFrom(from)).toBe(expected < size ? expected : -1);
        }
      }
    }
  });

  test.each([31, 32, 33, 1023, 1024, 1025, 32_768, 32_769, 2 ** 25 + 5, 2 ** 32 + 7, 2 ** 48])('of size %d against a Set', (size) => {
    const nearby = fc.oneof(
      fc.nat(Math.min(size, 100) - 1),
      fc.nat(Math.min(size, 100) - 1).map((back) => size - 1 - back),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(nearby, fc.nat(120), fc.boolean()), { maxLength: 12 }), (runs) => {
        const taken = new TakenOffsets(size);
        const model = new Set<number>();
        for (const [start, length, isTaken] of runs) {
          for (let offset = start; offset < Math.min(size, start + length); offset++) {
            if (isTaken) taken.add(offset);
            else taken.delete(offset);
            if (isTaken) model.add(offset);
            else model.delete(offset);
          }
        }
        expect(taken.count).toBe(model.size);
        for (const [start] of runs) {
          let expected = start;
          while (model.has(expected)) expected++;
          expect(taken.firstFreeFrom(start)).toBe(expected < size ? expected : -1);
          expect(taken.has(start)).toBe(model.has(start));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the last free of 2^20 is found, and taken, and found again', () => {
    const taken = new TakenOffsets(2 ** 20);
    for (let offset = 0; offset < 2 ** 20; offset++) taken.add(offset);
    expect(taken.firstFreeFrom(0)).toBe(-1);
    for (const hole of [2 ** 20 - 1, 0, 524_287, 32, 31]) {
      taken.delete(hole);
      expect(taken.firstFreeFrom(0)).toBe(hole);
      taken.add(hole);
    }
    expect(taken.firstFreeFrom(0)).toBe(-1);
  });

  test('words that come and go in a sparse range do not pile up wrong answers', () => {
    const taken = new TakenOffsets(2 ** 48);
    for (let round = 0; round < 5_000; round++) {
      const offset = (round * 2_654_435_761) % 2 ** 40;
      taken.add(offset);
      if (round % 3 !== 0) taken.delete(offset);
    }
    expect(taken.count).toBe(Math.ceil(5_000 / 3));
    expect(taken.has((3 * 2_654_435_761) % 2 ** 40)).toBe(true);
    expect(taken.has((4 * 2_654_435_761) % 2 ** 40)).toBe(false);
  });
});

describe('the space', () => {
  test('a large reserved block is jumped over, not walked', () => {
    const space = new AddressSpace('IPv6', [rangeOf('2001:db8::/64')], [rangeOf('2001:db8::/66')]);
    expect(space.lowest(undefined)).toBe('2001:db8:0:0:4000::');
    expect(space.reservedCount).toBe(2n ** 62n);
  });

  test('homes are spread over what is usable, so a reserved half does not crowd the other', () => {
    const space = new AddressSpace('IPv4', [rangeOf('10.0.0.0/16')], [rangeOf('10.0.0.0/17')]);
    expect(space.fromHome(0, undefined)).toBe('10.0.128.0');
    expect(space.fromHome(0.5, undefined)).toBe('10.0.192.0');
    expect(space.fromHome(0.999_999_9, undefined)).toBe('10.0.255.255');
  });

  test('the search goes around the end, over all ranges', () => {
    const space = new AddressSpace('IPv4', [rangeOf('10.0.0.0/31'), rangeOf('10.0.1.0/31')], []);
    const dealt: string[] = [];
    for (let address = space.fromHome(0.8, undefined); address; address = space.fromHome(0.8, undefined)) {
      dealt.push(address);
      space.take(space.locate(address)!);
    }
    expect(dealt).toEqual(['10.0.1.1', '10.0.0.0', '10.0.0.1', '10.0.1.0']);
  });

  test('addresses to skip are skipped, around the end too', () => {
    const space = new AddressSpace('IPv4', [rangeOf('10.0.0.0/30')], []);
    expect(space.fromHome(0.5, new Set(['10.0.0.2', '10.0.0.3']))).toBe('10.0.0.0');
    expect(space.lowest(new Set(['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3']))).toBeUndefined();
  });

  test.each([
    ['10.0.0.0/8', ['9.255.255.255', '11.0.0.0', '::', '::a00:1', 'junk']],
    ['::/96', ['10.0.0.1', '0.0.0.0', '::1:0:0', '1::']],
    ['2001:db8::/48', ['2001:db7:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db8:1::']],
  ])('%s does not hold its neighbours or the other family', (cidr, outside) => {
    const range = rangeOf(cidr);
    const space = new AddressSpace(range.family, [range], []);
    for (const address of outside) expect(space.locate(address)).toBeUndefined();
  });

  test('text and offset agree everywhere, over every carry', () => {
    for (const cidr of ['10.255.0.0/8', 'fd00::/64', '2001:db8:ffff:ffff::/64', '::/0', '2001:db8::/33']) {
      const base = rangeOf(cidr.replace('10.255', '10.0'));
      for (const start of [0n, 1n, 0xffff_fff0n, 0xffff_ffff_fff0n, 0xffff_ffff_ffff_fff0n]) {
        const first = base.first + start;
        if (first > base.last) continue;
        const space = new AddressSpace(base.family, [{ ...base, first }], []);
        for (const offset of [0, 1, 15, 16, 17, 0xffff, 0x1_0000, 2 ** 32 - 1, 2 ** 32, 2 ** 47]) {
          const segment = space.segments[0]!;
          if (offset >= segment.size) continue;
          expect(space.locate(segment.textAt(offset))?.offset).toBe(offset);
        }
      }
    }
  });
});
