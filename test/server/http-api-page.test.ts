/** docs/http-api.md: its examples are run in order against a real controller, its table is the server's own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RefusalReason } from '../../src/core/refusal.ts';
import { TRANSLATIONS } from '../../src/server/problem.ts';
import { stamp } from './requests.ts';
import { serveReal } from './serve.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/http-api.md'), 'utf8');

interface Example {
  readonly commands: readonly string[];
  readonly answer: unknown;
}

const examples: readonly Example[] = [...page.matchAll(/```sh\n([^`]*)```\n\n```json\n([^`]*)```/g)].map(
  ([, commands = '', answer = '']) => ({
    commands: commands.trim().split('\n'),
    answer: JSON.parse(answer),
  }),
);

/** "berth -X PUT --json '…' URL" → what curl would send. */
function parseCommand(command: string): { readonly method: string; readonly path: string; readonly body: unknown } {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  expect(words.shift()).toBe('berth');
  let method: string | undefined;
  let body: string | undefined;
  let url = '';
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-X') method = words.shift();
    else if (word === '--json') body = words.shift();
    else url = word;
  }
  const { pathname, search } = new URL(url);
  return {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    path: pathname + search,
    body: body?.replaceAll('BOOT_ID', stamp.bootId),
  };
}

/** What differs from run to run, and sentences that others may word better, are "…" on the page: any value will do. */
function withDots(actual: any, written: any): unknown {
  if (written === '…' && actual !== undefined) return '…';
  if (Array.isArray(actual) && Array.isArray(written)) return actual.map((item, index) => withDots(item, written[index]));
  if (actual === null || typeof actual !== 'object' || written === null || typeof written !== 'object') return actual;
  return Object.fromEntries(Object.entries(actual).map(([key, value]) => [key, withDots(value, written[key])]));
}

describe('docs/http-api.md', () => {
  test('every example gives what the page says', async () => {
    expect(examples.length).toBeGreaterThanOrEqual(9);
    const { ask } = await serveReal();
    for (const { commands, answer } of examples) {
      for (const command of commands) {
        const { method, path, body } = parseCommand(command);
        const { json } = await ask(method, path, body);
        expect(withDots(json, answer), command).toEqual(answer);
      }
    }
  });

  test('the table of refusals is the server’s', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \|/gm)].map(([, reason, status, code]) => [
      reason,
      Number(status),
      Number(code),
    ]);
    const table = Object.entries(TRANSLATIONS).map(([reason, { status, code }]) => [reason as RefusalReason, status, code]);
    expect(rows.toSorted()).toEqual(table.toSorted());
  });
});
