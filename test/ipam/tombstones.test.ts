/** What is remembered of calls whose effect may still be on its way: which record is nobody's, and for how long. */
import { expect, test } from 'vitest';
import type { Stamp } from '../../src/core/stamp.ts';
import { Tombstones } from '../../src/ipam/tombstones.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

const at = (startedTicks: number, bootId = 'boot-1'): Stamp => ({ bootId, startedTicks, monotonicNs: '0', attempt: 0 });
const MINUTE = 60_000;

test('a DEL is remembered for four minutes, as long as a dead watch may show nothing of its ADD', async () => {
  const timers = virtualTimers();
  const tombstones = new Tombstones(timers);
  tombstones.deleted('a', at(5));
  await timers.advance(4 * MINUTE - 1);
  expect(tombstones.deletedAfter('a', at(4))).toEqual(at(5));
  await timers.advance(1);
  expect(tombstones.deletedAfter('a', at(4))).toBeUndefined();
});

test('it condemns older calls of its boot only, and not itself', () => {
  const tombstones = new Tombstones(virtualTimers());
  tombstones.deleted('a', at(5));
  expect([at(5), at(6), at(1, 'boot-2')].map((stamp) => tombstones.condemns('a', stamp))).toEqual([undefined, undefined, undefined]);
  expect(tombstones.condemns('b', at(4))).toBeUndefined();
});

test('an older DEL that comes later (out of a spool) takes nothing back; one of another boot is the news', () => {
  const tombstones = new Tombstones(virtualTimers());
  tombstones.deleted('a', at(9));
  tombstones.deleted('a', at(5));
  expect(tombstones.deletedAfter('a', at(7))).toEqual(at(9));
  tombstones.deleted('a', at(3, 'boot-2'));
  expect(tombstones.deletedAfter('a', at(2, 'boot-2'))).toEqual(at(3, 'boot-2'));
});

test('an ADD that failed condemns what it wrote, and not what its retry writes', () => {
  const tombstones = new Tombstones(virtualTimers());
  tombstones.failed('a', at(5));
  expect(tombstones.condemns('a', at(5))).toEqual(at(5));
  expect(tombstones.condemns('a', at(6))).toBeUndefined();
});

test('one that is said again is remembered from then on, and keeps none of the others', async () => {
  const timers = virtualTimers();
  const tombstones = new Tombstones(timers);
  tombstones.deleted('a', at(5));
  tombstones.deleted('b', at(5));
  await timers.advance(3 * MINUTE);
  tombstones.deleted('a', at(6));
  await timers.advance(2 * MINUTE);
  expect(['a', 'b'].map((key) => tombstones.deletedAfter(key, at(1)))).toEqual([at(6), undefined]);
});
