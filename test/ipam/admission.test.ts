/** The bounded door in front of ADD and DEL: who waits, who goes first, who is sent away. */
import { describe, expect, test } from 'vitest';
import { done, type Outcome } from '../../src/core/refusal.ts';
import { Admission, type Kind } from '../../src/ipam/admission.ts';
import { refusalOf } from '../support/ipam-world.ts';
import { settle } from '../support/virtual-timers.ts';

function openDoor(atWork: number, waiting: number) {
  const admission = new Admission({ atWork, waiting });
  const [served, finish]: [string[], (() => void)[]] = [[], []];
  const call = (kind: Kind, name: string, gone = () => false): Promise<Outcome<string>> =>
    admission.run(kind, gone, async () => {
      served.push(name);
      await new Promise<void>((resolve) => finish.push(resolve));
      return done(name);
    });
  /** Ends the oldest call at work, and lets the next one in. */
  const endOne = async () => {
    finish.shift()!();
    await settle();
  };
  return { admission, served, call, endOne };
}

describe('the door', () => {
  test('lets so many work and so many wait; the next is sent away at once with a time to come back', async () => {
    const { admission, served, call, endOne } = openDoor(2, 3);
    const calls = ['a', 'b', 'c', 'd', 'e'].map((name) => call('add', name));
    await settle();
    expect([served, admission.waiting()]).toEqual([['a', 'b'], { add: 3, del: 0 }]);
    expect(refusalOf(await call('add', 'f'))).toMatchObject({ reason: 'Overloaded', retryAfterSeconds: 1 });
    // A full queue of ADDs turns no DEL away.
    calls.push(call('del', 'g'));
    await settle();
    expect(admission.waiting()).toEqual({ add: 3, del: 1 });
    for (let index = 0; index < 6; index += 1) await endOne();
    expect((await Promise.all(calls)).every(({ ok }) => ok)).toBe(true);
    expect(admission.waiting()).toEqual({ add: 0, del: 0 });
  });

  test('never lets more work than that, however many have come and gone', async () => {
    const { served, call, endOne } = openDoor(2, 100);
    const calls = Array.from({ length: 6 }, (_, index) => call('add', `early-${index}`));
    await settle();
    for (let index = 0; index < 3; index += 1) await endOne();
    for (let index = 0; index < 6; index += 1) calls.push(call('add', `late-${index}`));
    await settle();
    expect(served).toHaveLength(5);
    for (let index = 0; index < 9; index += 1) await endOne();
    expect((await Promise.all(calls)).every(({ ok }) => ok)).toBe(true);
  });

  test('ADDs go first, but every fourth place is for a DEL: on a full pool the DELs make room', async () => {
    const { served, call, endOne } = openDoor(1, 100);
    void call('add', 'first');
    for (let index = 0; index < 7; index += 1) void call('add', 'add');
    for (let index = 0; index < 2; index += 1) void call('del', 'del');
    await settle();
    while (served.length < 10) await endOne();
    expect(served).toEqual(['first', 'add', 'add', 'add', 'del', 'add', 'add', 'add', 'del', 'add']);
  });

  test('with no DEL waiting every place is for an ADD, and the other way round', async () => {
    for (const kind of ['add', 'del'] as const) {
      const { served, call, endOne } = openDoor(1, 100);
      for (let index = 0; index < 9; index += 1) void call(kind, String(index));
      await settle();
      while (served.length < 9) await endOne();
      expect(served).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
    }
  });

  test('who has hung up while waiting is dropped before any work, and holds nobody up', async () => {
    const { served, call, endOne } = openDoor(1, 100);
    let hungUp = false;
    void call('add', 'first');
    const dropped = call('add', 'gone', () => hungUp);
    const next = call('add', 'next');
    await settle();
    hungUp = true;
    await endOne();
    expect(refusalOf(await dropped).reason).toBe('Unavailable');
    expect(served).toEqual(['first', 'next']);
    await endOne();
    expect((await next).ok).toBe(true);
  });

  test('work that fails gives its place back', async () => {
    const admission = new Admission({ atWork: 1, waiting: 1 });
    const fails = () => Promise.reject(new Error('a bug'));
    await expect(admission.run('add', () => false, fails)).rejects.toThrow('a bug');
    expect(
      await admission.run(
        'add',
        () => false,
        async () => done('served'),
      ),
    ).toEqual(done('served'));
  });
});
