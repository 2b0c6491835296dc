/** What operators read when something is wrong is true: failures name the tests that show them, quoted messages exist. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listFiles } from './tree.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const tableRows = (page: string, heading: string): string[][] =>
  read(page)
    .split(`\n${heading}\n`)[1]!
    .split(/\n## /)[0]!
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1) // its head
    .map((line) => line.slice(2, -2).split(' | '));

describe('docs/operations.md: what happens when', () => {
  const rows = tableRows('docs/operations.md', '## What happens when').map((cells) => ({ what: cells[0]!, shownBy: cells.at(-1)! }));

  test('is there', () => expect(rows.length).toBeGreaterThan(12));

  test.each(rows)('$what', ({ shownBy }) => {
    const [, file, title] = /^`([^`]+)`: (.+)$/.exec(shownBy) ?? [];
    expect(file, `"${shownBy}" names no test`).toBeDefined();
    expect(existsSync(file!), `${file} does not exist`).toBe(true);
    expect(read(file!).replaceAll("\\'", "'").includes(title!), `${file} has no test "${title}"`).toBe(true);
  });
});

describe('docs/troubleshooting.md: what it says', () => {
  const source = listFiles('src/**').map(read).join('\n');
  const quotes = tableRows('docs/troubleshooting.md', '## A pod stays in ContainerCreating')
    .filter(([said]) => !said!.includes('the runtime’s words') && !said!.includes("the runtime's words"))
    .flatMap(([said]) => [...said!.matchAll(/`([^`]+)`/g)].map(([, quote]) => quote!));

  test('is there', () => expect(quotes.length).toBeGreaterThan(7));

  test.each(quotes)('%s', (quote) => expect(source.includes(quote)).toBe(true));
});
