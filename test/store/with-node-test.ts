/** The contract under Node's own runner, as another project would use it: node --test with-node-test.ts */
import { deepStrictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createMemoryStore, testStoreContract } from '../../src/store/index.ts';

testStoreContract(
  {
    test: (name, body) => void test(name, body),
    expect: (actual) => ({ toEqual: (expected) => deepStrictEqual(actual, expected) }),
    pause: () => setTimeout(2),
  },
  async () => ({ store: createMemoryStore() }),
);
