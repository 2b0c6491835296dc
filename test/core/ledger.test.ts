/** The ledger's own accounts while pools are edited under the records they hold. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { Ledger } from '../../src/core/ledger.ts';
import { normalisePool } from '../../src/core/pool.ts';
import { bindingSpec } from '../support/binding-spec.ts';
import { FakeClock } from './fake-clock.ts';

function reserve(ledger: Ledger, reserved: readonly string[]): void {
  const spec = normalisePool('blue', { ranges: [{ cidr: '10.0.0.0/18' }], reserved });
  if (!spec.ok) throw new Error(spec.refusal.detail);
  ledger.putPool({ name: 'blue', uid: 'uid-1', spec: spec.value });
}

function pool(ledger: Ledger, name: string, cidr: string): void {
  const spec = normalisePool(name, { ranges: [{ cidr }] });
  if (!spec.ok) throw new Error(spec.refusal.detail);
  ledger.putPool({ name, uid: `uid-of-${name}`, spec: spec.value });
}

const record = (address: string, more: Partial<BindingSpec> = {}): BindingSpec =>
  bindingSpec({
    address,
    pool: 'blue',
    subinstance: 'acme',
    subid: address,
    resource: { type: 'vm', value: address },
    cooldownSeconds: 30,
    ...more,
  });

test('reserving the neighbour of a held address that is reserved counts its holder once', () => {
  const ledger = new Ledger(new FakeClock());
  reserve(ledger, []);
  ledger.put(record('10.0.0.5'));
  reserve(ledger, ['10.0.0.5']);
  reserve(ledger, ['10.0.0.5', '10.0.0.6']);
  expect(ledger.heldBy('blue', { subinstance: 'acme' })).toBe(1);
  expect(ledger.verify()).toEqual([]);
});

test('an edit that reserves some large ranges and gives others back misses no record in them', () => {
  const ledger = new Ledger(new FakeClock());
  reserve(ledger, ['10.0.40.0/22', '10.0.8.0/22']);
  for (const address of ['10.0.4.5', '10.0.8.7', '10.0.40.9', '10.0.60.1']) ledger.put(record(address));
  reserve(ledger, ['10.0.4.0/22', '10.0.60.0/22', '10.0.40.0/23']);
  // Three ranges, the network's address and the gateway's; three of all these are held.
  expect(ledger.counts('blue')).toMatchObject({ allocated: 4n, reserved: 1024n + 1024n + 512n + 2n - 3n });
  expect(ledger.verify()).toEqual([]);
});

describe('pools that change', () => {
  test('a pool of other ranges is in the place of the one before, and not beside it', () => {
    const ledger = new Ledger(new FakeClock());
    pool(ledger, 'blue', '10.0.0.0/24');
    ledger.put(record('10.0.0.5'));
    pool(ledger, 'blue', '10.0.1.0/24');
    expect([ledger.counts('blue').allocated, ledger.poolsContaining('default', '10.0.0.5')]).toEqual([0n, []]);
    pool(ledger, 'blue', '10.0.0.0/23');
    expect([ledger.counts('blue').allocated, ledger.poolsContaining('default', '10.0.0.5').length]).toEqual([1n, 1]);
    expect(ledger.verify()).toEqual([]);
  });

  test('of two that share addresses (an edit by hand) both count what is held, until one is gone', () => {
    const ledger = new Ledger(new FakeClock());
    pool(ledger, 'blue', '10.0.0.0/24');
    pool(ledger, 'red', '10.0.0.0/25');
    ledger.put(record('10.0.0.5'));
    expect(['blue', 'red'].map((name) => ledger.counts(name).allocated)).toEqual([1n, 1n]);
    ledger.remove('default', '10.0.0.5');
    expect(['blue', 'red'].map((name) => ledger.counts(name).allocated)).toEqual([0n, 0n]);
    ledger.put(record('10.0.0.6'));
    ledger.removePool('red');
    pool(ledger, 'red', '10.0.0.0/25');
    expect(ledger.counts('red').allocated).toBe(1n);
    expect(ledger.verify()).toEqual([]);
  });
});

describe('a release that is seen', () => {
  test('again (a relist, a write that changes nothing of it) does not start to cool anew', () => {
    const clock = new FakeClock();
    const ledger = new Ledger(clock);
    reserve(ledger, []);
    ledger.put(record('10.0.0.5', { releasedAt: 1 }));
    clock.advance(20);
    ledger.put(record('10.0.0.5', { releasedAt: 1 }));
    expect(ledger.coolingLeftSeconds(ledger.get('default', '10.0.0.5')!)).toBe(10);
    clock.advance(10);
    expect(ledger.forgettable()).toHaveLength(1);
    expect(ledger.verify()).toEqual([]);
  });

  test('and whose address is held again before it has cooled: when that time is over it is held yet', () => {
    const clock = new FakeClock();
    const ledger = new Ledger(clock);
    reserve(ledger, []);
    ledger.put(record('10.0.0.5', { releasedAt: 1 }));
    clock.advance(20);
    ledger.put(record('10.0.0.5', { subid: 'next' }));
    clock.advance(20);
    expect(ledger.counts('blue')).toMatchObject({ allocated: 1n, cooling: 0n });
    expect(ledger.forgettable()).toEqual([]);
    expect(ledger.verify()).toEqual([]);
  });

  test('and whose address is held again after it has cooled is not one for the janitor', () => {
    const clock = new FakeClock();
    const ledger = new Ledger(clock);
    reserve(ledger, []);
    ledger.put(record('10.0.0.5', { releasedAt: 1 }));
    clock.advance(31);
    expect(ledger.forgettable()).toHaveLength(1);
    ledger.put(record('10.0.0.5', { subid: 'next' }));
    expect(ledger.forgettable()).toEqual([]);
    expect(ledger.verify()).toEqual([]);
  });

  test('in another network, before the pool is: nothing of it is in the pool’s accounts', () => {
    const ledger = new Ledger(new FakeClock());
    ledger.put(record('10.0.0.5', { network: 'vrf', releasedAt: 1 }));
    reserve(ledger, []);
    expect(ledger.counts('blue').cooling).toBe(0n);
    expect(ledger.verify()).toEqual([]);
  });

  test('last is what its subject gets back first', () => {
    const clock = new FakeClock();
    const ledger = new Ledger(clock);
    reserve(ledger, []);
    for (const last of [7, 5, 6]) {
      ledger.put(record(`10.0.0.${last}`, { subid: 'db-0', releasedAt: 1 }));
      clock.advance(1);
    }
    expect(ledger.releasedOf('acme', 'db-0').map(({ address }) => address)).toEqual(['10.0.0.6', '10.0.0.5', '10.0.0.7']);
  });

  test('and a lease that was renewed: what had ended before is no end', () => {
    const ledger = new Ledger(new FakeClock());
    reserve(ledger, []);
    ledger.put(record('10.0.0.5', { expiresAt: 100 }));
    ledger.put(record('10.0.0.5', { expiresAt: 200 }));
    expect([ledger.expired(150).length, ledger.expired(200).length]).toEqual([0, 1]);
  });

  test.each([
    ['of another holder', { subid: 'another' }],
    ['of a later holding', { boundAt: 7 }],
    ['later', { releasedAt: 8 }],
  ])('%s cools for its whole time', (_what, change) => {
    const clock = new FakeClock();
    const ledger = new Ledger(clock);
    reserve(ledger, []);
    ledger.put(record('10.0.0.5', { releasedAt: 1 }));
    clock.advance(20);
    ledger.put(record('10.0.0.5', { releasedAt: 1, ...change }));
    expect(ledger.coolingLeftSeconds(ledger.get('default', '10.0.0.5')!)).toBe(30);
    expect(ledger.verify()).toEqual([]);
  });
});

/** Ranges of every size that matters: single addresses, what is searched address by address, what is not. */
const anyReserved = fc.array(
  fc.tuple(fc.nat(63), fc.nat(15), fc.constantFrom(22, 24, 28, 30, 32)).map(([third, fourth, length]) => {
    const base = ((third << 8) | (fourth << 4)) & ~((1 << (32 - length)) - 1);
    return `10.0.${base >> 8}.${base & 255}/${length}`;
  }),
  { maxLength: 12 },
);

test('whatever is reserved and given back, the accounts are those of a ledger made anew', () => {
  const hosts = fc.array(fc.tuple(fc.nat(63), fc.nat(15), fc.boolean(), fc.nat(2)), { maxLength: 40 });
  fc.assert(
    fc.property(hosts, fc.array(anyReserved, { minLength: 1, maxLength: 6 }), (held, edits) => {
      const ledger = new Ledger(new FakeClock());
      reserve(ledger, []);
      for (const [third, fourth, isReleased, tenant] of held) {
        ledger.put(record(`10.0.${third}.${fourth << 4}`, { subinstance: `t${tenant}`, ...(isReleased && { releasedAt: 1 }) }));
      }
      for (const edit of edits) {
        reserve(ledger, edit);
        expect(ledger.verify()).toEqual([]);
      }
    }),
  );
});
