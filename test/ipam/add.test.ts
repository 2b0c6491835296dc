import { describe, expect, test } from 'vitest';
import { addressOf, openWorld, refusalOf, take } from '../support/ipam-world.ts';
import { settle } from '../support/virtual-timers.ts';

const SMALL = { ranges: [{ cidr: '10.0.0.0/29' }], gateway: '10.0.0.1', default: true, cooldownSeconds: 0 };
const pod = (name: string, uid: string) => ({ namespace: 'ns', name, uid });

describe('ADD', () => {
  test('answers address with the subnet length, gateway, routes and dns of the pool', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, routes: [{ dst: '0.0.0.0/0' }], dns: { nameservers: ['10.0.0.1'] } });
    const answer = take(await world.add('c1'));
    expect(answer.addresses[0]).toMatchObject({ address: expect.stringMatching(/^10\.0\.0\.[2-6]\/29$/), gateway: '10.0.0.1', pool: 'p' });
    expect(answer.routes).toEqual([{ dst: '0.0.0.0/0' }]);
    expect(answer.dns).toEqual({ nameservers: ['10.0.0.1'] });
  });

  test('again for the same attachment: the same address, one record', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const first = await addressOf(world.add('c1'));
    expect(await addressOf(world.add('c1'))).toBe(first);
    expect(world.ipam.bindings({})).toHaveLength(1);
  });

  test('40 at once for 5 addresses: exactly 5 succeed with one create each, the others hear that the pool is full', async () => {
    let creates = 0;
    const world = await openWorld({
      memory: { fault: ({ collection, verb }) => void (collection === 'bindings' && verb === 'create' && creates++) },
    });
    await world.pool('p', SMALL);
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, index) => world.add(`c${index}`)));
    const given = outcomes.filter((outcome) => outcome.ok).map((outcome) => take(outcome).addresses[0]!.address);
    expect(new Set(given).size).toBe(5);
    expect(given).toHaveLength(5);
    expect(creates).toBe(5);
    for (const outcome of outcomes.filter((one) => !one.ok))
      expect(refusalOf(outcome)).toMatchObject({ reason: 'PoolFull', pools: [{ pool: 'p', reason: 'PoolFull' }] });
  });

  test('the same ADD many times at once holds at most one address', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await Promise.all(Array.from({ length: 20 }, () => world.add('same')));
    expect(world.ipam.bindings({})).toHaveLength(1);
  });

  test('dual-stack is all or none: a full IPv6 pool gives the IPv4 address back (LESSONS 18)', async () => {
    const world = await openWorld();
    await world.pool('four', { ...SMALL });
    await world.pool('six', { ranges: [{ first: 'fd00::10', last: 'fd00::10' }], default: true, cooldownSeconds: 0 });
    expect(take(await world.add('c1')).addresses.map(({ pool }) => pool)).toEqual(['four', 'six']);
    expect(refusalOf(await world.add('c2')).reason).toBe('PoolFull');
    expect(world.ipam.bindings({ pool: 'four' })).toHaveLength(1);
    expect(world.ipam.counts('four')).toMatchObject({ ok: true, value: { allocated: 1n, cooling: 0n } });
  });

  test('a refused family gives back what another one had released, as it was: it is kept for that one yet (LESSONS 18)', async () => {
    const world = await openWorld();
    await world.pool('four', { ranges: [{ first: '10.0.0.9', last: '10.0.0.9' }], default: true, cooldownSeconds: 60, stickySeconds: 600 });
    await world.add('c1', { pod: pod('db-0', 'u1') });
    take(await world.del('c1'));
    await world.pool('six', { ranges: [{ first: 'fd00::10', last: 'fd00::10' }], default: true, cooldownSeconds: 0 });
    take(await world.add('c2', { families: ['IPv6'] }));
    expect(refusalOf(await world.add('c3', { pod: pod('db-1', 'u2') })).reason).toBe('PoolFull');
    expect(world.ipam.bindings({ pool: 'four', state: 'all' })).toMatchObject([
      { spec: { subid: 'db-0', releasedAt: expect.any(Number) } },
    ]);
  });

  test('a refused family gives the other one back also when nobody knows whether it was', async () => {
    for (const fault of ['lost', 'unanswered'] as const) {
      let faults = 1;
      const world = await openWorld({
        memory: { fault: ({ collection, verb }) => (collection === 'bindings' && verb === 'remove' && faults-- > 0 ? fault : undefined) },
      });
      await world.pool('four', SMALL);
      await world.pool('six', { ranges: [{ first: 'fd00::10', last: 'fd00::10' }], default: true, cooldownSeconds: 0 });
      take(await world.add('c1'));
      expect(refusalOf(await world.add('c2')).reason).toBe('PoolFull');
      await world.timers.advance(5_000);
      expect(world.ipam.bindings({ subid: 'c2' })).toEqual([]);
      expect(faults).toBeLessThanOrEqual(0);
    }
  });

  test('what was held before stays when a family that came later has nothing left', async () => {
    const world = await openWorld();
    await world.pool('four', { ...SMALL });
    const address = await addressOf(world.add('c1'));
    await world.pool('six', { ranges: [{ first: 'fd00::10', last: 'fd00::10' }], default: true, cooldownSeconds: 0 });
    take(await world.add('c2'));
    expect(refusalOf(await world.add('c1')).reason).toBe('PoolFull');
    expect(world.ipam.bindings({ subid: 'c1' }).map(({ spec }) => spec.address)).toEqual([address]);
  });

  test('further pools of a family are overflow, in order; a nested list asks for one more address', async () => {
    const world = await openWorld();
    await world.pool('one', { ranges: [{ first: '10.1.0.1', last: '10.1.0.1' }] });
    await world.pool('two', { ranges: [{ first: '10.2.0.1', last: '10.2.0.2' }] });
    expect(take(await world.add('a', { pools: ['one', 'two'] })).addresses.map(({ pool }) => pool)).toEqual(['one']);
    expect(take(await world.add('b', { pools: ['one', 'two'] })).addresses.map(({ pool }) => pool)).toEqual(['two']);
    await world.pool('many', { ranges: [{ cidr: '10.3.0.0/24' }] });
    const several = take(await world.add('c', { pools: ['many', ['many'], ['many']] })).addresses.map(({ address }) => address);
    expect(new Set(several).size).toBe(3);
    expect(take(await world.add('c', { pools: ['many', ['many'], ['many']] })).addresses.map(({ address }) => address)).toEqual(several);
    // An edited configuration asks for less: what it no longer asks for is let go.
    expect(take(await world.add('c', { pools: ['many'] })).addresses.map(({ address }) => address)).toEqual(several.slice(0, 1));
    expect(world.ipam.bindings({ pool: 'many' })).toHaveLength(1);
  });

  test('one interface of a pod is not given the address of another (LESSONS F)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const eth0 = await addressOf(world.add('c1', { pod: pod('web', 'u1') }));
    const net1 = await addressOf(world.add('c1', { pod: pod('web', 'u1'), ifName: 'net1' }));
    expect(net1).not.toBe(eth0);
    expect(world.ipam.bindings({})).toHaveLength(2);
    // Nor the other way round.
    const first = await addressOf(world.add('c2', { pod: pod('db', 'u2'), ifName: 'net1' }));
    expect(await addressOf(world.add('c2', { pod: pod('db', 'u2') }))).not.toBe(first);
    expect(world.ipam.bindings({})).toHaveLength(4);
  });

  test('a crash-looping sandbox keeps its address whatever the container id (LESSONS 16)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const first = await addressOf(world.add('sandbox-1', { pod: pod('web', 'u1') }));
    for (let index = 2; index < 20; index++) expect(await addressOf(world.add(`sandbox-${index}`, { pod: pod('web', 'u1') }))).toBe(first);
    expect(world.ipam.bindings({})).toHaveLength(1);
  });

  test('of an edited configuration: the next sandbox lets go of what the one before had, and nothing of other networks or nodes', async () => {
    const world = await openWorld();
    for (const [index, name] of ['many', 'more'].entries())
      await world.pool(name, { ranges: [{ cidr: `10.${index}.0.0/24` }], cooldownSeconds: 60 });
    const asked = { pod: pod('web', 'u1'), pools: ['many'] };
    await addressOf(world.add('sandbox-1', { ...asked, cniNetwork: 'other' }));
    await addressOf(world.add('sandbox-1', { ...asked, node: 'n2' }));
    const early = world.stamp();
    take(await world.add('sandbox-1', { ...asked, pools: ['many', ['many']] }));
    expect(world.ipam.bindings({})).toHaveLength(4);
    take(await world.add('sandbox-2', asked));
    expect(world.ipam.bindings({})).toHaveLength(3);
    take(await world.add('sandbox-2', { ...asked, pools: ['more'] }));
    expect(world.ipam.bindings({ pool: 'many' }).map(({ spec }) => [spec.attachments[0]!.cniNetwork, spec.attachments[0]!.node])).toEqual(
      expect.arrayContaining([
        ['other', 'n1'],
        ['net', 'n2'],
      ]),
    );
    // An orphan of the configuration before finds what was let go, and by which call.
    expect(refusalOf(await world.add('sandbox-2', { ...asked, stamp: early })).reason).toBe('StaleCall');
    expect(world.ipam.bindings({})).toHaveLength(3);
  });

  test('two sandboxes of one pod at once: one address, the second takes it over from the first', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const both = ['sandbox-1', 'sandbox-2'].map((id) => addressOf(world.add(id, { pod: pod('web', 'u1') })));
    expect(new Set(await Promise.all(both)).size).toBe(1);
    expect(world.ipam.bindings({ state: 'all' })).toMatchObject([{ spec: { attachments: [{ containerId: 'sandbox-2' }] } }]);
  });

  test('a pod of the same name and another UID never gets a bound address (LESSONS A)', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, stickySeconds: 600 });
    const old = await addressOf(world.add('c1', { pod: pod('db-0', 'u1'), node: 'n1' }));
    expect(await addressOf(world.add('c2', { pod: pod('db-0', 'u2'), node: 'n2' }))).not.toBe(old);
    expect(refusalOf(await world.add('c3', { pod: pod('db-0', 'u3'), node: 'n2', requested: [old] }))).toMatchObject({
      reason: 'IpAlreadyAllocated',
      holder: 'ns/db-0',
    });
  });

  test('after its DEL a returning subject finds its sticky address', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, cooldownSeconds: 60, stickySeconds: 600 });
    const old = await addressOf(world.add('c1', { pod: pod('db-0', 'u1') }));
    take(await world.del('c1'));
    await world.add('other');
    expect(await addressOf(world.add('c2', { pod: pod('db-0', 'u2') }))).toBe(old);
  });

  test('a requested address is given, kept, and refused to others by the holder name', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    expect(await addressOf(world.add('c1', { requested: ['10.0.0.4/24'] }))).toBe('10.0.0.4');
    expect(refusalOf(await world.add('c2', { requested: ['10.0.0.4'] }))).toMatchObject({
      reason: 'IpAlreadyAllocated',
      holder: 'default/c1',
      address: '10.0.0.4',
    });
    expect(refusalOf(await world.add('c2', { requested: ['10.0.0.1'] })).reason).toBe('IpNotAvailable');
    expect(refusalOf(await world.add('c2', { requested: ['10.9.0.1'] })).reason).toBe('IpNotFound');
    expect(refusalOf(await world.add('c2', { requested: ['10.0.0.5', '10.0.0.6'] })).reason).toBe('InvalidRequest');
    expect(refusalOf(await world.add('c2', { requested: ['nonsense'] })).reason).toBe('InvalidIpAddress');
    expect(refusalOf(await world.add('c1', { requested: ['10.0.0.5'] }))).toMatchObject({ reason: 'IpNotAvailable', address: '10.0.0.5' });
    expect(world.ipam.bindings({})).toHaveLength(1);
  });

  test('a pool that forbids requested addresses refuses them, whoever names them (LESSONS 38)', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, requestedAddresses: 'Forbidden' });
    expect(refusalOf(await world.add('c1', { requested: ['10.0.0.4'] })).reason).toBe('NotAllowed');
  });

  test('a pool says by namespaceSelector who may use it, even when it is named', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, default: false, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'prod' } } });
    expect(refusalOf(await world.add('c1', { pools: ['p'], pod: pod('web', 'u1') })).reason).toBe('NotAllowed');
    expect(await addressOf(world.add('c2', { pod: { namespace: 'prod', name: 'web', uid: 'u2' } }))).toMatch(/^10\.0\.0\./);
  });

  test('limits are exact, also for calls in flight', async () => {
    const world = await openWorld();
    await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true, limits: { perSubinstance: 3 } });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => world.add(`c${index}`, { pod: pod(`p${index}`, `u${index}`) })),
    );
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(3);
    expect(refusalOf(outcomes.find((outcome) => !outcome.ok)!)).toMatchObject({
      reason: 'LimitReached',
      detail: expect.stringContaining('perSubinstance'),
    });
  });

  test('a refusal names the pools that were tried, who holds most and when the next address comes free (LESSONS 39)', async () => {
    const world = await openWorld();
    await world.pool('p', { ranges: [{ first: '10.0.0.1', last: '10.0.0.2' }], default: true, cooldownSeconds: 30, whenFull: 'Wait' });
    await world.add('c1', { pod: pod('a', 'u1') });
    await world.add('c2', { pod: pod('b', 'u2') });
    await world.del('c2');
    await world.timers.advance(10_000);
    const refusal = refusalOf(await world.add('c3', { pod: pod('c', 'u3') }));
    expect(refusal.reason).toBe('PoolFull');
    expect(refusal.detail).toContain('ns/c');
    expect(refusal.detail).toContain('most are held by ns 1');
    expect(refusal.pools).toEqual([{ pool: 'p', reason: 'PoolFull', detail: expect.stringMatching(/20 s/) }]);
    await world.timers.advance(21_000);
    expect(await addressOf(world.add('c3', { pod: pod('c', 'u3') }))).toMatch(/^10\.0\.0\.[12]$/);
  });

  test('unknown pool, no pool at all, family without a pool: each says what there is', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, default: false });
    expect(refusalOf(await world.add('c1', { pools: ['q'] }))).toMatchObject({
      reason: 'UnknownPool',
      detail: expect.stringMatching(/"q".*p/),
    });
    expect(refusalOf(await world.add('c1'))).toMatchObject({
      reason: 'InvalidRequest',
      detail: expect.stringContaining('no default pool'),
    });
    expect(refusalOf(await world.add('c1', { pools: ['p'], families: ['IPv6'] })).detail).toContain('IPv6');
    expect(world.ipam.bindings({ state: 'all' })).toHaveLength(0);
  });
});

describe('stamps', () => {
  test('the orphaned ADD of a killed main plugin loses to the new sandbox (LESSONS B, 15)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const orphan = world.stamp();
    const address = await addressOf(world.add('new', { pod: pod('web', 'u1') }));
    expect(refusalOf(await world.add('old', { pod: pod('web', 'u1'), stamp: orphan })).reason).toBe('StaleCall');
    expect(world.ipam.bindings({})[0]!.spec).toMatchObject({ address, attachments: [{ containerId: 'new' }] });
  });

  test('the very same call again is answered without a write, and not from memory: what another has by now is not confirmed', async () => {
    let writes = 0;
    let isLagging = false;
    const world = await openWorld({
      memory: {
        fault: ({ collection, verb }) => void (collection === 'bindings' && ['create', 'replace'].includes(verb) && writes++),
        lag: (deliver) => (isLagging ? undefined : deliver()),
      },
    });
    await world.pool('p', SMALL);
    const stamp = world.stamp();
    const address = await addressOf(world.add('c1', { stamp }));
    expect(await addressOf(world.add('c1', { stamp }))).toBe(address);
    expect(writes).toBe(1);
    isLagging = true;
    const [held] = await world.store.bindings.list();
    const attachments = [{ ...held!.spec.attachments[0]!, containerId: 'other', node: 'n2' }];
    await world.store.bindings.replace(held!, { ...held!.spec, subid: 'other', attachments });
    expect(await addressOf(world.add('c1', { stamp }))).not.toBe(address);
  });

  test('a record that is gone before the watch says so: the call that asks for it again gets an address', async () => {
    let isLagging = false;
    const world = await openWorld({ memory: { lag: (deliver) => (isLagging ? undefined : deliver()) } });
    await world.pool('p', SMALL);
    const stamp = world.stamp();
    await addressOf(world.add('c1', { stamp }));
    isLagging = true;
    const [held] = await world.store.bindings.list();
    await world.store.bindings.remove(held!);
    expect(await addressOf(world.add('c1', { stamp }))).toMatch(/^10\./);
    expect(await world.store.bindings.list()).toHaveLength(1);
  });

  test('an ADD that arrives after the DEL of its container is refused and gets no other address (LESSONS Q)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const late = world.stamp();
    take(await world.del('c1'));
    expect(refusalOf(await world.add('c1', { stamp: late })).reason).toBe('StaleCall');
    expect(world.ipam.bindings({ state: 'all' })).toHaveLength(0);
    // A runtime that adds the same id again has a newer stamp (nerdctl).
    expect(await addressOf(world.add('c1'))).toMatch(/^10\./);
  });

  test('a released record refuses the older ADD also when the memory of the DEL is gone', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, cooldownSeconds: 3600 });
    const early = world.stamp();
    await world.add('c1');
    take(await world.del('c1'));
    await world.timers.advance(600_000);
    expect(refusalOf(await world.add('c1', { stamp: early })).reason).toBe('StaleCall');
  });

  test('a DEL with an older stamp than the record releases nothing (LESSONS E, P)', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('c1');
    const stalled = world.stamp();
    await world.add('c1');
    expect(take(await world.del('c1', { stamp: stalled }))).toEqual([]);
    expect(world.ipam.bindings({})).toHaveLength(1);
  });

  test("the plugin's own DEL, same process and attempt + 1, undoes its ADD (LESSONS O)", async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    const stamp = world.stamp();
    await world.add('c1', { stamp });
    expect(take(await world.del('c1', { stamp: { ...stamp, attempt: 1 } }))).toHaveLength(1);
  });

  test("a late DEL of the first sandbox does not free the second one's address (LESSONS 5, M)", async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    await world.add('first', { pod: pod('web', 'u1') });
    const address = await addressOf(world.add('second', { pod: pod('web', 'u1') }));
    expect(take(await world.del('first'))).toEqual([]);
    expect(world.ipam.bindings({})[0]!.spec.address).toBe(address);
  });

  test('a DEL during the write of its ADD leaves nothing held', async () => {
    let hold: (() => void) | undefined;
    const world = await openWorld({
      memory: {
        fault: ({ collection, verb }) =>
          collection === 'bindings' && verb === 'create' ? new Promise((resolve) => (hold = () => resolve(undefined))) : undefined,
      },
    });
    await world.pool('p', SMALL);
    const adding = world.add('c1');
    await settle();
    const deleting = world.del('c1');
    await settle();
    hold!();
    expect(refusalOf(await adding).reason).toBe('StaleCall');
    await deleting;
    await settle();
    expect(world.ipam.bindings({})).toHaveLength(0);
  });

  test('a DEL at another replica between the families of an ADD: the ADD is refused and leaves nothing held', async () => {
    let release = async (): Promise<void> => undefined;
    const world = await openWorld({
      memory: {
        fault: async ({ collection, verb, name }) => {
          if (collection === 'bindings' && verb === 'create' && name?.includes('fd00')) await release();
          return undefined;
        },
      },
    });
    await world.pool('four', { ...SMALL, cooldownSeconds: 60 });
    await world.pool('six', { ranges: [{ cidr: 'fd00::/120' }], default: true, cooldownSeconds: 60 });
    const releasedBy = { ...world.stamp(), startedTicks: 1e9 };
    release = async () => {
      await settle();
      const [held] = await world.store.bindings.list();
      const written = await world.store.bindings.replace(held!, { ...held!.spec, releasedAt: 1, releasedBy });
      expect(written.ok).toBe(true);
      await settle();
    };
    expect(refusalOf(await world.add('c1')).reason).toBe('StaleCall');
    expect(world.ipam.bindings({ state: 'released' })).toHaveLength(2);
    expect(world.ipam.bindings({})).toEqual([]);
  });

  test('a call of a boot that is over is refused; the new boot gets its own addresses back', async () => {
    const world = await openWorld();
    await world.pool('p', { ...SMALL, cooldownSeconds: 60 });
    world.nodes.boot('n1', 'boot-1');
    const address = await addressOf(world.add('c1', { pod: pod('web', 'u1') }));
    await world.add('c2');
    expect(await addressOf(world.add('c3', { pod: pod('web', 'u1'), stamp: world.stamp({ bootId: 'boot-2', startedTicks: 5 }) }))).toBe(
      address,
    );
    await settle();
    expect(world.ipam.bindings({}).map(({ spec }) => spec.address)).toEqual([address]);
    expect(refusalOf(await world.add('c4')).reason).toBe('StaleCall');
  });
});

describe('faults of the store', () => {
  test('a lost answer is sorted out by a read: written is success, not written is tried again', async () => {
    for (const fault of ['unanswered', 'lost'] as const) {
      let first = true;
      const world = await openWorld({
        memory: {
          fault: ({ collection, verb }) => {
            if (collection !== 'bindings' || verb !== 'create' || !first) return undefined;
            first = false;
            return fault;
          },
        },
      });
      await world.pool('p', SMALL);
      expect(await addressOf(world.add('c1'))).toMatch(/^10\./);
      expect(world.ipam.bindings({})).toHaveLength(1);
    }
  });

  test('a record that was written although its caller heard no is let go, also when nobody sends a DEL', async () => {
    const faults = ['unanswered', 'unavailable'] as const;
    let next = 0;
    const world = await openWorld({
      memory: {
        fault: ({ collection, verb }) => (collection === 'bindings' && ['create', 'get'].includes(verb) ? faults[next++] : undefined),
      },
    });
    await world.pool('p', SMALL);
    expect(refusalOf(await world.add('c1')).reason).toBe('Unavailable');
    await world.timers.advance(2_000);
    expect(world.ipam.bindings({})).toEqual([]);
    expect((await world.store.bindings.list()).filter(({ spec }) => spec.releasedAt === undefined)).toEqual([]);
  });

  test('a store that dies between the families of a call keeps nothing of it: the one that was written is let go', async () => {
    let isDead = true;
    let refusals = 0;
    const world = await openWorld({
      memory: {
        // The second of the two creates, and the first releases of what the first one wrote.
        fault: ({ collection, verb, name }) => {
          if (!isDead || collection !== 'bindings') return undefined;
          if (verb === 'create' && name?.includes('fd00')) return 'unavailable';
          return verb === 'replace' && refusals++ < 3 ? 'unavailable' : undefined;
        },
      },
    });
    await world.pool('four', SMALL);
    await world.pool('six', { ranges: [{ cidr: 'fd00::/120' }], default: true, cooldownSeconds: 0 });
    expect(refusalOf(await world.add('c1')).reason).toBe('Unavailable');
    await world.timers.advance(1_000);
    expect(world.ipam.bindings({})).toHaveLength(1);
    await world.timers.advance(5_000);
    expect(world.ipam.bindings({})).toEqual([]);
    // What was held before is not of this call.
    take(await world.add('c2', { families: ['IPv4'] }));
    expect(refusalOf(await world.add('c2')).reason).toBe('Unavailable');
    await world.timers.advance(5_000);
    expect(world.ipam.bindings({}).map(({ spec }) => spec.subid)).toEqual(['c2']);
    isDead = false;
    expect(take(await world.add('c1')).addresses).toHaveLength(2);
  });

  test('a dead store is a refusal that says so, and nothing is held in memory', async () => {
    let dead = false;
    const world = await openWorld({
      memory: { fault: ({ collection }) => (dead && collection === 'bindings' ? 'unavailable' : undefined) },
    });
    await world.pool('p', SMALL);
    dead = true;
    expect(refusalOf(await world.add('c1'))).toMatchObject({ reason: 'Unavailable', retryAfterSeconds: 1 });
    dead = false;
    const outcomes = await Promise.all(Array.from({ length: 5 }, (_, index) => world.add(`d${index}`)));
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
  });

  test('a write that hangs holds up nobody but its own call (LESSONS 26)', async () => {
    let letGo: (() => void) | undefined;
    const world = await openWorld({
      memory: {
        fault: ({ collection, verb }) =>
          collection === 'bindings' && verb === 'create' && letGo === undefined
            ? new Promise((resolve) => (letGo = () => resolve(undefined)))
            : undefined,
      },
    });
    await world.pool('p', SMALL);
    const slow = world.add('slow');
    await settle();
    const others = await Promise.all(['c1', 'c2', 'c3', 'c4'].map((id) => addressOf(world.add(id))));
    take(await world.del('c1'));
    letGo!();
    expect(new Set([...others, await addressOf(slow)]).size).toBe(5);
  });

  test('what was written stays when its caller goes away meanwhile: a retry elsewhere may have been told of it (LESSONS C)', async () => {
    let gone = false;
    const world = await openWorld({
      memory: { fault: ({ collection, verb }) => void (collection === 'bindings' && verb === 'create' && (gone = true)) },
    });
    await world.pool('p', SMALL);
    await world.add('c1', { gone: () => gone });
    expect(gone).toBe(true);
    await world.timers.advance(60_000);
    expect(world.ipam.bindings({})).toMatchObject([{ spec: { attachments: [{ containerId: 'c1' }] } }]);
  });

  test('no object grows with the number of addresses held (LESSONS 25)', async () => {
    const world = await openWorld();
    await world.pool('p', { ranges: [{ cidr: '10.0.0.0/16' }], default: true });
    const sizes = async () =>
      [...(await world.store.pools.list()), ...(await world.store.bindings.list())].map((one) => JSON.stringify(one).length);
    await world.add('c1000', { pod: pod('web-1000', 'u1000') });
    const before = await sizes();
    for (let index = 1001; index < 1500; index++) take(await world.add(`c${index}`, { pod: pod(`web-${index}`, `u${index}`) }));
    const after = await sizes();
    expect(after).toHaveLength(501);
    // A record's own counters may have a digit more.
    expect(Math.max(...after) - Math.max(...before)).toBeLessThan(20);
  });

  test('a caller that has gone is not served, and nothing is written for it', async () => {
    const world = await openWorld();
    await world.pool('p', SMALL);
    expect(refusalOf(await world.add('c1', { gone: () => true })).reason).toBe('Unavailable');
    // Nor for one that leaves after it was let in.
    let asked = 0;
    expect(refusalOf(await world.add('c1', { gone: () => asked++ > 0 })).reason).toBe('Unavailable');
    expect(world.ipam.bindings({ state: 'all' })).toHaveLength(0);
  });
});
