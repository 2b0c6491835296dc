import { describe, expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { StoreUnavailable, type Store, type Stored } from '../../src/store/store.ts';
import { addressOf, openWorld, refusalOf, storeWith, take } from '../support/ipam-world.ts';
import { settle } from '../support/virtual-timers.ts';

const SMALL = { ranges: [{ cidr: '10.0.0.0/29' }], gateway: '10.0.0.1', default: true, cooldownSeconds: 0 };
const GC = { cniVersion: '1.1.0', cniNetwork: 'net', gcMinAgeSeconds: 0 };
const caller = (node = 'n1') => ({ node, gone: () => false });

describe('DEL', () => {
  test('releases, may be repeated, and the unknown is success (LESSONS 19)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const address = await addressOf(world.add('c1'));
    expect(take(await world.del('c1')).map((binding) => binding.address)).toEqual([address]);
    expect(take(await world.del('c1'))).toEqual([]);
    expect(take(await world.del('c1', { prevAddresses: [`${address}/29`] }))).toEqual([]);
    expect(take(await world.del('never-seen'))).toEqual([]);
  });

  test("touches neither another interface, nor another network's name, nor another node", async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('c1');
    await world.del('c1', { ifName: 'net1' });
    await world.del('c1', { cniNetwork: 'other' });
    await world.del('c1', { node: 'n2' });
    expect(world.ipam.bindings({})).toHaveLength(1);
  });

  test('what this replica wrote itself it knows at once, however late the watch is', async () => {
    let isLagging = false;
    const world = await openWorld({ memory: { lag: (deliver) => (isLagging ? undefined : deliver()) } });
    await world.pool('p', SMALL);
    isLagging = true;
    const address = await addressOf(world.add('c1'));
    expect(await addressOf(world.add('c1'))).toBe(address);
    expect(take(await world.del('c1')).map((binding) => binding.address)).toEqual([address]);
    expect((await world.store.bindings.list()).map(({ spec }) => spec.releasedAt === undefined)).toEqual([false]);
  });

  test('the first DEL of a new boot lets go of what the boot before held', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    world.nodes.boot('n1', 'boot-1');
    await world.add('c1');
    await world.add('c2', { node: 'n2' });
    take(await world.del('never-seen', { stamp: world.stamp({ bootId: 'boot-2', startedTicks: 5 }) }));
    await settle();
    expect(world.ipam.bindings({}).map(({ spec }) => spec.subid)).toEqual(['c2']);
  });

  test('prevResult says where to look, never what to release: neither a container’s nor a VM’s', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const other = await addressOf(world.add('c1'));
    const vm = take(await world.ipam.allocate({ subinstance: 'acme', subid: 'vm', resource: { type: 'vm', value: 'vm' } })).spec.address;
    expect(take(await world.del('c2', { prevAddresses: [`${other}/29`, `${vm}/29`, 'garbage'] }))).toEqual([]);
    expect(world.ipam.bindings({})).toHaveLength(2);
  });

  test('prevResult is read for what the view does not know, also when it knows a part (found by the simulation)', async () => {
    const asked: string[] = [];
    const store = storeWith((bindings) => ({ get: (name) => (asked.push(name), bindings.get(name)) }));
    const world = await openWorld({ store });
    await world.pool('p', SMALL);
    const held = await addressOf(world.add('c1'));
    await world.del('c1', { prevAddresses: [`${held}/29`, 'fd00::1/64'] });
    expect(asked).toEqual(['default.fd00-0000-0000-0000-0000-0000-0000-0001']);
  });

  test('prevResult is not read in every other network for what the view shows: there may be hundreds', async () => {
    const asked: string[] = [];
    const store = storeWith((bindings) => ({ get: (name) => (asked.push(name), bindings.get(name)) }));
    const world = await openWorld({ store });
    await world.pool('p', SMALL);
    for (let index = 0; index < 20; index++) await world.pool(`vrf-${index}`, { ...SMALL, network: `vrf-${index}`, default: false });
    const prevAddresses = [`${await addressOf(world.add('c1'))}/29`];
    const key = { cniVersion: '1.0.0', cniNetwork: 'net', containerId: 'c1', ifName: 'eth0', prevAddresses };
    expect(await world.ipam.check(caller(), { ...key, stamp: world.stamp() })).toMatchObject({ ok: true });
    expect(asked).toHaveLength(1);
    expect(take(await world.del('c1', { prevAddresses }))).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });

  test('a read that began before a write and ends after it does not make it forgotten (found by the simulation)', async () => {
    let hold: Promise<void> | undefined;
    const store = storeWith((bindings) => ({
      get: async (name) => {
        const seen = await bindings.get(name);
        await hold;
        return seen;
      },
    }));
    const world = await openWorld({ store });
    await world.pool('p', { ranges: [{ cidr: '10.0.0.5/32' }], default: true });
    let letGo = (): void => undefined;
    hold = new Promise((resolve) => (letGo = resolve));
    const reading = world.del('older', { prevAddresses: ['10.0.0.5/32'] });
    await settle();
    expect(await addressOf(world.add('c1'))).toBe('10.0.0.5');
    letGo();
    expect(take(await reading)).toEqual([]);
    expect(take(await world.del('c1')).map((binding) => binding.address)).toEqual(['10.0.0.5']);
  });

  test('a refused family gives the other one back also when that meets an outage (found by the simulation)', async () => {
    let failures = 2;
    const store = storeWith(() => ({
      remove: async () => {
        if (failures-- > 0) throw new StoreUnavailable('the API server is away');
        throw new Error('what is taken back later is released, not removed');
      },
    }));
    const world = await openWorld({ store });
    await world.pool('v4', { ranges: [{ cidr: '10.0.0.5/32' }], default: true });
    await world.pool('v6', { ranges: [{ cidr: 'fd00::/120' }], default: true });
    take(await world.add('c1'));
    expect(refusalOf(await world.add('c2')).reason).toBe('PoolFull');
    await settle();
    expect(world.ipam.bindings({}).map(({ spec }) => spec.subid)).toEqual(['c1', 'c1']);
  });

  test('a replica that lags finds the record where prevResult points', async () => {
    const lagging: (() => void)[] = [];
    let isLagging = false;
    const world = await openWorld({ memory: { lag: (deliver) => (isLagging ? void lagging.push(deliver) : deliver()) } });
    await world.pool('p', SMALL);
    const { openIpam } = await import('../../src/ipam/open.ts');
    const { silentLog } = await import('../support/ipam-world.ts');
    const other = openIpam({ store: world.store, nodes: world.nodes, timers: world.timers, log: silentLog });
    await settle();
    isLagging = true;
    const address = await addressOf(world.add('c1'));
    const del = { cniVersion: '1.0.0', cniNetwork: 'net', containerId: 'c1', ifName: 'eth0', stamp: world.stamp() };
    take(await other.del(caller(), { ...del, prevAddresses: [`${address}/29`] }));
    await settle();
    expect((await world.store.bindings.list()).map(({ spec }) => spec.releasedAt === undefined)).toEqual([false]);
  });

  test('works when the pool has been deleted meanwhile', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('c1');
    take(await world.ipam.deletePool('p', { force: true }));
    expect(take(await world.del('c1'))).toHaveLength(1);
  });

  test('a spooled DEL is harmless after the same container id came back, and teaches no boot id (LESSONS E, U)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    world.nodes.boot('n1', 'boot-1');
    await world.add('c1');
    const spooled = { cniVersion: '1.0.0', cniNetwork: 'net', containerId: 'c1', ifName: 'eth0', stamp: world.stamp() };
    await world.add('c1');
    expect(take(await world.ipam.spool(caller(), [spooled]))).toEqual([]);
    expect(take(await world.ipam.spool(caller(), [{ ...spooled, stamp: world.stamp({ bootId: 'never-heard-of' }) }]))).toEqual([]);
    expect(await world.nodes.isSuperseded('n1', 'boot-1')).toBe(false);
    expect(take(await world.ipam.spool(caller(), [{ ...spooled, stamp: world.stamp() }]))).toHaveLength(1);
  });

  test('a spool of which one entry meets an outage is not delivered, and is taken again as a whole', async () => {
    let isAway = true;
    const store = storeWith((bindings) => ({
      replace: async (old, spec) => {
        if (isAway && spec.subid === 'c1' && spec.releasedAt !== undefined) throw new StoreUnavailable('the API server is away');
        return bindings.replace(old, spec);
      },
    }));
    const world = await openWorld({ store });
    await world.pool('p', SMALL);
    for (const id of ['c1', 'c2']) await world.add(id);
    const batch = ['c1', 'c2'].map((containerId) => ({
      cniVersion: '1.0.0',
      cniNetwork: 'net',
      containerId,
      ifName: 'eth0',
      stamp: world.stamp(),
    }));
    expect(refusalOf(await world.ipam.spool(caller(), batch)).reason).toBe('Unavailable');
    expect(world.ipam.bindings({}).map(({ spec }) => spec.subid)).toEqual(['c1']);
    isAway = false;
    expect(take(await world.ipam.spool(caller(), batch))).toHaveLength(1);
    expect(world.ipam.bindings({})).toEqual([]);
  });

  test('what was released is deleted also when the store was away meanwhile', async () => {
    let isAway = false;
    const store = storeWith((bindings) => ({
      remove: async (old) => {
        if (isAway) throw new StoreUnavailable('the API server is away');
        return bindings.remove(old);
      },
    }));
    const world = await openWorld({ store });
    await world.pool('p', { ...SMALL, cooldownSeconds: 5 });
    await world.add('c1');
    isAway = true;
    await world.del('c1');
    await world.timers.advance(60_000);
    expect(world.ipam.bindings({ state: 'released' })).toHaveLength(1);
    isAway = false;
    await world.timers.advance(5_000);
    expect(world.ipam.bindings({ state: 'all' })).toEqual([]);
  });

  test('a released address goes to others last, and is deleted when it has cooled', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, cooldownSeconds: 30, placement: 'Lowest' });
    const first = await addressOf(world.add('c1'));
    await world.del('c1');
    for (let index = 2; index <= 5; index++) expect(await addressOf(world.add(`c${index}`))).not.toBe(first);
    expect(await addressOf(world.add('c6'))).toBe(first);
    await world.del('c6');
    await world.timers.advance(40_000);
    expect(world.ipam.bindings({ state: 'released' })).toHaveLength(0);
    expect(await world.store.bindings.list()).toHaveLength(4);
  });
});

describe('GC', () => {
  test("releases what is not in the list, of this node and this network's name only", async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, ranges: [{ cidr: '10.0.0.0/24' }] });
    for (const id of ['c1', 'c2']) await world.add(id);
    await world.add('c3', { cniNetwork: 'other' });
    await world.add('c4', { node: 'n2' });
    const released = take(
      await world.ipam.gc(caller(), { ...GC, stamp: world.stamp(), validAttachments: [{ containerId: 'c1', ifName: 'eth0' }] }),
    );
    expect(released.map((binding) => binding.subid)).toEqual(['c2']);
    expect(
      take(await world.ipam.gc(caller(), { ...GC, stamp: world.stamp(), validAttachments: [{ containerId: 'c1', ifName: 'net1' }] })).map(
        ({ subid }) => subid,
      ),
    ).toEqual(['c1']);
    expect(
      world.ipam
        .bindings({})
        .map(({ spec }) => spec.subid)
        .toSorted(),
    ).toEqual(['c3', 'c4']);
  });

  test('goes on after an attachment that meets an outage, and is no success', async () => {
    let isAway = true;
    const store = storeWith((bindings) => ({
      replace: async (old, spec) => {
        if (isAway && spec.subid === 'c1') throw new StoreUnavailable('the API server is away');
        return bindings.replace(old, spec);
      },
    }));
    const world = await openWorld({ store });
    await world.pool('p', SMALL);
    for (const id of ['c1', 'c2']) await world.add(id);
    const collect = () => world.ipam.gc(caller(), { ...GC, stamp: world.stamp(), validAttachments: [] });
    expect(refusalOf(await collect()).reason).toBe('Unavailable');
    expect(world.ipam.bindings({}).map(({ spec }) => spec.subid)).toEqual(['c1']);
    isAway = false;
    expect(take(await collect())).toHaveLength(1);
  });

  test('leaves alone what is younger than the minimum age, and what came after the call', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const early = world.stamp();
    await world.add('c1');
    expect(take(await world.ipam.gc(caller(), { ...GC, stamp: early, validAttachments: [] }))).toEqual([]);
    expect(take(await world.ipam.gc(caller(), { ...GC, gcMinAgeSeconds: 600, stamp: world.stamp(), validAttachments: [] }))).toEqual([]);
    await world.timers.advance(601_000);
    expect(take(await world.ipam.gc(caller(), { ...GC, gcMinAgeSeconds: 600, stamp: world.stamp(), validAttachments: [] }))).toHaveLength(
      1,
    );
  });
});

describe('CHECK', () => {
  const key = { cniVersion: '1.0.0', cniNetwork: 'net', containerId: 'c1', ifName: 'eth0' };

  test('is content with what is held, with foreign addresses beside it, and without prevResult', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const address = await addressOf(world.add('c1'));
    for (const prevAddresses of [[`${address}/29`], [`${address}/29`, '192.0.2.1/24'], undefined]) {
      expect(await world.ipam.check(caller(), { ...key, stamp: world.stamp(), ...(prevAddresses && { prevAddresses }) })).toEqual({
        ok: true,
        value: undefined,
      });
    }
  });

  test('looks where prevResult says although no pool is known (found by the simulation)', async () => {
    const elsewhere = new Map<string, Stored<BindingSpec>>();
    const store = storeWith((bindings) => ({ get: async (name) => elsewhere.get(name) ?? (await bindings.get(name)) }));
    const world = await openWorld({ store });
    await world.pool('p', SMALL);
    await world.add('c0');
    // The pool is deleted, made again, and c1 has an address of it at another replica, of which this one has yet to hear.
    take(await world.ipam.deletePool('p', { force: true }));
    const [held] = await store.bindings.list();
    const attachments = [{ ...held!.spec.attachments[0]!, containerId: 'c1' }];
    const name = 'default.10-0-0-5';
    elsewhere.set(name, { ...held!, name, uid: 'another', spec: { ...held!.spec, address: '10.0.0.5', attachments } });
    expect(await world.ipam.check(caller(), { ...key, stamp: world.stamp(), prevAddresses: ['10.0.0.5/29'] })).toMatchObject({ ok: true });
  });

  test('looks where prevResult says although neither a pool nor a record is known (found by the simulation)', async () => {
    const elsewhere = new Map<string, Stored<BindingSpec>>();
    const store = storeWith((bindings) => ({
      get: async (name) => elsewhere.get(name) ?? (await bindings.get(name)),
      replace: async (old, spec) => {
        const stored = { ...old, spec, version: '9' };
        elsewhere.set(old.name, stored);
        return { ok: true, stored };
      },
    }));
    const world = await openWorld({ store });
    const other = await openWorld();
    await other.pool('p', SMALL);
    await other.add('c1');
    const [held] = await other.store.bindings.list();
    elsewhere.set(held!.name, held!);
    const prevAddresses = [`${held!.spec.address}/29`];
    expect(await world.ipam.check(caller(), { ...key, stamp: other.stamp(), prevAddresses })).toMatchObject({ ok: true });
    expect(await world.del('c1', { stamp: other.stamp(), prevAddresses })).toMatchObject({ ok: true });
    expect(elsewhere.get(held!.name)?.spec.releasedAt).toBeDefined();
  });

  test('refuses the unknown, the released, the other interface and a prevResult without ours; and changes nothing', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('c1');
    const before = await world.store.bindings.list();
    for (const wrong of [{ containerId: 'c2' }, { ifName: 'net1' }, { prevAddresses: ['10.0.0.99/29'] }]) {
      expect(refusalOf(await world.ipam.check(caller(), { ...key, ...wrong, stamp: world.stamp() })).reason).toBe('BindingNotFound');
    }
    expect(await world.store.bindings.list()).toEqual(before);
    await world.del('c1');
    expect(refusalOf(await world.ipam.check(caller(), { ...key, stamp: world.stamp() })).reason).toBe('BindingNotFound');
  });
});

describe('allocate and release', () => {
  const vm = (subid: string, more = {}) => ({ subinstance: 'acme', subid, resource: { type: 'vm' as const, value: subid }, ...more });

  test('is idempotent per subject, slot and family, also at once', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const all = await Promise.all(Array.from({ length: 10 }, () => world.ipam.allocate(vm('one'))));
    expect(new Set(all.map((outcome) => take(outcome).spec.address)).size).toBe(1);
    expect(take(await world.ipam.allocate(vm('one', { slot: 1 }))).spec.address).not.toBe(take(all[0]!).spec.address);
    expect(world.ipam.bindings({})).toHaveLength(2);
  });

  test('three ways to release; nothing held is a refusal, an empty tenant is not', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const one = take(await world.ipam.allocate(vm('one'))).spec.address;
    for (const subid of ['two', 'three', 'four']) await world.ipam.allocate(vm(subid));
    expect(take(await world.ipam.release({ address: one }, { dryRun: true }))).toHaveLength(1);
    expect(world.ipam.bindings({})).toHaveLength(4);
    expect(take(await world.ipam.release({ address: one }))).toHaveLength(1);
    expect(take(await world.ipam.release({ subinstance: 'acme', subid: 'two' }))).toHaveLength(1);
    expect(take(await world.ipam.release({ subinstance: 'acme' }))).toHaveLength(2);
    expect(take(await world.ipam.release({ subinstance: 'acme' }))).toEqual([]);
    expect(refusalOf(await world.ipam.release({ address: one })).reason).toBe('BindingNotFound');
    expect(refusalOf(await world.ipam.release({ subinstance: 'acme', subid: 'two' })).reason).toBe('BindingNotFound');
  });

  test('a tenant of hundreds is let go in a few rounds to the store, and answered in the order of the addresses', async () => {
    let rounds = 0;
    let underWay = 0;
    const replace = async (bindings: Store['bindings'], ...write: Parameters<Store['bindings']['replace']>) => {
      if (underWay++ === 0) rounds++;
      await Promise.resolve();
      return bindings.replace(...write).finally(() => underWay--);
    };
    const world = await openWorld({ store: storeWith((bindings) => ({ replace: (old, spec) => replace(bindings, old, spec) })) });
    await world.pool('p', { ranges: [{ cidr: '10.0.0.0/23' }], default: true });
    await Promise.all(Array.from({ length: 300 }, (_, index) => world.ipam.allocate(vm(`vm-${index}`))));
    const addresses = world.ipam.bindings({}).map(({ spec }) => spec.address);
    rounds = 0;
    expect(take(await world.ipam.release({ subinstance: 'acme' })).map(({ address }) => address)).toEqual(addresses);
    expect(rounds).toBeLessThan(10);
    expect(world.ipam.bindings({})).toEqual([]);
  });

  test('a lease ends by itself, can be renewed, and a wall clock that jumps ahead does not end it', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const { address } = take(await world.ipam.allocate(vm('one', { leaseSeconds: 60 }))).spec;
    world.timers.jumpWall(3_600_000);
    await world.timers.advance(30_000);
    expect(world.ipam.bindings({})).toHaveLength(1);
    take(await world.ipam.renew('default', address, 60));
    await world.timers.advance(50_000);
    expect(world.ipam.bindings({})).toHaveLength(1);
    await world.timers.advance(30_000);
    expect(world.ipam.bindings({})).toHaveLength(0);
    expect(refusalOf(await world.ipam.renew('default', address, 60)).reason).toBe('BindingNotFound');
  });

  test('who asks again when the lease has just ended holds the address from then on, and loses it to no collection', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const { address } = take(await world.ipam.allocate(vm('one', { leaseSeconds: 5 }))).spec;
    await world.timers.advance(5_001);
    const again = take(await world.ipam.allocate(vm('one'))).spec;
    expect(again).toMatchObject({ address });
    expect(again.expiresAt).toBeUndefined();
    await world.timers.advance(120_000);
    expect(world.ipam.bindings({}).map(({ spec }) => spec.address)).toEqual([address]);
  });

  test('a dry run of the collection says which leases ended, and ends none', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const { address } = take(await world.ipam.allocate(vm('one', { leaseSeconds: 5 }))).spec;
    await world.timers.advance(5_001);
    const report = await world.ipam.collect({ dryRun: true, approve: false });
    expect(report).toMatchObject({ released: [{ address, evidence: 'its lease ended' }], dryRun: true });
    expect(world.ipam.bindings({})).toHaveLength(1);
  });

  test('what another replica has let go of meanwhile is not confirmed from memory', async () => {
    let isLagging = false;
    const world = await openWorld({ memory: { lag: (deliver) => (isLagging ? undefined : deliver()) } });
    await world.pool('p', SMALL);
    const { address } = take(await world.ipam.allocate(vm('one'))).spec;
    isLagging = true;
    const [held] = await world.store.bindings.list();
    await world.store.bindings.replace(held!, { ...held!.spec, subid: 'two' });
    expect(take(await world.ipam.allocate(vm('one'))).spec.address).not.toBe(address);
  });

  test('an address that changes hands while it is released stays with its new holder', async () => {
    let isTaken = false;
    const store = storeWith((bindings) => ({
      replace: async (old, spec) => {
        if (spec.releasedAt !== undefined && !isTaken) {
          isTaken = true;
          await bindings.replace(old, { ...old.spec, subid: 'two' });
        }
        return bindings.replace(old, spec);
      },
    }));
    const world = await openWorld({ store });
    await world.pool('p', SMALL);
    const { address } = take(await world.ipam.allocate(vm('one'))).spec;
    expect(take(await world.ipam.release({ address }))).toEqual([]);
    expect(world.ipam.bindings({}).map(({ spec }) => spec.subid)).toEqual(['two']);
  });

  test('an administrator may ask for a certain address also where pods may not; a container has no lease', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, requestedAddresses: 'Forbidden' });
    expect(take(await world.ipam.allocate(vm('one', { address: '10.0.0.4' }))).spec.address).toBe('10.0.0.4');
    const held = await addressOf(world.add('c1'));
    expect(refusalOf(await world.ipam.renew('default', held, 60)).reason).toBe('NotAllowed');
    await world.timers.advance(120_000);
    expect(world.ipam.bindings({ subid: 'c1' })).toHaveLength(1);
  });

  test("an API call never takes a container's address for the subject's own", async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const held = await addressOf(world.add('c1', { pod: { namespace: 'acme', name: 'one', uid: 'u1' } }));
    expect(take(await world.ipam.allocate(vm('one'))).spec.address).not.toBe(held);
  });
});

describe('pools', () => {
  test('overlap, shrinking below a binding, deleting in use, changing the network: refused, nothing lost', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, placement: 'Lowest' });
    await world.add('c1');
    expect(refusalOf(await world.ipam.applyPool('q', { ranges: [{ cidr: '10.0.0.0/16' }] }))).toMatchObject({
      reason: 'InvalidRange',
      detail: expect.stringContaining('p'),
    });
    expect(take(await world.ipam.applyPool('q', { network: 'vrf', ranges: [{ cidr: '10.0.0.0/16' }] })).change).toBe('created');
    expect(refusalOf(await world.ipam.applyPool('p', { ranges: [{ first: '10.0.0.5', last: '10.0.0.6' }] }))).toMatchObject({
      reason: 'PoolInUse',
      holder: 'default/c1',
    });
    expect(refusalOf(await world.ipam.deletePool('p')).reason).toBe('PoolInUse');
    expect(refusalOf(await world.ipam.applyPool('p', { ...SMALL, network: 'other' })).reason).toBe('InvalidRequest');
    expect(take(await world.ipam.deletePool('q')).name).toBe('q');
  });

  test('a second range takes the subnet away from nobody: one that lies in it is welcome, another one is told what to do', async () => {
    const world = await openWorld();
    const [low, high] = [{ cidr: '10.0.0.0/25' }, { cidr: '10.0.0.128/25' }];
    await world.pool('p', { ranges: [low] });
    expect(refusalOf(await world.ipam.applyPool('p', { ranges: [low, high] }))).toMatchObject({
      reason: 'InvalidSubnet',
      detail: expect.stringContaining('would lose its subnet 10.0.0.0/25'),
    });
    expect(take(await world.ipam.applyPool('p', { ranges: [low, high], subnet: '10.0.0.0/24' })).change).toBe('updated');
    expect(refusalOf(await world.ipam.applyPool('p', { ranges: [low, high] })).reason).toBe('InvalidSubnet');
    await world.pool('routed', { ranges: [{ cidr: '10.9.0.0/30' }, { cidr: '10.9.0.8/30' }] });
    expect(take(await world.ipam.applyPool('routed', { ranges: [{ cidr: '10.9.0.0/30' }, { cidr: '10.9.0.12/30' }] })).change).toBe(
      'updated',
    );
  });

  test('what was released outside its new ranges keeps no pool from shrinking', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, placement: 'Lowest', cooldownSeconds: 3_600 });
    await world.add('c1');
    await world.del('c1');
    expect(take(await world.ipam.applyPool('p', { ranges: [{ first: '10.0.0.5', last: '10.0.0.6' }], subnet: '10.0.0.0/29' })).change).toBe(
      'updated',
    );
  });

  test('an apply whose answer is lost says what became of it', async () => {
    for (const [fault, expected] of [
      ['lost', 'Conflict'],
      ['unanswered', true],
    ] as const) {
      const world = await openWorld({ memory: { fault: ({ verb }) => (verb === 'replace' ? fault : undefined) } });
      await world.pool('p', SMALL);
      const outcome = await world.ipam.applyPool('p', { ...SMALL, cooldownSeconds: 5 });
      expect(outcome.ok || outcome.refusal.reason, fault).toBe(expected);
    }
  });

  test('apply says created, updated or unchanged; a version makes it a compare-and-swap; a dry run changes nothing', async () => {
    const world = await openWorld();
    expect(take(await world.ipam.applyPool('p', SMALL, { dryRun: true })).change).toBe('created');
    expect(world.ipam.pools()).toHaveLength(0);
    const { stored } = take(await world.ipam.applyPool('p', SMALL));
    expect(take(await world.ipam.applyPool('p', SMALL)).change).toBe('unchanged');
    expect(take(await world.ipam.applyPool('p', { ...SMALL, cooldownSeconds: 5 }, { version: stored.version })).change).toBe('updated');
    expect(refusalOf(await world.ipam.applyPool('p', SMALL, { version: stored.version })).reason).toBe('Conflict');
  });

  test('a draining pool gives nothing new and keeps what it has', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const held = await addressOf(world.add('c1'));
    await world.pool('p', { ...SMALL, state: 'Draining' });
    expect(refusalOf(await world.add('c2'))).toMatchObject({ reason: 'PoolNotActive' });
    expect(refusalOf(await world.add('c2', { requested: ['10.0.0.6'] }))).toMatchObject({ reason: 'PoolNotActive' });
    expect(await addressOf(world.add('c1'))).toBe(held);
  });
});

describe('looking', () => {
  test('lists in address order, page by page, even while records come and go', async () => {
    const world = await openWorld();
    await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true });
    for (let index = 0; index < 25; index++) await world.add(`c${index}`);
    const all = world.ipam.bindings({}).map(({ name }) => name);
    const pages: string[] = [];
    for (let after: string | undefined; ;) {
      const page = world.ipam.bindings({}, { limit: 10, ...(after !== undefined && { after }) });
      if (page.length === 0) break;
      pages.push(...page.map(({ name }) => name));
      after = page.at(-1)!.name;
      await world.add(`later-${pages.length}`);
    }
    expect(pages).toEqual(all);
    expect(all.map((name) => Number(name.split('-').at(-1)))).toEqual(
      all.map((name) => Number(name.split('-').at(-1))).toSorted((a, b) => a - b),
    );
  });

  test('explains an address: outside, free, reserved, held, cooling, sticky', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, cooldownSeconds: 30, stickySeconds: 600 });
    const state = (address: string) => take(world.ipam.explain('default', address)).state;
    const address = await addressOf(world.add('c1', { pod: { namespace: 'ns', name: 'db-0', uid: 'u' } }));
    const free = ['10.0.0.2', '10.0.0.3'].find((candidate) => candidate !== address)!;
    expect([state('10.9.9.9'), state(free), state('10.0.0.1'), state(address)]).toEqual(['outside', 'free', 'reserved', 'held']);
    await world.del('c1');
    expect(state(address)).toBe('cooling');
    await world.timers.advance(31_000);
    expect(take(world.ipam.explain('default', address))).toMatchObject({ state: 'sticky', detail: expect.stringContaining('ns/db-0') });
    await world.timers.advance(600_000);
    expect(state(address)).toBe('free');
    expect(refusalOf(world.ipam.explain('default', 'nonsense')).reason).toBe('InvalidIpAddress');
  });

  test('nothing is answered before the store has been read (LESSONS 9)', async () => {
    const world = await openWorld();
    const { openIpam } = await import('../../src/ipam/open.ts');
    const { silentLog } = await import('../support/ipam-world.ts');
    const early = openIpam({ store: world.store, nodes: world.nodes, timers: world.timers, log: silentLog });
    const answer = early.add(caller(), { cniVersion: '1.0.0', cniNetwork: 'net', containerId: 'c', ifName: 'eth0', stamp: world.stamp() });
    expect(refusalOf(await answer).reason).toBe('Unavailable');
    await settle();
    expect(early.synced()).toBe(true);
  });
});

describe('the store against itself', () => {
  test('a healthy store has no findings', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('c1');
    await world.add('c2', { pod: { namespace: 'ns', name: 'a', uid: 'u' } });
    await world.del('c1');
    expect(await world.ipam.checkStore({ repair: false, dryRun: false })).toEqual({ checked: { pools: 1, bindings: 2 }, findings: [] });
  });

  const other = (address: string) => ['10.0.0.2', '10.0.0.3'].find((candidate) => candidate !== address)!;
  const nameOf = (address: string) => `default.${address.replaceAll('.', '-')}`;

  test('of two records of one holder the newer stays, by itself (LESSONS H)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('c1');
    const [own] = await world.store.bindings.list();
    const attachment = { ...own!.spec.attachments[0]!, stamp: { ...own!.spec.attachments[0]!.stamp, startedTicks: 1 } };
    await world.store.bindings.create(nameOf(other(own!.spec.address)), {
      ...own!.spec,
      address: other(own!.spec.address),
      attachments: [attachment],
    });
    await settle();
    expect(world.ipam.bindings({}).map(({ spec }) => spec.address)).toEqual([own!.spec.address]);
  });

  test('what only a person can decide is shown and left: two boots of one holder, a record under a wrong name', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('c1');
    const [own] = await world.store.bindings.list();
    const attachment = { ...own!.spec.attachments[0]!, stamp: { ...own!.spec.attachments[0]!.stamp, bootId: 'boot-0' } };
    await world.store.bindings.create(nameOf(other(own!.spec.address)), {
      ...own!.spec,
      address: other(own!.spec.address),
      attachments: [attachment],
    });
    await world.store.bindings.create('default.10-9-9-9', { ...own!.spec, address: '10.9.9.8', attachments: [] });
    await settle();
    const report = await world.ipam.checkStore({ repair: true, dryRun: false });
    expect(report.findings.map(({ code, repaired }) => [code, repaired])).toEqual(
      expect.arrayContaining([
        ['TwoForOneHolder', false],
        ['NameMismatch', false],
      ]),
    );
    expect(await world.store.bindings.list()).toHaveLength(3);
  });

  test('a view behind its store is shown, and read again only when asked to repair in earnest', async () => {
    const held: (() => void)[] = [];
    let lagging = false;
    const world = await openWorld({ memory: { lag: (deliver) => (lagging ? void held.push(deliver) : deliver()) } });
    await world.pool('p', SMALL);
    await world.add('c1');
    lagging = true;
    const [own] = await world.store.bindings.list();
    const address = other(own!.spec.address);
    await world.store.bindings.create(nameOf(address), { ...own!.spec, address, subid: 'c9', attachments: [] });
    for (const options of [
      { repair: false, dryRun: false },
      { repair: true, dryRun: true },
    ]) {
      expect((await world.ipam.checkStore(options)).findings).toEqual([
        expect.objectContaining({ code: 'ViewBehindStore', repaired: false, repair: 'read it again' }),
      ]);
    }
    expect((await world.ipam.checkStore({ repair: true, dryRun: false })).findings).toEqual([
      expect.objectContaining({ code: 'ViewBehindStore', repaired: true }),
    ]);
    expect((await world.ipam.checkStore({ repair: false, dryRun: false })).findings).toEqual([]);
    expect(world.ipam.bindings({ address })).toHaveLength(1);
  });
});
