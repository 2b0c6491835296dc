/** The commands of docs/proof.md, with few worlds where the page has many. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const checkout = join(import.meta.dirname, '../..');
const page = readFileSync(join(checkout, 'docs/proof.md'), 'utf8');
const commands = [...page.matchAll(/^npm run (\S+) -- ([^#\n]*)/gm)].map(([, script, args]) => [script!, args!.trim()] as const);

test.each(commands)('npm run %s -- %s', (script, args) => {
  const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  expect(scripts[script]).toMatch(/^node test\/simulation\/\S+\.ts$/);
  // That one goes on for as long as it is told, and keeps its count in the checkout.
  if (script === 'simulate:long') return;
  const few = args.replace('--to 500', '--to 3').split(' ');
  const run = () =>
    execFileSync(process.execPath, [join(checkout, scripts[script]!.split(' ')[1]!), ...few], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (args.includes('--bug')) expect(run).toThrow();
  else expect(run()).toMatch(/ 0 failed/);
  if (few.includes('--seed') && !args.includes('--bug')) {
    const hash = /^hash: ([0-9a-f]{16})$/m.exec(run())?.[1];
    expect(hash).toBeDefined();
    expect(run()).toContain(`hash: ${hash}\n`);
  }
});
