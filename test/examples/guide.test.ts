/** Every code block of docs/library.md, in order, as one program; `// → value` and `// throws CODE` are checked. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { IpPool } from '../../src/core/index.ts';
import { bundleProgram, runInVm } from './run-in-vm.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/library.md'), 'utf8');
const lines = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].flatMap((block) => block[1]!.split('\n'));

function instrument(line: string): string {
  const shown = /^(?:(const (\w+)) = )?(.*); \/\/ → (.*)$/.exec(line);
  if (shown) {
    const [, declaration, name, expression, expected] = shown;
    const subject = name ?? expression!;
    return `${declaration ? `${declaration} = ${expression};` : ''} compare(${subject}, ${expected}, ${JSON.stringify(line)});`;
  }
  const thrown = /^(.*); \/\/ throws (\w+)$/.exec(line);
  return thrown ? `throws(() => ${thrown[1]}, ${JSON.stringify(thrown[2])}, ${JSON.stringify(line)});` : line;
}

/** Values of another realm have other prototypes. */
const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)));

test('the guide says what happens', async () => {
  let checked = 0;
  const compare = (actual: unknown, expected: unknown, line: string): void => {
    checked++;
    expect(plain(actual), line).toEqual(plain(expected));
  };
  const throws = (action: () => unknown, code: string, line: string): void => {
    checked++;
    let thrown: unknown;
    try {
      action();
    } catch (error) {
      thrown = (error as { code?: unknown }).code;
    }
    expect(thrown, line).toBe(code);
  };
  runInVm(await bundleProgram(lines.map(instrument).join('\n')), { compare, throws });
  expect(checked).toBe(guide.match(/; \/\/ (→|throws) /g)!.length);
  expect(checked).toBeGreaterThan(40);
});

test('the guide names the whole interface', () => {
  const methods = [...Object.getOwnPropertyNames(IpPool.prototype), 'fromJSON'].filter((name) => name !== 'constructor');
  expect(methods.filter((name) => !guide.includes(name))).toEqual([]);
});
