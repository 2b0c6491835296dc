/** The order of a node's calls, and which of them are of one holder. */
import { describe, expect, test } from 'vitest';
import { attachmentKey, holderKey } from '../../src/core/holder.ts';
import { compareStamps, sameStamp, type Stamp } from '../../src/core/stamp.ts';

const stamp = (startedTicks: number, monotonicNs: string, attempt = 0, bootId = 'boot-1'): Stamp => ({
  bootId,
  startedTicks,
  monotonicNs,
  attempt,
});

describe('stamps', () => {
  /** Oldest first: by the process's start, then by the nanoseconds (as numbers, whatever their digits), then by the attempt. */
  const IN_ORDER = [stamp(9, '900'), stamp(10, '99'), stamp(10, '100'), stamp(10, '101', 0), stamp(10, '101', 1), stamp(11, '5')];

  test('of one boot have one order', () => {
    for (const [index, one] of IN_ORDER.entries())
      for (const [other, two] of IN_ORDER.entries()) {
        expect(Math.sign(compareStamps(one, two)), `${index} and ${other}`).toBe(Math.sign(index - other));
        expect(sameStamp(one, two)).toBe(index === other);
      }
  });

  test('of two boots have none: they are not the same, and to ask which is older is a bug', () => {
    const [one, two] = [stamp(1, '1'), stamp(1, '1', 0, 'boot-2')];
    expect(sameStamp(one, two)).toBe(false);
    expect(() => compareStamps(one, two)).toThrow('two boots');
  });
});

describe('a holder is another one', () => {
  const HOLDER = { node: 'n1', podUid: 'u1', containerId: 'c1', cniNetwork: 'net', ifName: 'eth0', family: 'IPv4', slot: 0 } as const;

  test.each([
    ['on another node', { node: 'n2' }],
    ['of another pod', { podUid: 'u2' }],
    ['in another CNI network', { cniNetwork: 'other' }],
    ['on another interface', { ifName: 'net1' }],
    ['of another family', { family: 'IPv6' }],
    ['in another slot', { slot: 1 }],
  ] as const)('%s', (_what, change) => {
    expect(holderKey({ ...HOLDER, ...change })).not.toBe(holderKey(HOLDER));
  });

  test('but the same in the next sandbox of its pod; without a pod the container is the holder', () => {
    expect(holderKey({ ...HOLDER, containerId: 'c2' })).toBe(holderKey(HOLDER));
    const { podUid: _, ...container } = HOLDER;
    expect(holderKey({ ...container, containerId: 'c2' })).not.toBe(holderKey(container));
    expect(holderKey({ ...container, containerId: 'u1' })).not.toBe(holderKey(HOLDER));
  });
});

describe('an attachment is another one', () => {
  const ATTACHMENT = { node: 'n1', containerId: 'c1', cniNetwork: 'net', ifName: 'eth0' } as const;

  test.each(['node', 'containerId', 'cniNetwork', 'ifName'] as const)('by its %s', (field) => {
    expect(attachmentKey({ ...ATTACHMENT, [field]: 'x' })).not.toBe(attachmentKey(ATTACHMENT));
  });

  test('and whatever its parts hold, two do not meet in one key', () => {
    const [one, two] = [
      { ...ATTACHMENT, cniNetwork: 'a","b', ifName: 'c' },
      { ...ATTACHMENT, cniNetwork: 'a', ifName: 'b","c' },
    ];
    expect(attachmentKey(one)).not.toBe(attachmentKey(two));
  });
});
