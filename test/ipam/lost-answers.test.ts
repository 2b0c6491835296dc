/** Writes whose answer is lost, and which are done later than the read that looks for them. */
import { expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { StoreAmbiguous, type Store, type Written } from '../../src/store/store.ts';
import { addressOf, openWorld, refusalOf, storeWith, take } from '../support/ipam-world.ts';
import { settle } from '../support/virtual-timers.ts';

const POOL = { ranges: [{ cidr: '10.0.0.0/28' }], gateway: '10.0.0.1', default: true, cooldownSeconds: 0 };
const boundIn = async (store: Store): Promise<string[]> =>
  [...(await allIn(store))].filter(({ releasedAt }) => releasedAt === undefined).map(({ address }) => address);

async function allIn(store: Store): Promise<readonly BindingSpec[]> {
  const seen: BindingSpec[] = [];
  const stop = store.bindings.watch({
    event: (event) => void (event.type === 'put' && seen.push(event.stored.spec)),
    synced: () => undefined,
  });
  await settle();
  stop();
  return seen;
}

/** The first writes of the kind are done only when the next one after them comes; until then a read does not show them. */
function storeThatIsLate(method: 'create' | 'replace', loses = 1): Store {
  const late: (() => Promise<Written<BindingSpec>>)[] = [];
  let count = 0;
  return storeWith((bindings) => {
    const send = async (write: () => Promise<Written<BindingSpec>>): Promise<Written<BindingSpec>> => {
      if (++count <= loses) {
        late.push(write);
        throw new StoreAmbiguous('no answer');
      }
      for (const arrive of late.splice(0)) await arrive();
      return write();
    };
    return method === 'create'
      ? { create: (name, spec) => send(() => bindings.create(name, spec)) }
      : { replace: (old, spec) => send(() => bindings.replace(old, spec)) };
  });
}

test('an ADD whose create arrives after the read has that address, and no second one', async () => {
  const store = storeThatIsLate('create');
  const world = await openWorld({ store });
  await world.pool('p', POOL);
  const address = await addressOf(world.add('c1'));
  await settle();
  expect(await boundIn(store)).toEqual([address]);
});

test('an ADD that takes a record over does so once, whenever the write arrives', async () => {
  const store = storeThatIsLate('replace');
  const world = await openWorld({ store });
  await world.pool('p', POOL);
  const pod = { namespace: 'ns', name: 'web', uid: 'u1' };
  const address = await addressOf(world.add('c1', { pod }));
  expect(await addressOf(world.add('c2', { pod }))).toBe(address);
  expect((await allIn(store)).map(({ attachments }) => attachments.map(({ containerId }) => containerId))).toEqual([['c2']]);
});

test('a DEL releases, whenever the write arrives', async () => {
  const store = storeThatIsLate('replace');
  const world = await openWorld({ store });
  await world.pool('p', POOL);
  const address = await addressOf(world.add('c1'));
  expect(take(await world.del('c1')).map((binding) => binding.address)).toEqual([address]);
  expect(await boundIn(store)).toEqual([]);
});

test('one that hears nothing at all says no, and its record is let go when it arrives', async () => {
  const store = storeThatIsLate('create', 4);
  const world = await openWorld({ store });
  await world.pool('p', POOL);
  expect(refusalOf(await world.add('c1')).reason).toBe('Unavailable');
  const other = await addressOf(world.add('c2'));
  await world.timers.advance(5_000);
  expect(await boundIn(store)).toEqual([other]);
});

test('of two records of one call either may have been answered: neither is let go before the next call', async () => {
  const world = await openWorld();
  await world.pool('p', POOL);
  const stamp = world.stamp();
  const write = async (address: string): Promise<void> => {
    const attachment = { cniNetwork: 'net', ifName: 'eth0', containerId: 'c1', node: 'n1', stamp };
    const resource = { type: 'container', value: 'c1' } as const;
    const subject = { subinstance: 'default', subid: 'c1', slot: 0, resource, attachments: [attachment] };
    const spec = { ...subject, address, pool: 'p', network: 'default', boundAt: 0, cooldownSeconds: 0, stickySeconds: 0 };
    await world.store.bindings.create(`default.${address.replaceAll('.', '-')}`, spec);
  };
  await write('10.0.0.4');
  await write('10.0.0.5');
  await world.timers.advance(5_000);
  expect((await boundIn(world.store)).sort()).toEqual(['10.0.0.4', '10.0.0.5']);
  const kept = await addressOf(world.add('c1'));
  await world.timers.advance(5_000);
  expect(await boundIn(world.store)).toEqual([kept]);
});
