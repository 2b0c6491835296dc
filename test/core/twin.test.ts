/** IpPool and the stupider twin take the same steps and must give the same answers, and the pool must be sound after each. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IpPool, ResourceType } from '../../src/core/index.ts';
import { BooleanPool, type TwinOptions } from './boolean-pool.ts';
import { FakeClock } from './fake-clock.ts';
import { addressAt, answerOf, codeOf, compareState, indexOf, type Real } from './twins.ts';

type Step = fc.Command<BooleanPool, Real>;

const step = (name: string, run: (twin: BooleanPool, real: Real) => void): Step => ({
  check: () => true,
  run(twin, real) {
    run(twin, real);
    compareState(twin, real);
  },
  toString: () => name,
});

const index = fc.oneof(fc.nat(255), fc.nat(12));
const subinstance = fc.constantFrom('blue', 'red');
const subid = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const slot = fc.nat(1);
const lease = fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined });
const optional = <T extends object>(values: T): { [Key in keyof T]?: NonNullable<T[Key]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;

const steps: readonly fc.Arbitrary<Step>[] = [
  fc.tuple(index, fc.nat(9)).map(([first, length]) => {
    const last = Math.min(255, first + length);
    return step(`add ${first}-${last}`, (twin, { pool, base }) => {
      expect(codeOf(() => pool.addRange(addressAt(base, first), addressAt(base, last)))).toBe(twin.addRange(first, last));
    });
  }),
  fc.tuple(index, index).map(([first, last]) =>
    step(`remove ${first}-${last}`, (twin, { pool, base }) => {
      expect(codeOf(() => pool.removeRange(addressAt(base, first), addressAt(base, last)))).toBe(twin.removeRange(first, last));
    }),
  ),
  fc.tuple(index, fc.boolean()).map(([at, value]) =>
    step(`${value ? '' : 'un'}reserve ${at}`, (twin, { pool, base }) => {
      const ip = addressAt(base, at);
      expect(codeOf(() => (value ? pool.reserveIp(ip) : pool.unreserveIp(ip)))).toBe(twin.reserve(at, value));
    }),
  ),
  ...[1, 2, 3].map(() =>
    fc.tuple(subinstance, subid, slot, lease).map(([tenant, name, at, leaseSeconds]) =>
      step(`allocate ${tenant}/${name}/${at} ${leaseSeconds ?? ''}`, (twin, { pool, base }) => {
        const expected = twin.allocate({ subinstance: tenant, subid: name, slot: at }, leaseSeconds);
        expect(answerOf(() => pool.allocate(tenant, name, ResourceType.vm(name), optional({ slot: at, leaseSeconds })), base)).toEqual(
          expected,
        );
      }),
    ),
  ),
  fc.tuple(index, subinstance, subid, fc.option(slot, { nil: undefined }), lease).map(([at, tenant, name, inSlot, leaseSeconds]) =>
    step(`allocate ${at} to ${tenant}/${name}/${inSlot ?? '?'} ${leaseSeconds ?? ''}`, (twin, { pool, base }) => {
      const expected = twin.allocateSpecific(at, tenant, name, inSlot, leaseSeconds);
      const action = () =>
        pool.allocateSpecific(addressAt(base, at), tenant, name, ResourceType.vm(name), optional({ slot: inSlot, leaseSeconds }));
      expect(answerOf(action, base)).toEqual(expected);
    }),
  ),
  index.map((at) =>
    step(`release ${at}`, (twin, { pool, base }) => {
      const expected = twin.release((_, other) => other === at).length === 1 ? undefined : 'BindingNotFound';
      expect(codeOf(() => void pool.releaseByIp(addressAt(base, at)))).toBe(expected);
    }),
  ),
  fc.tuple(subinstance, subid).map(([tenant, name]) =>
    step(`release ${tenant}/${name}`, (twin, { pool }) => {
      // In the order of slots, as the pool says it does; the order decides which cools longer.
      const bySlot = [0, 1, 2, 3, 4, 5, 6].flatMap((at) =>
        twin.release((held) => held.subinstance === tenant && held.subid === name && held.slot === at),
      );
      const released = codeOf(() => expect(pool.releaseBySubid(tenant, name)).toHaveLength(bySlot.length));
      expect(released).toBe(bySlot.length === 0 ? 'BindingNotFound' : undefined);
    }),
  ),
  index.chain((at) =>
    fc.integer({ min: 1, max: 20 }).map((leaseSeconds) =>
      step(`renew ${at} ${leaseSeconds}`, (twin, { pool, base }) => {
        expect(codeOf(() => void pool.renew(addressAt(base, at), leaseSeconds))).toBe(twin.renew(at, leaseSeconds));
      }),
    ),
  ),
  fc.integer({ min: 1, max: 15 }).map((seconds) =>
    step(`wait ${seconds}`, (twin, { clock }) => {
      clock.advance(seconds);
      twin.now += seconds;
    }),
  ),
  fc.constant(
    step('look everybody up', (twin, { pool, base }) => {
      for (const tenant of ['blue', 'red']) {
        const mine = twin.held.flatMap((held, at) => (held?.subinstance === tenant ? [at] : []));
        expect(pool.listBySubinstance(tenant)).toEqual(mine.map((at) => addressAt(base, at)));
      }
      const copy = IpPool.fromJSON(JSON.stringify(pool), { clock: new FakeClock() });
      expect(copy.verify()).toEqual([]);
      expect(copy.toJSON()).toEqual(pool.toJSON());
    }),
  ),
];

const expireStep = fc.constant(
  step('expire', (twin, { pool, base }) => {
    expect(pool.expire().map((binding) => indexOf(base, binding.address))).toEqual(twin.expire());
  }),
);

/** A tenant's addresses are released in no particular order, so this goes with pools that do not remember releases. */
const cleanUp = subinstance.map((tenant) =>
  step(`release all of ${tenant}`, (twin, { pool, base }) => {
    const released = pool.releaseBySubinstance(tenant).map((binding) => indexOf(base, binding.address));
    expect(released.sort((a, b) => a - b)).toEqual(twin.release((held) => held.subinstance === tenant));
  }),
);

const policy: fc.Arbitrary<TwinOptions> = fc.record({
  cooldownSeconds: fc.constantFrom(0, 0, 10),
  stickySeconds: fc.constantFrom(0, 0, 30),
  whenFull: fc.constantFrom('Reuse', 'Wait'),
  perSubinstance: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
});

function run(base: string, options: TwinOptions, commands: Iterable<Step>): void {
  fc.modelRun(() => {
    const { perSubinstance, ...rest } = options;
    const clock = new FakeClock();
    const pool = new IpPool('twin', { ...rest, ...(perSubinstance !== undefined && { limits: { perSubinstance } }), clock });
    return { model: new BooleanPool(options), real: { pool, clock, base } };
  }, commands);
}

describe('IpPool and its stupider twin agree on every step', () => {
  const bases = ['10.0.0.0', 'fd00::', 'fd00::ffff:ff80', 'fd00::ffff:ffff:ffff:ff80', '255.255.255.0'];
  test.each(bases)('from %s on', (base) => {
    const commands = fc.commands([...steps, expireStep], { maxCommands: 60, size: 'max' });
    fc.assert(
      fc.property(policy, commands, (options, all) => run(base, options, all)),
      { numRuns: 30 },
    );
  });

  test('with tenants cleaned up, and no memory of releases', () => {
    const commands = fc.commands([...steps, expireStep, cleanUp], { maxCommands: 60, size: 'max' });
    const forgetful = policy.map((options) => ({ ...options, cooldownSeconds: 0, stickySeconds: 0 }));
    fc.assert(
      fc.property(forgetful, commands, (options, all) => run('10.0.0.0', options, all)),
      { numRuns: 30 },
    );
  });
});
