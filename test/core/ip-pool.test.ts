import { describe, expect, test } from 'vitest';
import { IpPool, IpPoolError, ResourceType, type IpPoolErrorCode, type IpPoolOptions } from '../../src/core/index.ts';
import { FakeClock } from './fake-clock.ts';

const vm = ResourceType.vm('vm');

function smallPool(options: IpPoolOptions = {}): IpPool {
  const pool = new IpPool('lan', options);
  pool.addRange('10.0.0.1', '10.0.0.4');
  return pool;
}

function errorOf(action: () => unknown): IpPoolError {
  try {
    action();
  } catch (error) {
    if (error instanceof IpPoolError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const codeOf = (action: () => unknown): IpPoolErrorCode => errorOf(action).code;

describe('ranges', () => {
  test('a CIDR means every address of it', () => {
    const pool = new IpPool('lan');
    pool.addCidrRange('10.0.0.0/30');
    const got = ['a', 'b', 'c', 'd'].map((subid) => pool.allocate('t', subid, vm));
    expect(got).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  test.each([
    ['a /32', '10.0.0.7/32', ['10.0.0.7']],
    ['a /31', '10.0.0.6/31', ['10.0.0.6', '10.0.0.7']],
    ['a /128', '2001:DB8::1/128', ['2001:db8::1']],
    ['a /127', '2001:db8::/127', ['2001:db8::', '2001:db8::1']],
  ])('%s gives each address once', (_name, cidr, addresses) => {
    const pool = new IpPool('lan');
    pool.addCidrRange(cidr);
    expect(addresses.map((_, index) => pool.allocate('t', `s${index}`, vm))).toEqual(addresses);
    expect(codeOf(() => pool.allocate('t', 'more', vm))).toBe('PoolFull');
  });

  test('ranges that touch become one', () => {
    const pool = smallPool();
    pool.addRange('10.0.0.5', '10.0.0.9');
    pool.addRange('10.0.0.0', '10.0.0.0');
    expect(pool.toJSON().ranges).toEqual([{ first: '10.0.0.0', last: '10.0.0.9' }]);
  });

  test('adding keeps what is held', () => {
    const pool = smallPool();
    pool.allocate('t', 'a', vm);
    pool.addRange('10.0.0.5', '10.0.0.5');
    expect(pool.allocate('t', 'b', vm)).toBe('10.0.0.2');
    expect(pool.stats()).toEqual({ total: 5n, allocated: 2n, reserved: 0n, available: 3n });
  });

  test('removing the middle leaves both ends', () => {
    const pool = smallPool();
    pool.removeRange('10.0.0.2', '10.0.0.3');
    expect(pool.toJSON().ranges).toEqual([
      { first: '10.0.0.1', last: '10.0.0.1' },
      { first: '10.0.0.4', last: '10.0.0.4' },
    ]);
    expect([pool.allocate('t', 'a', vm), pool.allocate('t', 'b', vm)]).toEqual(['10.0.0.1', '10.0.0.4']);
  });

  test('removing forgets reservations', () => {
    const pool = smallPool();
    pool.reserveIp('10.0.0.2');
    pool.removeRange('10.0.0.1', '10.0.0.4');
    pool.addRange('10.0.0.1', '10.0.0.4');
    expect(pool.stats().reserved).toBe(0n);
  });

  test('a range in use stays, and the refusal says who uses it', () => {
    const pool = smallPool();
    pool.allocate('tenant', 'vm-1', vm);
    const error = errorOf(() => pool.removeRange('10.0.0.1', '10.0.0.2'));
    expect(error.code).toBe('InvalidRange');
    expect(error.message).toBe('10.0.0.1-10.0.0.2 is in use: 10.0.0.1 is held by tenant/vm-1; release it first');
    expect(error.holder).toBe('tenant/vm-1');
    expect(pool.stats().total).toBe(4n);
  });

  test.each<[string, (pool: IpPool) => void, IpPoolErrorCode]>([
    ['reversed', (pool) => pool.addRange('10.0.1.9', '10.0.1.1'), 'InvalidRange'],
    ['mixed families', (pool) => pool.addRange('10.0.1.1', '::1'), 'InvalidRange'],
    ['overlapping at the first address', (pool) => pool.addRange('10.0.0.4', '10.0.0.9'), 'InvalidRange'],
    ['overlapping at the last address', (pool) => pool.addRange('9.0.0.0', '10.0.0.1'), 'InvalidRange'],
    ['around', (pool) => pool.addCidrRange('10.0.0.0/8'), 'InvalidRange'],
    ['the same again', (pool) => pool.addRange('10.0.0.1', '10.0.0.4'), 'InvalidRange'],
    ['malformed first', (pool) => pool.addRange('10.0.0', '10.0.1.1'), 'InvalidIpAddress'],
    ['malformed last', (pool) => pool.addRange('10.0.1.1', '10.0.1.256'), 'InvalidIpAddress'],
    ['octal-looking', (pool) => pool.addRange('010.0.1.1', '10.0.1.1'), 'InvalidIpAddress'],
    ['no address', (pool) => pool.addRange(undefined as never, 7 as never), 'InvalidIpAddress'],
    ['prefix too long', (pool) => pool.addCidrRange('10.0.1.0/33'), 'InvalidSubnet'],
    ['prefix negative', (pool) => pool.addCidrRange('10.0.1.0/-1'), 'InvalidSubnet'],
    ['no prefix', (pool) => pool.addCidrRange('10.0.1.0'), 'InvalidSubnet'],
    ['empty prefix', (pool) => pool.addCidrRange('10.0.1.0/'), 'InvalidSubnet'],
    ['prefix in words', (pool) => pool.addCidrRange('10.0.1.0/24x'), 'InvalidSubnet'],
    ['IPv6 prefix too long', (pool) => pool.addCidrRange('::/129'), 'InvalidSubnet'],
    ['host bits', (pool) => pool.addCidrRange('10.0.1.5/24'), 'InvalidSubnet'],
    ['CIDR of nothing', (pool) => pool.addCidrRange('nothing/24'), 'InvalidIpAddress'],
    ['remove outside', (pool) => pool.removeRange('10.0.0.4', '10.0.0.5'), 'IpNotFound'],
    ['remove reversed', (pool) => pool.removeRange('10.0.0.4', '10.0.0.1'), 'InvalidRange'],
    ['remove malformed', (pool) => pool.removeRange('x', '10.0.0.1'), 'InvalidIpAddress'],
  ])('refused: %s', (_name, action, code) => {
    const pool = smallPool();
    expect(codeOf(() => action(pool))).toBe(code);
    expect(pool.toJSON().ranges).toEqual([{ first: '10.0.0.1', last: '10.0.0.4' }]);
  });

  test('a /0 of each family is one pool, counted exactly', () => {
    const pool = new IpPool('everything');
    pool.addCidrRange('0.0.0.0/0');
    pool.addCidrRange('::/0');
    expect(pool.stats().total).toBe(2n ** 32n + 2n ** 128n);
    expect(pool.allocate('t', 'a', vm, { family: 'IPv6' })).toBe('::');
    expect(pool.allocateSpecific('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 't', 'b', vm)).toBe('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
    expect(pool.stats().available).toBe(2n ** 32n + 2n ** 128n - 2n);
  });
});

describe('reserved addresses', () => {
  test('are passed over, and come back', () => {
    const pool = smallPool();
    pool.reserveIp('10.0.0.1');
    pool.reserveIp('10.0.0.1');
    expect(pool.allocate('t', 'a', vm)).toBe('10.0.0.2');
    expect(pool.stats()).toEqual({ total: 4n, allocated: 1n, reserved: 1n, available: 2n });
    pool.unreserveIp('10.0.0.1');
    pool.unreserveIp('10.0.0.1');
    expect(pool.allocate('t', 'b', vm)).toBe('10.0.0.1');
  });

  test('are refused to whoever asks for one', () => {
    const pool = smallPool();
    pool.reserveIp('10.0.0.1');
    expect(codeOf(() => pool.allocateSpecific('10.0.0.1', 't', 'a', vm))).toBe('IpNotAvailable');
  });

  test('in both families, and beyond the addresses that are searched', () => {
    const pool = smallPool();
    pool.addCidrRange('2001:db8::/32');
    pool.reserveIp('2001:DB8:FFFF::1');
    pool.reserveIp('10.0.0.3');
    expect(pool.stats().reserved).toBe(2n);
    expect(codeOf(() => pool.allocateSpecific('2001:db8:ffff::1', 't', 'a', vm))).toBe('IpNotAvailable');
    pool.unreserveIp('2001:db8:ffff::1');
    expect(pool.allocateSpecific('2001:db8:ffff::1', 't', 'a', vm)).toBe('2001:db8:ffff::1');
  });

  test('a held address is released first', () => {
    const pool = smallPool();
    pool.allocate('t', 'a', vm);
    expect(errorOf(() => pool.reserveIp('10.0.0.1'))).toMatchObject({ code: 'IpAlreadyAllocated', holder: 't/a' });
  });

  test.each<[string, string, IpPoolErrorCode]>([
    ['outside', '10.0.0.9', 'IpNotFound'],
    ['of the other family', '::1', 'IpNotFound'],
    ['malformed', '10.0.0.1/32', 'InvalidIpAddress'],
  ])('%s is refused', (_name, ip, code) => {
    expect(codeOf(() => smallPool().reserveIp(ip))).toBe(code);
    expect(codeOf(() => smallPool().unreserveIp(ip))).toBe(code);
  });
});

describe('allocate', () => {
  test('gives the lowest available address, and the same one again', () => {
    const pool = smallPool();
    expect(pool.allocate('t', 'a', vm)).toBe('10.0.0.1');
    expect(pool.allocate('t', 'b', vm)).toBe('10.0.0.2');
    expect(pool.allocate('t', 'a', vm)).toBe('10.0.0.1');
    pool.releaseByIp('10.0.0.1');
    expect(pool.allocate('t', 'c', vm)).toBe('10.0.0.1');
  });

  test('the same name in two tenants is two subjects', () => {
    const pool = smallPool();
    expect(pool.allocate('blue', 'a', vm)).not.toBe(pool.allocate('red', 'a', vm));
  });

  test('names with the separator in them are not mixed up', () => {
    const pool = smallPool();
    expect(pool.allocate('a/b', 'c', vm)).not.toBe(pool.allocate('a', 'b/c', vm));
  });

  test('a slot and a family are separate addresses', () => {
    const pool = smallPool();
    pool.addCidrRange('2001:db8::/64');
    pool.allocate('t', 'a', vm, { slot: 1 });
    pool.allocate('t', 'a', vm, { family: 'IPv6' });
    pool.allocate('t', 'a', vm);
    expect(pool.findAllBySubid('t', 'a')).toEqual(['10.0.0.2', '2001:db8::', '10.0.0.1']);
    expect(pool.findBySubid('t', 'a')).toBe('10.0.0.2');
  });

  test('a pool of IPv6 alone gives IPv6 unasked', () => {
    const pool = new IpPool('six');
    pool.addCidrRange('fd00::/64');
    expect(pool.allocate('t', 'a', vm)).toBe('fd00::');
    expect(codeOf(() => pool.allocate('t', 'b', vm, { family: 'IPv4' }))).toBe('PoolFull');
  });

  test('a full pool says what holds it up', () => {
    const pool = smallPool();
    pool.reserveIp('10.0.0.4');
    for (const subid of ['a', 'b', 'c']) pool.allocate('t', subid, vm);
    const error = errorOf(() => pool.allocate('t', 'd', vm));
    expect(error.code).toBe('PoolFull');
    expect(error.message).toBe('pool lan/IPv4 is full: of 4 addresses 3 are held, 1 reserved, 0 cooling');
    expect(pool.tryAllocate('t', 'd', vm)).toEqual({ refusal: { code: 'PoolFull', detail: error.message } });
    expect(pool.tryAllocate('t', 'a', vm)).toEqual({ address: '10.0.0.1' });
  });

  test('an empty pool is full', () => {
    expect(codeOf(() => new IpPool('empty').allocate('t', 'a', vm))).toBe('PoolFull');
    expect(new IpPool('empty').stats()).toEqual({ total: 0n, allocated: 0n, reserved: 0n, available: 0n });
  });

  test.each<[string, (pool: IpPool) => unknown]>([
    ['empty subinstance', (pool) => pool.allocate('', 'a', vm)],
    ['subid that is no text', (pool) => pool.allocate('t', 7 as never, vm)],
    ['no resource', (pool) => pool.allocate('t', 'a', undefined as never)],
    ['unknown resource type', (pool) => pool.allocate('t', 'a', { type: 'disk' as never, value: 'x' })],
    ['MAC that is none', (pool) => pool.allocate('t', 'a', { type: 'mac', value: 'aa:bb' })],
    ['negative slot', (pool) => pool.allocate('t', 'a', vm, { slot: -1 })],
    ['unknown family', (pool) => pool.allocate('t', 'a', vm, { family: 'IPv5' as never })],
    ['lease of no length', (pool) => pool.allocate('t', 'a', vm, { leaseSeconds: 0 })],
    ['lease beyond what a number of milliseconds can say', (pool) => pool.allocate('t', 'a', vm, { leaseSeconds: Number.MAX_VALUE })],
    ['value that JSON cannot say', (pool) => pool.allocate('t', 'a', { type: 'vm', value: 7n as never })],
    ['lease without end', (pool) => pool.allocate('t', 'a', vm, { leaseSeconds: Infinity })],
    ['tags that are no text', (pool) => pool.allocate('t', 'a', vm, { tags: { a: 1 as never } })],
    ['options that are none', (pool) => pool.allocate('t', 'a', vm, 7 as never)],
    ['misspelled lease, which would be held for ever', (pool) => pool.allocate('t', 'a', vm, { leaseSecs: 60 } as never)],
    ['misspelled slot', (pool) => pool.allocateSpecific('10.0.0.3', 't', 'a', vm, { solt: 1 } as never)],
  ])('refused: %s', (_name, action) => {
    const pool = smallPool();
    expect(codeOf(() => action(pool))).toBe('InvalidRequest');
    expect(pool.stats().allocated).toBe(0n);
  });

  test.each<[string, () => unknown]>([
    ['no name', () => new IpPool('')],
    ['unknown option', () => new IpPool('lan', { cooldown: 3 } as never)],
    ['unknown placement', () => new IpPool('lan', { placement: 'Random' as never })],
    ['negative cooldown', () => new IpPool('lan', { cooldownSeconds: -1 })],
    ['limit of none', () => new IpPool('lan', { limits: { perSubinstance: 0 } })],
    ['unknown limit', () => new IpPool('lan', { limits: { perNode: 1 } as never })],
    ['clock that is none', () => new IpPool('lan', { clock: {} as never })],
    ['MAC that is none', () => ResourceType.mac('02:00:00:00:00')],
    ['value of nothing', () => ResourceType.pod('')],
  ])('refused: %s', (_name, action) => expect(codeOf(action)).toBe('InvalidRequest'));
});

describe('allocateSpecific', () => {
  test('gives exactly that address, in canonical text, and again', () => {
    const pool = new IpPool('six');
    pool.addCidrRange('2001:db8::/64');
    expect(pool.allocateSpecific('2001:0DB8:0::5', 't', 'a', vm)).toBe('2001:db8::5');
    expect(pool.allocateSpecific('2001:db8::5', 't', 'a', vm)).toBe('2001:db8::5');
    expect(pool.getBinding('2001:DB8::0005')?.subid).toBe('a');
  });

  test('one subject may collect several, each in a slot of its own', () => {
    const pool = smallPool();
    expect(pool.allocate('t', 'a', vm)).toBe('10.0.0.1');
    expect(pool.allocateSpecific('10.0.0.3', 't', 'a', vm)).toBe('10.0.0.3');
    expect(pool.getBinding('10.0.0.3')?.slot).toBe(1);
    expect(pool.findAllBySubid('t', 'a')).toEqual(['10.0.0.1', '10.0.0.3']);
    expect(codeOf(() => pool.allocateSpecific('10.0.0.4', 't', 'a', vm, { slot: 0 }))).toBe('IpNotAvailable');
  });

  test.each<[string, string, IpPoolErrorCode]>([
    ['outside every range', '10.0.0.5', 'IpNotFound'],
    ['of a family the pool has not', '::1', 'IpNotFound'],
    ['malformed', '10.0.0.1 ', 'InvalidIpAddress'],
    ['IPv4 in IPv6', '::ffff:10.0.0.1', 'InvalidIpAddress'],
    ['held by another', '10.0.0.1', 'IpAlreadyAllocated'],
    ['reserved', '10.0.0.2', 'IpNotAvailable'],
  ])('refused: %s', (_name, ip, code) => {
    const pool = smallPool();
    pool.allocate('owner', 'b', vm);
    pool.reserveIp('10.0.0.2');
    const error = errorOf(() => pool.allocateSpecific(ip, 't', 'a', vm));
    expect(error.code).toBe(code);
    expect(error.holder).toBe(code === 'IpAlreadyAllocated' ? 'owner/b' : undefined);
    expect(pool.stats().allocated).toBe(1n);
  });
});

describe('release and lookups', () => {
  test('by address, subject and tenant', () => {
    const pool = smallPool();
    pool.allocate('t', 'a', vm);
    pool.allocate('t', 'a', vm, { slot: 1 });
    pool.allocate('t', 'b', vm);
    expect(pool.releaseByIp('10.0.0.3')).toMatchObject({ address: '10.0.0.3', subinstance: 't', subid: 'b' });
    expect(pool.releaseBySubid('t', 'a').map((binding) => binding.address)).toEqual(['10.0.0.1', '10.0.0.2']);
    pool.allocate('t', 'a', vm);
    pool.allocate('u', 'a', vm);
    expect(pool.releaseBySubinstance('t').map((binding) => binding.address)).toEqual(['10.0.0.1']);
    expect(pool.releaseBySubinstance('t')).toEqual([]);
    expect(pool.listBySubinstance('u')).toEqual(['10.0.0.2']);
  });

  test('of what is not held is refused', () => {
    const pool = smallPool();
    expect(codeOf(() => pool.releaseByIp('10.0.0.1'))).toBe('BindingNotFound');
    expect(codeOf(() => pool.releaseByIp('10.9.9.9'))).toBe('BindingNotFound');
    expect(codeOf(() => pool.releaseByIp('nothing'))).toBe('InvalidIpAddress');
    expect(codeOf(() => pool.releaseBySubid('t', 'a'))).toBe('BindingNotFound');
    expect(codeOf(() => pool.renew('10.0.0.1', 5))).toBe('BindingNotFound');
  });

  test('MACs are found in every spelling', () => {
    const pool = smallPool();
    const address = pool.allocate('t', 'a', ResourceType.mac('AA-BB-CC-00-11-22'));
    for (const spelling of ['aa:bb:cc:00:11:22', 'AA:BB:CC:00:11:22', 'aabb.cc00.1122', 'AABBCC001122', 'aa-bb-cc-00-11-22']) {
      expect(pool.findByResource('mac', spelling)).toBe(address);
    }
    expect(pool.findByResource('mac', 'aa:bb:cc:00:11:23')).toBeUndefined();
    expect(pool.findByResource('mac', 'not a MAC')).toBeUndefined();
    expect(pool.findByResource('vm', 'aa:bb:cc:00:11:22')).toBeUndefined();
    expect(pool.getBinding(address)?.resource).toEqual({ type: 'mac', value: 'aa:bb:cc:00:11:22' });
  });

  test('by tag, with a value or any', () => {
    const pool = smallPool();
    pool.allocate('t', 'a', vm, { tags: { tier: 'web', zone: '1' } });
    pool.allocate('t', 'b', vm, { tags: { tier: 'db' } });
    expect(pool.findByTag('tier')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(pool.findByTag('tier', 'db')).toEqual(['10.0.0.2']);
    expect(pool.findByTag('colour')).toEqual([]);
    pool.releaseByIp('10.0.0.2');
    expect(pool.findByTag('tier')).toEqual(['10.0.0.1']);
  });

  test('lists are in the order of the addresses', () => {
    const pool = new IpPool('lan');
    pool.addRange('10.0.0.8', '10.0.0.11');
    pool.addCidrRange('fd00::/120');
    pool.allocate('t', 'z', vm, { family: 'IPv6' });
    for (const ip of ['10.0.0.11', '10.0.0.9', '10.0.0.10']) pool.allocateSpecific(ip, 't', ip, vm);
    expect(pool.listBySubinstance('t')).toEqual(['10.0.0.9', '10.0.0.10', '10.0.0.11', 'fd00::']);
  });

  test('a binding says everything', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    pool.allocate('t', 'a', ResourceType.pod('t/a'), { tags: { app: 'x' }, leaseSeconds: 60 });
    expect(pool.getBinding('10.0.0.1')).toEqual({
      address: '10.0.0.1',
      family: 'IPv4',
      subinstance: 't',
      subid: 'a',
      slot: 0,
      resource: { type: 'pod', value: 't/a' },
      tags: { app: 'x' },
      boundAt: clock.now(),
      expiresAt: clock.now() + 60_000,
    });
    expect(pool.getBinding('10.0.0.2')).toBeUndefined();
    expect(pool.getBinding('nonsense')).toBeUndefined();
  });
});

describe('time', () => {
  test('a lease ends at expire(), not before', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    pool.allocate('t', 'a', vm, { leaseSeconds: 10 });
    pool.allocate('t', 'b', vm);
    clock.advance(9.999);
    expect(pool.expire()).toEqual([]);
    clock.advance(0.001);
    expect(pool.getBinding('10.0.0.1')?.subid).toBe('a');
    expect(pool.expire().map((binding) => binding.subid)).toEqual(['a']);
    expect(pool.expire()).toEqual([]);
    expect(pool.stats().allocated).toBe(1n);
  });

  test('renewing moves the end, and gives a binding without lease one', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    pool.allocate('t', 'a', vm, { leaseSeconds: 10 });
    pool.allocate('t', 'b', vm);
    clock.advance(8);
    expect(pool.renew('10.0.0.1', 10).expiresAt).toBe(clock.now() + 10_000);
    pool.renew('10.0.0.2', 1);
    clock.advance(5);
    expect(pool.expire().map((binding) => binding.subid)).toEqual(['b']);
    clock.advance(5);
    expect(pool.expire().map((binding) => binding.subid)).toEqual(['a']);
    expect(codeOf(() => pool.renew('10.0.0.1', 5))).toBe('BindingNotFound');
  });

  test('a full pool lets ended leases go by itself', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    for (const subid of ['a', 'b', 'c', 'd']) pool.allocate('t', subid, vm, { leaseSeconds: subid === 'c' ? 5 : 50 });
    clock.advance(6);
    expect(pool.allocate('t', 'e', vm)).toBe('10.0.0.3');
    expect(pool.findBySubid('t', 'c')).toBeUndefined();
  });

  test('a tenant at its limit lets its ended leases go by itself', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock, limits: { perSubinstance: 1 } });
    pool.allocate('t', 'a', vm, { leaseSeconds: 5 });
    expect(codeOf(() => pool.allocate('t', 'b', vm))).toBe('IpNotAvailable');
    clock.advance(6);
    expect(pool.allocate('t', 'b', vm)).toBe('10.0.0.1');
  });

  test('a subject whose lease has ended gets its address anew, with the new lease', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    pool.allocate('t', 'a', vm, { leaseSeconds: 5 });
    clock.advance(6);
    expect(pool.allocate('t', 'a', vm, { leaseSeconds: 5 })).toBe('10.0.0.1');
    expect(pool.expire()).toEqual([]);
    clock.advance(5);
    expect(pool.expire()).toHaveLength(1);
  });

  test('a cooling address goes to others last, oldest first, and to its subject at once', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock, cooldownSeconds: 60 });
    for (const subid of ['a', 'b', 'c']) pool.allocate('t', subid, vm);
    pool.releaseBySubid('t', 'b');
    clock.advance(1);
    pool.releaseBySubid('t', 'a');
    expect(pool.stats()).toEqual({ total: 4n, allocated: 1n, reserved: 0n, available: 1n });
    expect(pool.allocate('t', 'd', vm)).toBe('10.0.0.4');
    expect(pool.allocate('t', 'e', vm)).toBe('10.0.0.2');
    expect(pool.allocate('t', 'a', vm)).toBe('10.0.0.1');
  });

  test('a pool that waits refuses while addresses cool, and says how long', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock, cooldownSeconds: 60, whenFull: 'Wait' });
    for (const subid of ['a', 'b', 'c', 'd']) pool.allocate('t', subid, vm);
    pool.releaseBySubid('t', 'b');
    clock.advance(20);
    const error = errorOf(() => pool.allocate('t', 'e', vm));
    expect(error).toMatchObject({ code: 'PoolFull', retryAfterSeconds: 40 });
    expect(error.message).toBe('pool lan/IPv4 is full: of 4 addresses 3 are held, 0 reserved, 1 cooling; the next comes free in 40 s');
    clock.advance(40);
    expect(pool.allocate('t', 'e', vm)).toBe('10.0.0.2');
  });

  test('a cooling address is refused to a stranger who asks for it', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock, cooldownSeconds: 60 });
    pool.allocate('t', 'a', vm);
    pool.releaseByIp('10.0.0.1');
    const error = errorOf(() => pool.allocateSpecific('10.0.0.1', 't', 'b', vm));
    expect(error).toMatchObject({ code: 'IpNotAvailable', retryAfterSeconds: 60, holder: 't/a' });
    expect(pool.allocateSpecific('10.0.0.1', 't', 'a', vm)).toBe('10.0.0.1');
  });

  test('a sticky address waits for its subject, and yields when nothing else is left', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock, stickySeconds: 100 });
    for (const subid of ['a', 'b']) pool.allocate('t', subid, vm);
    pool.releaseBySubinstance('t');
    expect(pool.allocate('t', 'c', vm)).toBe('10.0.0.3');
    expect(pool.allocate('t', 'b', vm)).toBe('10.0.0.2');
    expect(pool.allocate('t', 'd', vm)).toBe('10.0.0.4');
    expect(pool.allocate('t', 'e', vm)).toBe('10.0.0.1');
    pool.releaseBySubid('t', 'e');
    clock.advance(100);
    expect(pool.allocate('t', 'f', vm)).toBe('10.0.0.1');
  });

  test('released records do not pile up', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock, cooldownSeconds: 1 });
    pool.addCidrRange('10.1.0.0/16');
    for (let round = 0; round < 500; round++) {
      pool.allocate('t', `s${round}`, vm);
      pool.releaseBySubid('t', `s${round}`);
      clock.advance(0.5);
    }
    expect(pool.toJSON().bindings.length).toBeLessThan(5);
  });

  test('home: a subject that comes back finds its address without any memory of it', () => {
    const pool = new IpPool('lan', { placement: 'Home' });
    pool.addCidrRange('10.0.0.0/16');
    const before = Array.from({ length: 100 }, (_, index) => pool.allocate('t', `s${index}`, vm));
    pool.releaseBySubinstance('t');
    const after = Array.from({ length: 100 }, (_, index) => pool.allocate('t', `s${99 - index}`, vm)).reverse();
    expect(after.filter((address, index) => address === before[index]).length).toBeGreaterThan(95);
    expect(new Set(after).size).toBe(100);
  });
});

describe('limits', () => {
  test('one tenant cannot take everything; what it has stays idempotent', () => {
    const pool = smallPool({ limits: { perSubinstance: 2 } });
    pool.addCidrRange('fd00::/120');
    pool.allocate('greedy', 'a', vm);
    pool.allocate('greedy', 'b', vm, { family: 'IPv6' });
    const error = errorOf(() => pool.allocate('greedy', 'c', vm));
    expect(error.code).toBe('IpNotAvailable');
    expect(error.message).toBe('greedy holds 2 addresses of pool lan, and its limit is 2');
    expect(codeOf(() => pool.allocateSpecific('10.0.0.4', 'greedy', 'c', vm))).toBe('IpNotAvailable');
    expect(pool.allocate('greedy', 'a', vm)).toBe('10.0.0.1');
    expect(pool.allocate('modest', 'a', vm)).toBe('10.0.0.2');
    pool.releaseBySubid('greedy', 'a');
    expect(pool.allocate('greedy', 'c', vm)).toBe('10.0.0.1');
  });
});

describe('notifications', () => {
  test('each change once, after it has happened, in order', () => {
    const clock = new FakeClock();
    const pool = new IpPool('lan', { clock });
    const seen: string[] = [];
    const stop = pool.on('changed', (change) => seen.push(`${change.kind} ${'binding' in change ? change.binding.address : ''}`.trim()));
    pool.on('allocated', (binding) => seen.push(`event allocated ${binding.address} ${pool.getBinding(binding.address)?.subid}`));
    pool.on('released', (binding) => seen.push(`event released ${binding.address} ${pool.getBinding(binding.address)?.subid}`));
    pool.on('expired', (binding) => seen.push(`event expired ${binding.address}`));
    pool.addRange('10.0.0.1', '10.0.0.4');
    pool.reserveIp('10.0.0.1');
    pool.reserveIp('10.0.0.1');
    pool.allocate('t', 'a', vm, { leaseSeconds: 1 });
    pool.allocate('t', 'a', vm);
    pool.renew('10.0.0.2', 2);
    clock.advance(3);
    pool.expire();
    pool.allocate('t', 'b', vm);
    pool.releaseByIp('10.0.0.2');
    pool.unreserveIp('10.0.0.1');
    pool.removeRange('10.0.0.1', '10.0.0.4');
    expect(seen).toEqual([
      'rangeAdded',
      'reserved',
      'event allocated 10.0.0.2 a',
      'allocated 10.0.0.2',
      'renewed 10.0.0.2',
      'event expired 10.0.0.2',
      'expired 10.0.0.2',
      'event allocated 10.0.0.2 b',
      'allocated 10.0.0.2',
      'event released 10.0.0.2 undefined',
      'released 10.0.0.2',
      'unreserved',
      'rangeRemoved',
    ]);
    stop();
    stop();
    pool.addRange('10.0.0.1', '10.0.0.4');
    expect(seen.at(-1)).toBe('rangeRemoved');
  });

  test('a listener that throws costs nobody an address', async () => {
    const pool = smallPool();
    const surfaced = new Promise((resolve) => process.once('unhandledRejection', resolve));
    let second = 0;
    pool.on('allocated', () => {
      throw new Error('listener');
    });
    pool.on('allocated', () => second++);
    expect(pool.allocate('t', 'a', vm)).toBe('10.0.0.1');
    expect(second).toBe(1);
    expect(await surfaced).toMatchObject({ message: 'listener' });
  });

  test('a listener may use the pool', () => {
    const pool = smallPool();
    pool.on('allocated', (binding) => {
      if (binding.subid === 'a') pool.allocate('t', 'shadow', vm);
    });
    expect(pool.allocate('t', 'a', vm)).toBe('10.0.0.1');
    expect(pool.findBySubid('t', 'shadow')).toBe('10.0.0.2');
  });

  test('who waits for an ended lease keeps what it got, also when more leases end in the same pass', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    for (const subid of ['a', 'b', 'c', 'd']) pool.allocate('t', subid, vm, { leaseSeconds: 5 });
    const waiting = ['w', 'x', 'y', 'z'];
    pool.on('expired', () => {
      while (waiting.length > 0 && pool.tryAllocate('t', waiting[0]!, vm).address !== undefined) waiting.shift();
    });
    clock.advance(6);
    pool.expire();
    expect(['w', 'x', 'y', 'z'].map((subid) => pool.findBySubid('t', subid))).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
    expect(pool.tryAllocate('t', 'late', vm).refusal?.code).toBe('PoolFull');
  });

  test('a release of many leaves alone what a listener gave to another or renewed meanwhile', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    for (const subid of ['a', 'b', 'c']) pool.allocate('t', subid, vm, { leaseSeconds: 5 });
    const stop = pool.on('expired', () => pool.renew('10.0.0.2', 60));
    clock.advance(6);
    expect(pool.expire().map((binding) => binding.subid)).toEqual(['a', 'c']);
    stop();
    pool.on('released', ({ subid }) => {
      if (subid !== 'b') return;
      pool.releaseBySubid('t', 'd');
      pool.allocateSpecific('10.0.0.4', 'other', 'o', vm);
    });
    pool.allocateSpecific('10.0.0.4', 't', 'd', vm);
    expect(pool.releaseBySubinstance('t').map((binding) => binding.subid)).toEqual(['b']);
    expect(pool.getBinding('10.0.0.4')?.subid).toBe('o');
  });

  test('a listener that allocates for the one who waits for room does not give it two addresses', () => {
    const clock = new FakeClock();
    const pool = smallPool({ clock });
    for (const subid of ['a', 'b', 'c', 'd']) pool.allocate('t', subid, vm, { leaseSeconds: 5 });
    pool.on('expired', () => void pool.tryAllocate('t', 'e', vm));
    clock.advance(6);
    expect(pool.allocate('t', 'e', vm)).toBe(pool.findBySubid('t', 'e'));
    expect(pool.findAllBySubid('t', 'e')).toHaveLength(1);
  });

  test('everybody hears of changes in the order they happened, of those that a listener makes too', () => {
    const pool = smallPool();
    const seen: string[] = [];
    pool.on('released', ({ address }) => pool.allocateSpecific(address, 't', 'next', vm));
    pool.on('changed', (change) => seen.push(`${change.kind} ${'binding' in change ? change.binding.subid : ''}`));
    pool.allocate('t', 'a', vm);
    pool.releaseBySubid('t', 'a');
    expect(seen).toEqual(['allocated a', 'released a', 'allocated next']);
  });

  test('a listener that another has ended hears nothing any more', () => {
    const pool = smallPool();
    let heard = 0;
    pool.on('allocated', () => stop());
    const stop = pool.on('allocated', () => heard++);
    pool.allocate('t', 'a', vm);
    expect(heard).toBe(0);
  });

  test('an event that does not exist, and a listener that is none, are refused', () => {
    const pool = smallPool();
    expect(codeOf(() => pool.on('allocate' as never, () => {}))).toBe('InvalidRequest');
    expect(codeOf(() => pool.on('allocated', undefined as never))).toBe('InvalidRequest');
  });
});

describe('snapshots', () => {
  test('hold everything and survive JSON', () => {
    const clock = new FakeClock();
    const pool = new IpPool('lan', { clock, placement: 'Home', cooldownSeconds: 30, stickySeconds: 90, limits: { perSubinstance: 9 } });
    pool.addCidrRange('10.0.0.0/28');
    pool.addCidrRange('2001:db8::/64');
    pool.reserveIp('10.0.0.1');
    pool.reserveIp('2001:db8::1');
    pool.allocate('t', 'a', ResourceType.mac('02-00-00-00-00-01'), { tags: { x: 'y' }, leaseSeconds: 60 });
    pool.allocate('t', 'b', vm, { family: 'IPv6', slot: 3 });
    pool.allocate('t', 'c', vm);
    pool.releaseBySubid('t', 'c');
    const text = JSON.stringify(pool);
    for (const json of [text, JSON.parse(text) as unknown, pool.toJSON()]) {
      const copy = IpPool.fromJSON(json, { clock });
      expect(copy.toJSON()).toEqual(pool.toJSON());
      expect(copy.stats()).toEqual(pool.stats());
      expect(copy.allocate('t', 'a', vm)).toBe(pool.findBySubid('t', 'a'));
      expect(codeOf(() => copy.reserveIp(pool.findBySubid('t', 'a')!))).toBe('IpAlreadyAllocated');
      expect(codeOf(() => copy.allocateSpecific('2001:db8::1', 't', 'z', vm))).toBe('IpNotAvailable');
      expect(copy.findByTag('x', 'y')).toEqual(pool.findByTag('x', 'y'));
    }
  });

  const base = {
    version: 1,
    name: 'lan',
    options: {},
    ranges: [{ first: '10.0.0.0', last: '10.0.0.7' }],
    reserved: [],
    bindings: [],
  };
  const binding = {
    address: '10.0.0.1',
    subinstance: 't',
    subid: 'a',
    slot: 0,
    resource: { type: 'vm', value: 'x' },
    boundAt: 0,
    cooldownSeconds: 0,
    stickySeconds: 0,
  };

  test.each<[string, unknown, IpPoolErrorCode]>([
    ['nothing', undefined, 'InvalidRequest'],
    ['null', null, 'InvalidRequest'],
    ['a list', [], 'InvalidRequest'],
    ['text that is no JSON', '{"version":', 'InvalidRequest'],
    ['a version of tomorrow', { ...base, version: 2 }, 'InvalidRequest'],
    ['no name', { ...base, name: '' }, 'InvalidRequest'],
    ['an unknown option', { ...base, options: { colour: 1 } }, 'InvalidRequest'],
    ['no ranges', { ...base, ranges: undefined }, 'InvalidRequest'],
    ['a range of words', { ...base, ranges: [{ first: 'x', last: 'y' }] }, 'InvalidIpAddress'],
    ['a range of nothing', { ...base, ranges: [null] }, 'InvalidRequest'],
    ['a reversed range', { ...base, ranges: [{ first: '10.0.0.9', last: '10.0.0.0' }] }, 'InvalidRange'],
    ['ranges that overlap', { ...base, ranges: [...base.ranges, { first: '10.0.0.7', last: '10.0.0.8' }] }, 'InvalidRange'],
    ['no bindings', { ...base, bindings: {} }, 'InvalidRequest'],
    ['a binding of nothing', { ...base, bindings: [1] }, 'InvalidRequest'],
    ['a binding outside', { ...base, bindings: [{ ...binding, address: '10.0.0.8' }] }, 'IpNotFound'],
    ['a malformed address', { ...base, bindings: [{ ...binding, address: '10.0.0' }] }, 'InvalidIpAddress'],
    ['an address twice', { ...base, bindings: [binding, { ...binding, subid: 'b' }] }, 'IpAlreadyAllocated'],
    [
      'an address twice in two spellings',
      {
        ...base,
        ranges: [{ first: '::', last: '::f' }],
        bindings: [
          { ...binding, address: '::1' },
          { ...binding, address: '0::1', subid: 'b' },
        ],
      },
      'IpAlreadyAllocated',
    ],
    ['a slot twice', { ...base, bindings: [binding, { ...binding, address: '10.0.0.2' }] }, 'InvalidRequest'],
    ['no resource', { ...base, bindings: [{ ...binding, resource: undefined }] }, 'InvalidRequest'],
    ['a time of words', { ...base, bindings: [{ ...binding, boundAt: 'now' }] }, 'InvalidRequest'],
    ['a lease that ends at nothing', { ...base, bindings: [{ ...binding, expiresAt: null }] }, 'InvalidRequest'],
    ['a cooldown of nothing', { ...base, bindings: [{ ...binding, cooldownSeconds: null }] }, 'InvalidRequest'],
  ])('refused: %s', (_name, json, code) => {
    const error = errorOf(() => IpPool.fromJSON(json));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^the snapshot cannot be read: /);
  });
});
