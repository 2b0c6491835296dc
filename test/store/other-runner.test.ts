/** The exported contract does not lean on vitest, and a store that breaks it is told so. */
import { deepStrictEqual } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { testStoreContract } from '../../src/store/contract.ts';
import type { BindingSpec } from '../../src/core/binding.ts';
import type { Collection, Store } from '../../src/store/store.ts';

test('the contract runs under node --test', () => {
  const script = fileURLToPath(new URL('with-node-test.ts', import.meta.url));
  const child = spawnSync(process.execPath, ['--test', '--test-reporter=tap', script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  expect(child.stdout).toMatch(/^# fail 0$/m);
  expect(Number(/^# pass (\d+)$/m.exec(child.stdout)?.[1])).toBeGreaterThan(15);
});

/** What a store may get wrong, each with a test of the contract that must notice. */
const BROKEN: Readonly<Record<string, (bindings: Collection<BindingSpec>) => Partial<Collection<BindingSpec>>>> = {
  'create overwrites': (bindings) => ({
    create: async (name, spec) => {
      const current = await bindings.get(name);
      return current ? bindings.replace(current, spec) : bindings.create(name, spec);
    },
  }),
  'replace ignores the version': (bindings) => ({
    replace: async (old, spec) => bindings.replace((await bindings.get(old.name)) ?? old, spec),
  }),
  'remove ignores the uid': (bindings) => ({
    remove: async (old) => bindings.remove((await bindings.get(old.name)) ?? old),
  }),
  'a watch forgets deletions': (bindings) => ({
    watch: (watcher) => bindings.watch({ ...watcher, event: (event) => event.type === 'put' && watcher.event(event) }),
  }),
  'a watch is synced before the listing': (bindings) => ({
    watch: (watcher) => {
      watcher.synced();
      return bindings.watch({ event: watcher.event, synced: () => undefined });
    },
  }),
  'a watch cannot be stopped': (bindings) => ({
    watch: (watcher) => {
      bindings.watch(watcher);
      return () => undefined;
    },
  }),
  'a list that lags': (bindings) => ({ list: async () => (await bindings.list()).slice(0, -1) }),
};

test.each(Object.entries(BROKEN))('the contract notices that %s', async (_, breakIt) => {
  const failures = await failuresOf(() => {
    const store = createMemoryStore();
    return { ...store, bindings: withChanges(store.bindings, breakIt(store.bindings)) };
  });
  expect(failures).not.toEqual([]);
});

test('and finds nothing in a store that keeps it', async () => {
  expect(await failuresOf(createMemoryStore)).toEqual([]);
});

function withChanges<T>(collection: Collection<T>, changes: Partial<Collection<T>>): Collection<T> {
  return {
    list: () => collection.list(),
    get: (name) => collection.get(name),
    watch: (watcher) => collection.watch(watcher),
    create: (name, spec) => collection.create(name, spec),
    replace: (old, spec) => collection.replace(old, spec),
    remove: (old) => collection.remove(old),
    ...changes,
  };
}

/** The names of the contract's tests that fail for such a store. */
async function failuresOf(open: () => Store): Promise<readonly string[]> {
  const bodies: { readonly name: string; body(): Promise<void> }[] = [];
  const runner = {
    test: (name: string, body: () => Promise<void>) => void bodies.push({ name, body }),
    expect: (actual: unknown) => ({ toEqual: (expected: unknown) => deepStrictEqual(actual, expected) }),
    // Nothing here is late: a turn is enough.
    pause: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
  testStoreContract(runner, async () => ({ store: open() }));
  const failed: string[] = [];
  for (const { name, body } of bodies) await body().catch(() => failed.push(name));
  return failed;
}
