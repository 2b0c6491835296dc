/** All small cases: every sequence of steps up to a length, in pools of one to three addresses, against the stupider twin. */
import { expect, test } from 'vitest';
import { IpPool, ResourceType } from '../../src/core/index.ts';
import { BooleanPool, type TwinOptions } from './boolean-pool.ts';
import { FakeClock } from './fake-clock.ts';
import { addressAt, answerOf, codeOf, compareState, type Real } from './twins.ts';

const BASE = '10.0.0.0';
type Step = (twin: BooleanPool, real: Real) => void;

const allocate =
  (name: string, leaseSeconds?: number): Step =>
  (twin, { pool, base }) => {
    const options = leaseSeconds === undefined ? {} : { leaseSeconds };
    const answer = answerOf(() => pool.allocate('t', name, ResourceType.vm(name), options), base);
    expect(answer).toEqual(twin.allocate({ subinstance: 't', subid: name, slot: 0 }, leaseSeconds));
  };

const allocateSpecific =
  (index: number, name: string): Step =>
  (twin, { pool, base }) => {
    const answer = answerOf(() => pool.allocateSpecific(addressAt(base, index), 't', name, ResourceType.vm(name)), base);
    expect(answer).toEqual(twin.allocateSpecific(index, 't', name, undefined, undefined));
  };

const release =
  (name: string): Step =>
  (twin, { pool }) => {
    const released = twin.release((held) => held.subid === name && held.slot === 0);
    for (const slot of [1, 2, 3]) released.push(...twin.release((held) => held.subid === name && held.slot === slot));
    expect(codeOf(() => pool.releaseBySubid('t', name))).toBe(released.length > 0 ? undefined : 'BindingNotFound');
  };

const reserve =
  (index: number, value: boolean): Step =>
  (twin, { pool, base }) => {
    const address = addressAt(base, index);
    expect(codeOf(() => (value ? pool.reserveIp(address) : pool.unreserveIp(address)))).toBe(twin.reserve(index, value));
  };

const remove =
  (index: number): Step =>
  (twin, { pool, base }) => {
    const address = addressAt(base, index);
    expect(codeOf(() => pool.removeRange(address, address))).toBe(twin.removeRange(index, index));
  };

const wait =
  (seconds: number): Step =>
  (twin, { clock }) => {
    clock.advance(seconds);
    twin.now += seconds;
  };

const POLICIES: readonly TwinOptions[] = [
  { cooldownSeconds: 0, stickySeconds: 0, whenFull: 'Reuse', perSubinstance: undefined },
  { cooldownSeconds: 10, stickySeconds: 0, whenFull: 'Reuse', perSubinstance: undefined },
  { cooldownSeconds: 10, stickySeconds: 0, whenFull: 'Wait', perSubinstance: undefined },
  { cooldownSeconds: 0, stickySeconds: 20, whenFull: 'Reuse', perSubinstance: undefined },
  { cooldownSeconds: 10, stickySeconds: 20, whenFull: 'Wait', perSubinstance: 1 },
];

/** Every sequence that is longer begins with one of those that are shorter, so the state is compared at the end alone. */
function playAll(size: number, options: TwinOptions, steps: readonly Step[], length: number): number {
  const { perSubinstance, ...rest } = options;
  let played = 0;
  const sequence: Step[] = [];
  const play = (): void => {
    const clock = new FakeClock();
    const pool = new IpPool('twin', { ...rest, ...(perSubinstance !== undefined && { limits: { perSubinstance } }), clock });
    const twin = new BooleanPool(options, size);
    const real: Real = { pool, clock, base: BASE };
    pool.addRange(addressAt(BASE, 0), addressAt(BASE, size - 1));
    twin.addRange(0, size - 1);
    for (const step of sequence) step(twin, real);
    compareState(twin, real);
    played++;
  };
  const extend = (left: number): void => {
    play();
    if (left === 0) return;
    for (const step of steps) {
      sequence.push(step);
      extend(left - 1);
      sequence.pop();
    }
  };
  extend(length);
  return played;
}

const stepsFor = (size: number): Step[] => [
  allocate('a'),
  allocate('b'),
  allocate('a', 10),
  release('a'),
  release('b'),
  wait(10),
  allocateSpecific(size - 1, 'a'),
  allocateSpecific(0, 'b'),
  reserve(0, true),
  reserve(0, false),
  remove(size - 1),
];

test.each([
  [1, 3],
  [2, 4],
  [3, 3],
])('pools of %d addresses, every sequence of %d steps', (size, length) => {
  const steps = stepsFor(size);
  const expected = Array.from({ length: length + 1 }, (_, power) => steps.length ** power).reduce((sum, count) => sum + count);
  for (const policy of POLICIES) expect(playAll(size, policy, steps, length)).toBe(expected);
});

test('every two ranges of a world of ten: added, touching, overlapping, removed', () => {
  const world = Array.from({ length: 10 }, (_, index) => index);
  let pairs = 0;
  for (const [a, b, c, d] of world.flatMap((a) => world.flatMap((b) => world.flatMap((c) => world.map((d) => [a, b, c, d] as const))))) {
    if (c < a) continue; // The other order is a pair of its own.
    const pool = new IpPool('twin', { clock: new FakeClock() });
    const twin = new BooleanPool(POLICIES[0]!, world.length);
    const real: Real = { pool, clock: new FakeClock(), base: BASE };
    const range = (first: number, last: number): [string, string] => [addressAt(BASE, first), addressAt(BASE, last)];
    expect(codeOf(() => pool.addRange(...range(a, b)))).toBe(twin.addRange(a, b));
    expect(codeOf(() => pool.addRange(...range(c, d)))).toBe(twin.addRange(c, d));
    compareState(twin, real);
    expect(codeOf(() => pool.removeRange(...range(a, d)))).toBe(twin.removeRange(a, d));
    compareState(twin, real);
    pairs++;
  }
  expect(pairs).toBe(5_500);
});
