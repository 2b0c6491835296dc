/** The contract of src/store/contract.ts under vitest, and beside it a search by fast-check for what it did not think of. */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { contractBinding, contractName, testStoreContract } from '../../src/store/contract.ts';
import type { ContractSubject } from '../../src/store/contract.ts';
import type { BindingSpec } from '../../src/core/binding.ts';
import type { Collection, Stored } from '../../src/store/store.ts';

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

export function describeStoreContract(name: string, open: () => Promise<ContractSubject>, options: { readonly runs?: number } = {}): void {
  describe(`store contract: ${name}`, () => {
    testStoreContract({ test, expect: (actual, message) => expect(actual, message), pause }, open);

    test('groups of writes at once have the outcome of some order, whatever the groups', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(write, { minLength: 1, maxLength: 6 }), { maxLength: 12 }), async (groups) => {
          const subject = await open();
          try {
            await checkGroups(subject.store.bindings, groups);
          } finally {
            await subject.store.close();
            await subject.dispose?.();
          }
        }),
        { numRuns: options.runs ?? 50 },
      );
    });
  });
}

type Write = { readonly verb: 'create' | 'replace' | 'remove'; readonly host: number; readonly back: number };

/** `back`: how many versions ago the caller read the record; 0 is the current one. */
const write: fc.Arbitrary<Write> = fc.record({
  verb: fc.constantFrom('create', 'create', 'replace', 'remove'),
  host: fc.integer({ min: 0, max: 3 }),
  back: fc.integer({ min: 0, max: 2 }),
});

/**
 * All writes of a group start at once. Per name the winners must form a chain: at most one write succeeds on each
 * version, a create only where nothing was, and what the store holds afterwards is what the last winner wrote.
 */
async function checkGroups(bindings: Collection<BindingSpec>, groups: readonly (readonly Write[])[]): Promise<void> {
  const history = new Map<string, Stored<BindingSpec>[]>();
  let serial = 0;
  for (const group of groups) {
    const before = new Map((await bindings.list()).map((stored) => [stored.name, stored]));
    const results = await Promise.all(
      group.map(async ({ verb, host, back }) => {
        const name = contractName(host);
        const spec = contractBinding(host, `write-${++serial}`);
        const old = history.get(name)?.at(-1 - back);
        if (verb === 'create' || !old) return { verb: 'create' as const, name, old, spec, result: await bindings.create(name, spec) };
        const result = verb === 'replace' ? await bindings.replace(old, spec) : await bindings.remove(old);
        return { verb, name, old, spec, result };
      }),
    );
    const after = new Map((await bindings.list()).map((stored) => [stored.name, stored]));
    for (const name of new Set(results.map((result) => result.name))) {
      const winners = results.filter((result) => result.name === name && result.result.ok);
      const changes = winners.filter((winner) => winner.verb !== 'create');
      const creates = winners.filter((winner) => winner.verb === 'create');
      const was = before.get(name);
      const is = after.get(name);
      for (const change of changes) expect([change.old?.uid, change.old?.version]).toEqual([was?.uid, was?.version]);
      expect(changes.length, 'at most one change of one version').toBeLessThanOrEqual(1);
      const vacated = !was || changes[0]?.verb === 'remove';
      expect(creates.length, 'a create wins only where nothing is').toBeLessThanOrEqual(vacated ? 1 : 0);
      if (!was && results.some((result) => result.name === name && result.verb === 'create')) expect(creates.length).toBe(1);
      const last = creates[0] ?? changes[0];
      if (!last) expect(is).toEqual(was);
      else if (last.verb === 'remove') expect(is).toBeUndefined();
      else expect(is?.spec).toEqual(last.spec);
      for (const winner of winners) {
        if (winner.verb !== 'remove' && winner.result.ok) history.set(name, [...(history.get(name) ?? []), winner.result.stored]);
      }
    }
  }
}
