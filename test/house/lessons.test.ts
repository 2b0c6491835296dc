import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listFiles } from './tree.ts';

/** 40 outages of others, 21 mistakes of the first design. */
const NUMBERS = [...Array.from({ length: 40 }, (_, index) => String(index + 1)), ...'ABCDEFGHIJKLMNOPQRSTU'];
const LATER = 'comes with the Kubernetes store';

const rows = readFileSync('docs/lessons.md', 'utf8')
  .split('\n')
  .map((line) => /^\| (\d+|[A-Z]) \| (.+) \| (.+) \|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, number, rule, holder]) => ({ number: number!, rule: rule!, holder: holder! }));

/** A title as it stands in the source: quotes may be escaped there. */
const unescape = (source: string) => source.replaceAll("\\'", "'");

describe('docs/lessons.md', () => {
  test('has every lesson once', () => {
    expect(rows.map((row) => row.number).toSorted()).toEqual(NUMBERS.toSorted());
  });

  test.each(rows)('$number: $rule', ({ holder }) => {
    if (holder === LATER) return;
    const [, file, title] = /^`([^`]+)`: (.+)$/.exec(holder) ?? [];
    expect(file, `"${holder}" names no test`).toBeDefined();
    expect(existsSync(file!), `${file} does not exist`).toBe(true);
    expect(unescape(readFileSync(file!, 'utf8')).includes(title!), `${file} has no test "${title}"`).toBe(true);
  });

  test('no webhook and no finalizer', () => {
    // `finalizers` may be read (others set them); what must not be is a webhook's kind, or one of ours set.
    const shipped = listFiles('deploy/**', 'charts/**').filter((file) => /\.(ya?ml|json|tpl)$/.test(file));
    const found = shipped.filter((file) => /WebhookConfiguration|^\s*finalizers:/m.test(readFileSync(file, 'utf8')));
    expect(found).toEqual([]);
  });
});
