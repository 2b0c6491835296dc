/** What a controller asks of the choice and the library does not: interfaces, networks, and what others are writing just now. */
import { describe, expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { chooseAddress, type Want } from '../../src/core/choose.ts';
import { Ledger } from '../../src/core/ledger.ts';
import { normalisePool } from '../../src/core/pool.ts';
import type { PoolSpecInput } from '../../src/core/pool-spec.ts';
import { FakeClock } from './fake-clock.ts';

function openLedger(more: Partial<PoolSpecInput> = {}): Ledger {
  const ledger = new Ledger(new FakeClock());
  const spec = normalisePool('p', { ranges: [{ first: '10.0.0.1', last: '10.0.0.4' }], placement: 'Lowest', ...more });
  if (!spec.ok) throw new Error(spec.refusal.detail);
  ledger.putPool({ name: 'p', uid: 'u', spec: spec.value });
  return ledger;
}

const released = (last: number, more: Partial<BindingSpec> = {}, ifName = 'eth0'): BindingSpec => ({
  address: `10.0.0.${last}`,
  pool: 'p',
  network: 'default',
  subinstance: 'ns',
  subid: 'db-0',
  slot: 0,
  resource: { type: 'pod', value: 'ns/db-0' },
  attachments: [
    {
      cniNetwork: 'net',
      ifName,
      containerId: 'c',
      node: 'n1',
      stamp: { bootId: 'b', startedTicks: 1, monotonicNs: '1', attempt: 0 },
    },
  ],
  boundAt: 0,
  releasedAt: 1,
  cooldownSeconds: 60,
  stickySeconds: 600,
  ...more,
});

const choose = (ledger: Ledger, more: Partial<Want> = {}): string => {
  const want: Want = { subinstance: 'ns', subid: 'db-0', slot: 0, family: 'IPv4', seed: 's', attempt: 0, ifName: 'eth0', ...more };
  const choice = chooseAddress(ledger, 'p', want);
  return choice.ok ? `${choice.value.address} ${choice.value.why}` : choice.refusal.reason;
};

describe('a subject that comes back', () => {
  test('has the address of that interface and of that slot, not the one it released last', () => {
    const ledger = openLedger();
    ledger.put(released(2));
    ledger.put(released(3, {}, 'net1'));
    ledger.put(released(4, { slot: 1 }));
    expect(choose(ledger)).toBe('10.0.0.2 sticky');
    expect(choose(ledger, { ifName: 'net1' })).toBe('10.0.0.3 sticky');
    expect(choose(ledger, { slot: 1 })).toBe('10.0.0.4 sticky');
    expect(choose(ledger, { ifName: 'net2' })).toBe('10.0.0.1 home');
  });

  test('has not the one of another network, though the numbers are the pool’s', () => {
    const ledger = openLedger();
    ledger.put(released(2, { network: 'vrf' }));
    expect(choose(ledger)).toBe('10.0.0.1 home');
  });

  test('has not what was reserved meanwhile, nor what another call is writing', () => {
    const reserved = openLedger({ reserved: ['10.0.0.2'] });
    reserved.put(released(2));
    expect(choose(reserved)).toBe('10.0.0.1 home');
    const ledger = openLedger();
    ledger.put(released(2));
    expect(choose(ledger, { avoid: new Set(['10.0.0.2']) })).toBe('10.0.0.1 home');
  });

  test('asks for its own address of that slot by name and has it; another of its slots has to wait for it', () => {
    const ledger = openLedger();
    ledger.put(released(2));
    expect(choose(ledger, { requested: '10.0.0.2' })).toBe('10.0.0.2 requested');
    expect(choose(ledger, { requested: '10.0.0.2', slot: 1 })).toBe('IpNotAvailable');
  });
});

test('an address that another call is writing is given neither by name nor from those that cool', () => {
  const ledger = openLedger();
  expect(choose(ledger, { requested: '10.0.0.3', avoid: new Set(['10.0.0.3']) })).toBe('IpNotAvailable');
  for (const last of [1, 2, 3, 4]) ledger.put(released(last, { subid: `other-${last}` }));
  expect(choose(ledger)).toBe('10.0.0.1 reused');
  expect(choose(ledger, { avoid: new Set(['10.0.0.1', '10.0.0.2']) })).toBe('10.0.0.3 reused');
  expect(choose(ledger, { avoid: new Set(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']) })).toBe('PoolFull');
});

test('a draining pool gives nothing new, by name or not', () => {
  const ledger = openLedger({ state: 'Draining' });
  expect([choose(ledger), choose(ledger, { requested: '10.0.0.3' })]).toEqual(['PoolNotActive', 'PoolNotActive']);
});

test('a reserved address that was held, and is let go, is reserved yet', () => {
  const ledger = openLedger({ reserved: ['10.0.0.1'] });
  const { releasedAt: _, ...held } = released(1);
  ledger.put(held);
  ledger.remove('default', '10.0.0.1');
  expect(choose(ledger)).toBe('10.0.0.2 home');
  expect(ledger.counts('p')).toMatchObject({ allocated: 0n, reserved: 1n, available: 3n });
});
