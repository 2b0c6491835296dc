/** The two containers that deleted keys would slow down: against a plain Map, with keys that come and go in every rhythm. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChurnMap } from '../../src/core/churn-map.ts';
import { makeWords } from '../../src/core/words.ts';

interface Value {
  readonly n: number;
}

const operation = fc.record({
  kind: fc.constantFrom('set', 'add', 'delete', 'deleteValue', 'deleteOther'),
  key: fc.nat(40).map((n) => `key-${n}`),
});

/** As the operation would be done on a Map. */
function apply(map: ChurnMap<Value>, model: Map<string, Value>, kind: string, key: string, value: Value): void {
  const before = model.get(key);
  switch (kind) {
    case 'set':
      expect(map.set(key, value)).toBe(before);
      model.set(key, value);
      break;
    case 'add':
      expect(map.add(key, value)).toBe(before);
      if (before === undefined) model.set(key, value);
      break;
    case 'delete':
      expect(map.delete(key)).toBe(before);
      model.delete(key);
      break;
    case 'deleteValue':
      expect(map.deleteValue(key, before ?? value)).toBe(before);
      model.delete(key);
      break;
    default:
      expect(map.deleteValue(key, value)).toBe(before); // Another value than the one there: nothing is deleted.
  }
}

describe('ChurnMap', () => {
  test('is a Map, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), (operations) => {
        const map = new ChurnMap<Value>();
        const model = new Map<string, Value>();
        for (const [n, { kind, key }] of operations.entries()) {
          apply(map, model, kind, key, { n });
          expect(map.size).toBe(model.size);
        }
        expect(new Map(map.entries())).toEqual(model);
        expect(new Set(map.values())).toEqual(new Set(model.values()));
        for (const [key, value] of model) expect([map.get(key), map.has(key)]).toEqual([value, true]);
      }),
      { numRuns: 60 },
    );
  });

  test.each([1, 100, 1_023, 1_500, 5_000])('keeps right with %d keys in rotation among 6,000 that stay', (rotating) => {
    const map = new ChurnMap<Value>();
    for (let n = 0; n < 6_000; n++) map.set(`stays-${n}`, { n });
    for (let n = 0; n < 20_000; n++) {
      const key = `turns-${n % rotating}`;
      expect(map.add(key, { n })).toBeUndefined();
      if (n % 3 === 0) expect(map.get(key)?.n).toBe(n);
      expect(map.delete(key)?.n).toBe(n);
      expect(map.get(key)).toBeUndefined();
    }
    expect(map.size).toBe(6_000);
    for (let n = 0; n < 6_000; n++) if (map.get(`stays-${n}`)?.n !== n) throw new Error(`stays-${n} is lost`);
  });
});

describe('words far apart', () => {
  test('are what was set, through zeros and rebuilds', () => {
    const position = fc.oneof(fc.nat(40), fc.maxSafeNat().map((n) => n % 2 ** 43), fc.nat(40).map((n) => n * 2 ** 32)); // prettier-ignore
    const step = fc.record({ position, word: fc.oneof(fc.constant(0), fc.integer(), fc.constant(-1)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: 'max' }), (steps) => {
        const words = makeWords(2 ** 43);
        const model = new Map<number, number>();
        for (const { position: at, word } of steps) {
          expect(words.get(at)).toBe(model.get(at) ?? 0);
          words.set(at, word);
          model.set(at, word);
        }
        for (const [at, word] of model) expect(words.get(at)).toBe(word);
      }),
      { numRuns: 60 },
    );
  });

  test('neighbours, and multiples of large powers of two, do not meet in one place', () => {
    for (const stride of [1, 2 ** 20, 2 ** 31, 2 ** 32, 2 ** 32 + 2 ** 20]) {
      const words = makeWords(2 ** 53);
      for (let n = 0; n < 20_000; n++) words.set(n * stride, n + 1);
      for (let n = 0; n < 20_000; n++) if (words.get(n * stride) !== n + 1) throw new Error(`${n} × ${stride} is lost`);
      expect(words.get(20_000 * stride)).toBe(0);
    }
  }, 60_000);
});
