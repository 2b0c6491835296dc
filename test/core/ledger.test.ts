/** The ledger's own accounts while pools are edited under the records they hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { Ledger } from '../../src/core/ledger.ts';
import { normalisePool } from '../../src/core/pool.ts';
import { FakeClock } from './fake-clock.ts';

function reserve(ledger: Ledger, reserved: readonly string[]): void {
  const spec = normalisePool('blue', { ranges: [{ cidr: '10.0.0.0/18' }], reserved });
  if (!spec.ok) throw new Error(spec.refusal.detail);
  ledger.putPool({ name: 'blue', uid: 'uid-1', spec: spec.value });
}

function record(address: string, more: Partial<BindingSpec> = {}): BindingSpec {
  return {
    address,
    pool: 'blue',
    network: 'default',
    subinstance: 'acme',
    subid: address,
    slot: 0,
    resource: { type: 'vm', value: address },
    attachments: [],
    boundAt: 0,
    cooldownSeconds: 30,
    stickySeconds: 0,
    ...more,
  };
}

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
