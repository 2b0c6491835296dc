import { expect, test } from 'vitest';
import { Ledger } from '../../src/core/ledger.ts';
import { normalisePool } from '../../src/core/pool.ts';
import { bindingSpec } from '../support/binding-spec.ts';
import { FakeClock } from './fake-clock.ts';

test('the greediest tenants of a pool are those that sorting all of them would give', () => {
  const spec = normalisePool('p', { ranges: [{ cidr: '10.0.0.0/16' }] });
  if (!spec.ok) throw new Error(spec.refusal.detail);
  for (let seed = 1; seed <= 50; seed++) {
    const ledger = new Ledger(new FakeClock());
    ledger.putPool({ name: 'p', uid: 'u', spec: spec.value });
    const held = new Map<string, number>();
    for (let index = 0; index < seed * 3; index++) {
      const subinstance = `t${(index * index * 7 + seed * index) % (seed + 5)}`;
      held.set(subinstance, (held.get(subinstance) ?? 0) + 1);
      ledger.put(bindingSpec({ address: `10.0.1.${index}`, subinstance, subid: `s${index}` }));
    }
    const all = [...held].map(([subinstance, count]) => ({ subinstance, held: count }));
    all.sort((a, b) => b.held - a.held || (a.subinstance < b.subinstance ? -1 : 1));
    for (const count of [0, 1, 3, 1_000]) expect(ledger.topHolders('p', count)).toEqual(all.slice(0, count));
  }
  expect(new Ledger(new FakeClock()).topHolders('none', 3)).toEqual([]);
});
