import { expect, test } from 'vitest';
import { Locks } from '../../src/ipam/locks.ts';
import { settle } from '../support/virtual-timers.ts';

test('of one key one after the other, in the order they came, whatever becomes of each; of different keys at once', async () => {
  const locks = new Locks();
  const [begun, end]: [string[], (() => void)[]] = [[], []];
  const run = (key: string, name: string) =>
    locks.run(key, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => end.push(resolve));
      if (name === 'fails') throw new Error(name);
    });
  const all = [run('k', 'first'), run('k', 'fails').catch(() => undefined), run('k', 'third'), run('other', 'beside')];
  await settle();
  expect(begun).toEqual(['first', 'beside']);
  end.shift()!();
  await settle();
  expect(begun).toEqual(['first', 'beside', 'fails']);
  // One that comes when the first has left waits for those before it.
  all.push(run('k', 'fourth'));
  await settle();
  expect(begun).toHaveLength(3);
  for (let turn = 0; turn < 5; turn++) {
    end.shift()?.();
    await settle();
  }
  await Promise.all(all);
  expect(begun).toEqual(['first', 'beside', 'fails', 'third', 'fourth']);
});
