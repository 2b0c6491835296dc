import { describe, expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import type { PoolSpec } from '../../src/core/pool-spec.ts';
import { normalisePool } from '../../src/core/pool.ts';
import { View } from '../../src/ipam/view.ts';
import type { Store, Stored, Watcher } from '../../src/store/store.ts';
import { storedBinding } from '../support/binding-spec.ts';
import { take } from '../support/ipam-world.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

const record = (version: string, more: Partial<BindingSpec> = {}, uid = 'u1'): Stored<BindingSpec> =>
  storedBinding(version, uid, { subid: version, ...more });

test('an older state that arrives late changes nothing, whatever the number of digits', () => {
  const view = new View(virtualTimers());
  view.wrote(record('10'));
  view.wrote(record('9'));
  expect(view.binding('default.10-0-0-1')?.version).toBe('10');
  view.wrote(record('11'));
  expect(view.ledger.get('default', '10.0.0.1')?.subid).toBe('11');
});

test('a removed record that a lagging watch still shows stays removed; one re-created under its name is another', () => {
  const view = new View(virtualTimers());
  view.wrote(record('1'));
  view.forget(record('1'));
  view.wrote(record('1'));
  view.wrote(record('2'));
  expect(view.binding('default.10-0-0-1')).toBeUndefined();
  view.wrote(record('4', {}, 'u2'));
  view.forget(record('2'));
  expect(view.binding('default.10-0-0-1')?.uid).toBe('u2');
  expect(view.ledger.verify()).toEqual([]);
});

test('a listing of a server that went back in time, older than an own write, does not make the view deaf to the record', () => {
  let handler: Watcher<BindingSpec> | undefined;
  const none = { watch: () => () => undefined } as unknown as Store['pools'];
  const bindings = { watch: (watcher: Watcher<BindingSpec>) => ((handler = watcher), () => undefined) } as unknown as Store['bindings'];
  const view = new View(virtualTimers());
  view.follow({ pools: none, bindings } as Store);
  view.wrote(record('5'));
  handler!.relisted!([], undefined);
  expect(view.binding('default.10-0-0-1')).toBeUndefined();
  handler!.event({ type: 'put', stored: record('5') });
  handler!.event({ type: 'put', stored: record('6', { releasedAt: 1 }) });
  expect(view.binding('default.10-0-0-1')?.version).toBe('6');
  expect(view.ledger.verify()).toEqual([]);
});

test('of a pool an older state that arrives late, and the end of its namesake, change nothing', () => {
  const view = new View(virtualTimers());
  const pool = (version: string, uid = 'u1') => {
    const spec = take(normalisePool('p', { ranges: [{ cidr: '10.0.0.0/24' }], priority: Number(version) }));
    return { name: 'p', uid, version, spec };
  };
  view.wrotePool(pool('10'));
  view.wrotePool(pool('9'));
  expect(view.ledger.pool('p')?.spec.priority).toBe(10);
  view.wrotePool(pool('11', 'u2'));
  view.forgetPool(pool('10'));
  expect(view.ledger.pool('p')?.spec.priority).toBe(11);
  view.forgetPool(pool('11', 'u2'));
  expect(view.pools()).toEqual([]);
});

describe('a listing made anew', () => {
  const follow = () => {
    const handlers: { pools?: Watcher<PoolSpec>; bindings?: Watcher<BindingSpec> } = {};
    const pools = { watch: (watcher: Watcher<PoolSpec>) => ((handlers.pools = watcher), () => undefined) };
    const bindings = { watch: (watcher: Watcher<BindingSpec>) => ((handlers.bindings = watcher), () => undefined) };
    const view = new View(virtualTimers());
    view.follow({ pools, bindings } as unknown as Store);
    return {
      view,
      relist: (all: readonly Stored<BindingSpec>[], upTo?: string) => handlers.bindings!.relisted!(all, upTo),
      relistPools: (all: readonly Stored<PoolSpec>[], upTo?: string) => handlers.pools!.relisted!(all, upTo),
      version: () => view.binding('default.10-0-0-1')?.version,
    };
  };

  test('says nothing about what was written after it, and is right about what was written before', () => {
    const { view, relist, version } = follow();
    view.wrote(record('12'));
    relist([], '11');
    expect(version()).toBe('12');
    relist([record('10')], '11');
    expect(version()).toBe('12');
    relist([record('10')], '13');
    expect(version()).toBe('10');
    relist([], '14');
    expect(version()).toBeUndefined();
    expect(view.ledger.verify()).toEqual([]);
  });

  test('of a server that went back in time has what was removed since, and all that it has', () => {
    const { view, relist, version } = follow();
    view.wrote(record('12'));
    view.forget(record('12'));
    relist([record('5')]);
    expect(version()).toBe('5');
    view.wrote(record('6'));
    expect(version()).toBe('6');
  });

  test('of pools has the pools that there are', () => {
    const { view, relistPools } = follow();
    const spec = take(normalisePool('p', { ranges: [{ cidr: '10.0.0.0/24' }] }));
    relistPools([{ name: 'p', uid: 'u1', version: '5', spec }], '6');
    expect(view.ledger.pool('p')).toBeDefined();
    relistPools([], '7');
    expect(view.ledger.pool('p')).toBeUndefined();
  });
});
