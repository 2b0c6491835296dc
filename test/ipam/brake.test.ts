/** How many releases that are inferred from absence may go: per pool and overall, and when the next may. */
import { expect, test } from 'vitest';
import { Brake } from '../../src/ipam/collector/brake.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

/** How many the brake lets go one after the other, of a pool with so many bound records. */
function letGo(brake: Brake, pool: string, inPool: number, inAll: number): number {
  let count = 0;
  for (; count < 10_000 && brake.allows(pool, { inPool, inAll }); count++) brake.count(pool);
  return count;
}

test('of a small pool five, however large the others are', () => {
  expect(letGo(new Brake(virtualTimers()), 'small', 499, 1e6)).toBe(5);
});

test('of a large pool one in a hundred, rounded down', () => {
  expect(letGo(new Brake(virtualTimers()), 'large', 1_999, 1e6)).toBe(19);
});

test('of all pools together one in a hundred', () => {
  const brake = new Brake(virtualTimers());
  const pools = ['a', 'b', 'c', 'd'];
  expect(pools.map((pool) => letGo(brake, pool, 250, 1_200))).toEqual([5, 5, 2, 0]);
});

test('as many again five minutes later, and none a moment before', async () => {
  const timers = virtualTimers();
  const brake = new Brake(timers);
  expect(letGo(brake, 'p', 10, 10)).toBe(5);
  await timers.advance(5 * 60_000 - 1);
  expect(letGo(brake, 'p', 10, 10)).toBe(0);
  await timers.advance(1);
  expect(letGo(brake, 'p', 10, 10)).toBe(5);
});
