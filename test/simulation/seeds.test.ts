/** The simulation itself: so many seeds as BERTH_SIMULATION_SEEDS says, and some of them twice. */
import { expect, test } from 'vitest';
import { note } from '../support/note.ts';
import { MUST_BE_REACHED, showMarks } from './marks.ts';
import { runMany } from './run-many.ts';

const SEEDS = Number(process.env['BERTH_SIMULATION_SEEDS'] ?? 200);
const AGAIN = SEEDS / 10;
/** Of 5 to 50 nodes: one of them takes as long as ten small ones. */
const FULL = SEEDS / 50;
const PROCESSES = 2;

test(`${SEEDS} worlds: every promise is kept, and every kind of trouble was met`, { timeout: 3_600_000 }, async () => {
  const found = await runMany(1, SEEDS, PROCESSES);
  note(`simulation: ${found.runs} runs, ${found.failed} failed, ${Math.round(found.virtualMs / 3_600_000)} h of virtual time; all was well at most ${Math.round(found.restMs / 1000)} s after the last fault
${showMarks(found.marks)}`);
  expect(found.violations).toEqual([]);
  expect(found.runs).toBe(SEEDS);
  expect(MUST_BE_REACHED.filter((name) => (found.marks.get(name) ?? 0) === 0)).toEqual([]);
  const again = await runMany(1, AGAIN, PROCESSES);
  expect([...again.hashes]).toEqual([...found.hashes].slice(0, AGAIN));
  expect(new Set(again.hashes.values()).size).toBe(AGAIN);
});

test(`${FULL} worlds of full size`, { timeout: 3_600_000 }, async () => {
  const found = await runMany(1, FULL, PROCESSES, ['--size', 'full']);
  expect(found.violations).toEqual([]);
  expect(found.runs).toBe(FULL);
});
