import { describe, expect, test } from 'vitest';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import type { Stored } from '../../src/store/store.ts';
import type { BindingSpec } from '../../src/core/binding.ts';
import { CommitQueue } from '../../src/sqlite/commit-queue.ts';
import { openDatabase } from '../../src/sqlite/open-database.ts';
import { Reserve } from '../../src/sqlite/reserve.ts';
import { open, tempPath } from './temp.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('writes that wait together share one commit', async () => {
  const { store, counters } = open(tempPath());
  const results = await Promise.all(range(200).map((host) => store.bindings.create(contractName(host), contractBinding(host, 'a'))));
  expect(results.every((result) => result.ok)).toBe(true);
  expect(counters).toEqual({ commits: 1, writes: 200, conflicts: 0, failures: 0 });
});

test('a transaction has a limit, so a thousand writes take a few', async () => {
  const { store, counters } = open(tempPath());
  await Promise.all(range(1_000).map((host) => store.bindings.create(contractName(host), contractBinding(host, 'a'))));
  expect(counters).toEqual({ commits: 4, writes: 1_000, conflicts: 0, failures: 0 });
});

test('writes of callers that connect one after the other share a commit: a connection takes a few turns of the event loop', async () => {
  const { store, counters } = open(tempPath());
  const writes: Promise<unknown>[] = [];
  for (const host of range(16)) {
    writes.push(store.bindings.create(contractName(host), contractBinding(host, 'a')));
    await turn();
    await turn();
  }
  await Promise.all(writes);
  expect(counters).toMatchObject({ commits: 1, writes: 16 });
});

test('a stream of writes does not hold up the first for ever', async () => {
  const { store, counters } = open(tempPath());
  const writes: Promise<unknown>[] = [];
  const first = { answered: false };
  while (!first.answered && writes.length < 1_000) {
    const host = writes.length;
    writes.push(store.bindings.create(contractName(host), contractBinding(host, 'a')).then(() => (first.answered = true)));
    await turn();
  }
  await Promise.all(writes);
  expect(writes.length).toBeGreaterThan(30);
  expect(writes.length).toBeLessThan(100);
  expect(counters.commits).toBeLessThan(4);
});

test('one after the other, each write has a commit of its own', async () => {
  const { store, counters } = open(tempPath());
  for (const host of range(5)) await store.bindings.create(contractName(host), contractBinding(host, 'a'));
  expect(counters).toMatchObject({ commits: 5, writes: 5 });
});

test('a refused write costs no commit', async () => {
  const { store, counters } = open(tempPath());
  await store.bindings.create(contractName(1), contractBinding(1, 'a'));
  await store.bindings.create(contractName(1), contractBinding(1, 'b'));
  expect(counters).toEqual({ commits: 1, writes: 1, conflicts: 1, failures: 0 });
});

test('writes of one batch see those before them', async () => {
  const { store, counters } = open(tempPath());
  const old = (await store.bindings.create(contractName(1), contractBinding(1, 'a'))) as { stored: Stored<BindingSpec> };
  const [removed, created, late] = await Promise.all([
    store.bindings.remove(old.stored),
    store.bindings.create(contractName(1), contractBinding(1, 'b')),
    store.bindings.replace(old.stored, contractBinding(1, 'c')),
  ]);
  expect([removed.ok, created.ok, late.ok]).toEqual([true, true, false]);
  expect(counters).toMatchObject({ commits: 2, writes: 3, conflicts: 1 });
});

test('a record that the tables refuse fails alone, as a bug and not as an outage', async () => {
  const { store } = open(tempPath());
  const nameless = { ...contractBinding(2, 'a'), network: undefined } as unknown as BindingSpec;
  const [first, broken, third] = await Promise.allSettled([
    store.bindings.create(contractName(1), contractBinding(1, 'a')),
    store.bindings.create(contractName(2), nameless),
    store.bindings.create(contractName(3), contractBinding(3, 'a')),
  ]);
  expect([first.status, broken.status, third.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((broken as PromiseRejectedResult).reason).toMatchObject({ name: 'Error', message: expect.stringContaining('NOT NULL') });
  expect((await store.bindings.list()).map((stored) => stored.name)).toEqual([contractName(1), contractName(3)]);
});

test('an address of a network has one record even under another name', async () => {
  const { store } = open(tempPath());
  await store.bindings.create(contractName(1), contractBinding(1, 'a'));
  expect(await store.bindings.create('contract.other-name', contractBinding(1, 'b'))).toEqual({ ok: false, conflict: 'Exists' });
  const elsewhere = { ...contractBinding(1, 'c'), network: 'red' };
  expect((await store.bindings.create('red.10-0-0-1', elsewhere)).ok).toBe(true);
});

test('first the disk, then the watch, then the answer', async () => {
  const log: string[] = [];
  const { store } = open(tempPath(), { onStep: (step) => log.push(step) });
  log.length = 0;
  store.bindings.watch({ event: (event) => log.push(`seen ${event.stored.name}`), synced: () => log.push('synced') });
  const answers = range(2).map((host) =>
    store.bindings.create(contractName(host), contractBinding(host, 'a')).then(() => log.push(`told ${contractName(host)}`)),
  );
  await Promise.all(answers);
  expect(log).toEqual([
    ...['submitted', 'submitted', 'synced', 'begun', 'applied', 'before-commit', 'committed'],
    ...[
      `seen ${contractName(0)}`,
      `seen ${contractName(1)}`,
      'delivered',
      'answered',
      `told ${contractName(0)}`,
      `told ${contractName(1)}`,
    ],
  ]);
});

test('a watcher may write', async () => {
  const { store } = open(tempPath());
  const chained = new Promise<void>((resolve) => {
    store.bindings.watch({
      event: ({ stored }) => {
        const host = Number(stored.spec.subid);
        if (host === 9) resolve();
        else void store.bindings.create(contractName(host + 1), contractBinding(host + 1, String(host + 1)));
      },
      synced: () => undefined,
    });
  });
  await store.bindings.create(contractName(0), contractBinding(0, '0'));
  await chained;
  expect((await store.bindings.list()).length).toBe(10);
});

test('closing commits what waits, and refuses what comes later', async () => {
  const path = tempPath();
  const { store, close } = open(path);
  const waiting = range(300).map((host) => store.bindings.create(contractName(host), contractBinding(host, 'a')));
  await close();
  expect((await Promise.all(waiting)).every((result) => result.ok)).toBe(true);
  const late = await store.bindings.create(contractName(999), contractBinding(999, 'a')).catch((error: unknown) => error);
  expect(late).toMatchObject({ name: 'StoreUnavailable', fault: 'Closed', message: `the database ${path} has been closed` });
  await expect(store.bindings.list()).rejects.toMatchObject({ name: 'StoreUnavailable', fault: 'Closed' });
  expect((await open(path).store.bindings.list()).length).toBe(300);
});

describe('a fault of the disk in the middle of a transaction', () => {
  const disk = (): Error => Object.assign(new Error('disk I/O error'), { errcode: 10 });

  function openQueue() {
    const path = tempPath();
    const database = openDatabase(path);
    const queue = new CommitQueue(database, path, new Reserve(path), 1, () => undefined);
    /** Writes under that key, and does `more` in the same transaction. */
    const write = (key: string, more: () => void = () => undefined): Promise<string> =>
      queue.submit(() => {
        database.prepare('INSERT INTO meta VALUES (?, 1)').run(key);
        more();
        return { result: key, committed: () => undefined };
      });
    const keys = () => database.prepare("SELECT key FROM meta WHERE key <> 'sequence' ORDER BY key").all().map((row) => row['key']); // prettier-ignore
    const fails = (error: unknown) => () => {
      throw error;
    };
    return { database, queue, write, keys, fails };
  }

  test('fails all of its writes, which are surely not done, and none of the next transaction', async () => {
    const { queue, write, keys, fails } = openQueue();
    const results = await Promise.allSettled([write('a'), write('b', fails(disk())), write('c')]);
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { fault: 'Failing' } });
    expect([keys(), queue.counters.failures]).toEqual([[], 1]);
    expect(await write('d')).toBe('d');
    expect(keys()).toEqual(['d']);
    queue.close();
  });

  test('that SQLite has ended with a rollback of its own fails all of them, too', async () => {
    const { database, queue, write, keys, fails } = openQueue();
    const isOver = new Error('constraint failed');
    const results = await Promise.allSettled([
      write('a'),
      write('b', () => {
        database.exec('ROLLBACK');
        fails(isOver)();
      }),
      write('c'),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(keys()).toEqual([]);
    expect(await write('d')).toBe('d');
    queue.close();
  });
});
