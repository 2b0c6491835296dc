/** Listings of many pages while records come and go. */
import { expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { bindingName } from '../../src/core/binding-name.ts';
import { Listings } from '../../src/ipam/listing.ts';
import { View } from '../../src/ipam/view.ts';
import type { Stored } from '../../src/store/store.ts';
import { storedBinding } from '../support/binding-spec.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

const ADDRESSES = ['10.0.0.2', '10.0.0.9', '10.0.0.10', '10.0.1.1', 'fd00::1', 'fd00::a'];

const record = (address: string): Stored<BindingSpec> =>
  storedBinding('1', address, { address, subid: address, resource: { type: 'vm', value: 'x' } });

function filled(): { view: View; listings: Listings } {
  const view = new View(virtualTimers());
  for (const address of ADDRESSES) view.wrote(record(address));
  return { view, listings: new Listings(view) };
}

const addressesOf = (page: readonly Stored<BindingSpec>[]): string[] => page.map(({ spec }) => spec.address);

test.each(ADDRESSES.slice(0, -1))('a listing goes on behind %s also when that is gone, and the listing forgotten', (last) => {
  const { view } = filled();
  view.forget(record(last));
  // As after a restart: nothing is remembered.
  const page = new Listings(view).list({}, { limit: 100, after: bindingName('default', last) });
  expect(addressesOf(page)).toEqual(ADDRESSES.slice(ADDRESSES.indexOf(last) + 1));
});

test('an address is found also in a network whose last pool is gone', () => {
  const { listings } = filled();
  expect(addressesOf(listings.list({ address: '10.0.0.9' }))).toEqual(['10.0.0.9']);
});

test('behind the last one there is nothing', () => {
  const { view, listings } = filled();
  view.forget(record('fd00::a'));
  expect(listings.list({}, { limit: 100, after: bindingName('default', 'fd00::a') })).toEqual([]);
});

test('what comes while a listing is read does not shift it, however many others ask for single pages meanwhile', () => {
  const { view, listings } = filled();
  const first = listings.list({}, { limit: 3 });
  expect(addressesOf(first)).toEqual(ADDRESSES.slice(0, 3));
  for (const address of ADDRESSES) listings.list({ address }, { limit: 100 });
  view.wrote(record('10.0.0.200'));
  const second = listings.list({}, { limit: 3, after: first.at(-1)!.name });
  expect(addressesOf(second)).toEqual(ADDRESSES.slice(3));
});
