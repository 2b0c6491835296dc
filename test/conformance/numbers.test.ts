/** CNI.md section 4 has 158 cases: each has a test with its number, here or (J, with main plugins) in test/netns. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));

function numbersIn(folder: string): readonly number[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
  const source = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  return [...source.matchAll(/\bC(\d{3})(?: to C(\d{3}))?\b/g)].flatMap(([, first, last]) => {
    const from = Number(first);
    return Array.from({ length: Number(last ?? first) - from + 1 }, (_one, index) => from + index);
  });
}

test('every case of the specification has its test', () => {
  const tested = new Set([...numbersIn(here), ...numbersIn(join(here, '../netns'))]);
  const missing = Array.from({ length: 158 }, (_one, index) => index + 1).filter((number) => !tested.has(number));
  expect(missing).toEqual([]);
});
