/**
 * The bug museum: each planted bug is caught by the simulation. All of them with BERTH_MUSEUM=all (some minutes), else
 * some that are caught soon; that each edit still fits today's source is looked at always.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { note } from '../support/note.ts';
import { BUGS } from './bugs.ts';
import { showMuseum, visitMuseum } from './museum.ts';
import { applyEdit } from './plant.ts';

const ALL = process.env['BERTH_MUSEUM'] === 'all';
const SOME = [
  'holder-is-the-name',
  'answered-from-cache',
  'old-stamp-stays',
  'spool-strikes-out',
  'del-forgotten',
  'existing-is-ours',
  'status-asks',
];
/** Seeds that a bug may take to be caught. */
const BUDGET = 2_000;

test('the museum holds the faults of the first designs (A to U), and is a table without doubles', () => {
  expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length);
  expect(BUGS.length).toBeGreaterThanOrEqual(30);
  const lessons = new Set(BUGS.map(({ lesson }) => lesson));
  expect([...'ABCDEFGHIJKLMNOPQRSTU'].filter((letter) => !lessons.has(letter))).toEqual([]);
});

test.each(BUGS.map((bug) => [bug.name, bug] as const))('%s still fits the source', (_name, { edits }) => {
  const sources = new Map<string, string>();
  for (const edit of edits) {
    const source = sources.get(edit.file) ?? readFileSync(join(import.meta.dirname, '../..', edit.file), 'utf8');
    const edited = applyEdit(source, edit);
    expect(edited).not.toBe(source);
    sources.set(edit.file, edited);
  }
});

const shown = BUGS.filter(({ name }) => ALL || SOME.includes(name));

test(`${shown.length} planted bugs are caught`, { timeout: 7_200_000 }, async () => {
  const results = await visitMuseum(BUDGET, 2, shown);
  note(showMuseum(results));
  expect(results.filter(({ seeds }) => seeds === undefined).map(({ bug }) => bug.name)).toEqual([]);
});
