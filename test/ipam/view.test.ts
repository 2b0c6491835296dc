import { expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { View } from '../../src/ipam/view.ts';
import type { Store, Stored, Watcher } from '../../src/store/store.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

const record = (version: string, more: Partial<BindingSpec> = {}, uid = 'u1'): Stored<BindingSpec> => ({
  name: 'default.10-0-0-1',
  uid,
  version,
  spec: {
    address: '10.0.0.1',
    pool: 'p',
    network: 'default',
    subinstance: 's',
    subid: version,
    slot: 0,
    resource: { type: 'custom', value: 'x' },
    attachments: [],
    boundAt: 0,
    cooldownSeconds: 0,
    stickySeconds: 0,
    ...more,
  },
});

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
