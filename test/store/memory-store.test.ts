import { expect, test } from 'vitest';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { StoreAmbiguous, StoreUnavailable } from '../../src/store/store.ts';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { describeStoreContract } from '../suites/store-contract.ts';

describeStoreContract('memory', async () => ({ store: createMemoryStore() }));

test('the same steps give the same ids', async () => {
  const run = async (): Promise<unknown> => {
    const { bindings } = createMemoryStore();
    const first = await bindings.create(contractName(1), contractBinding(1, 'a'));
    return [first, await bindings.create(contractName(2), contractBinding(2, 'a'))];
  };
  expect(await run()).toEqual(await run());
});

test('an unavailable or lost write is not there, an unanswered one is', async () => {
  let fault: 'unavailable' | 'lost' | 'unanswered' | undefined;
  const { bindings } = createMemoryStore({ fault: () => fault });
  const outcomes: unknown[] = [];
  for (const [index, kind] of (['unavailable', 'lost', 'unanswered'] as const).entries()) {
    fault = kind;
    const error = await bindings.create(contractName(index), contractBinding(index, 'a')).catch((thrown: unknown) => thrown);
    fault = undefined;
    outcomes.push([kind, (error as Error).constructor, (await bindings.get(contractName(index))) !== undefined]);
  }
  expect(outcomes).toEqual([
    ['unavailable', StoreUnavailable, false],
    ['lost', StoreAmbiguous, false],
    ['unanswered', StoreAmbiguous, true],
  ]);
});

test('a fault is asked about every operation, and can delay it', async () => {
  const asked: string[] = [];
  let release = (): void => undefined;
  const { pools, bindings } = createMemoryStore({
    fault: async ({ collection, verb, name }) => {
      asked.push(`${verb} ${collection} ${name ?? ''}`);
      if (verb === 'create') await new Promise<void>((resolve) => (release = resolve));
      return undefined;
    },
  });
  const creating = bindings.create(contractName(1), contractBinding(1, 'a'));
  expect(await bindings.list()).toEqual([]);
  await bindings.get(contractName(1));
  await pools.list();
  release();
  expect((await creating).ok).toBe(true);
  expect(asked).toEqual([`create bindings ${contractName(1)}`, 'list bindings ', `get bindings ${contractName(1)}`, 'list pools ']);
});

test('a lagging watch shows nothing until it is let', async () => {
  const held: (() => void)[] = [];
  const { bindings } = createMemoryStore({ lag: (deliver) => held.push(deliver) });
  const seen: string[] = [];
  bindings.watch({ event: (event) => seen.push(`${event.type} ${event.stored.name}`), synced: () => seen.push('synced') });
  await bindings.create(contractName(1), contractBinding(1, 'a'));
  expect(seen).toEqual([]);
  for (const deliver of held.splice(0)) deliver();
  expect(seen).toEqual(['synced', `put ${contractName(1)}`]);
});

test('a closed store does nothing', async () => {
  const store = createMemoryStore();
  const created = await store.bindings.create(contractName(1), contractBinding(1, 'a'));
  await store.close();
  await expect(store.bindings.create(contractName(2), contractBinding(2, 'a'))).rejects.toThrow(StoreUnavailable);
  await expect(store.bindings.list()).rejects.toThrow(StoreUnavailable);
  expect(created.ok).toBe(true);
});
