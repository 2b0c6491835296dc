/** The five scenarios, each against the output that is written beside it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { bundleProgram, runInVm } from './run-in-vm.ts';

const folder = resolve(import.meta.dirname, '../../docs/examples');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

test('all five are there', () => {
  expect(names.sort()).toEqual(['containers', 'macs', 'pods', 'reserved', 'tenants']);
});

test.each(names)('%s', async (name) => {
  const source = readFileSync(join(folder, `${name}.ts`), 'utf8');
  const lines = runInVm(await bundleProgram(source));
  expect(lines).toEqual(
    readFileSync(join(folder, `${name}.txt`), 'utf8')
      .trimEnd()
      .split('\n'),
  );
});
