/** An IpPool and its twin side by side. */
import { expect } from 'vitest';
import { formatAddress, makeAddress, parseAddress } from '../../src/core/address.ts';
import { IpPoolError, type IpPool } from '../../src/core/index.ts';
import type { Answer, BooleanPool } from './boolean-pool.ts';
import type { FakeClock } from './fake-clock.ts';

export interface Real {
  readonly pool: IpPool;
  readonly clock: FakeClock;
  readonly base: string;
}

export const addressAt = (base: string, index: number): string => {
  const { family, value } = parseAddress(base)!;
  return formatAddress(makeAddress(family, value + BigInt(index)));
};

export const indexOf = (base: string, address: string): number => Number(parseAddress(address)!.value - parseAddress(base)!.value);

export function answerOf(action: () => string, base: string): Answer {
  try {
    return { index: indexOf(base, action()) };
  } catch (error) {
    if (error instanceof IpPoolError) return { code: error.code };
    throw error;
  }
}

export function codeOf(action: () => void): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof IpPoolError) return error.code;
    throw error;
  }
  return undefined;
}

export function compareState(twin: BooleanPool, { pool, base }: Real): void {
  expect(pool.verify()).toEqual([]);
  const count = (matches: (index: number) => boolean): bigint => BigInt(twin.inPool.filter((_, index) => matches(index)).length);
  expect(pool.stats()).toEqual({
    total: count((index) => twin.inPool[index]!),
    allocated: count((index) => twin.held[index] !== undefined),
    reserved: count((index) => twin.reserved[index]!),
    available: count((index) => twin.isAvailable(index)),
  });
  const held = twin.held.map((one) => one && `${one.subinstance}/${one.subid}/${one.slot}`);
  const found = twin.held.map((_, index) => {
    const binding = pool.getBinding(addressAt(base, index));
    return binding && `${binding.subinstance}/${binding.subid}/${binding.slot}`;
  });
  expect(found).toEqual(held);
}
