/** Runs the simulation on each planted bug until it is caught: how many seeds that took, and what caught it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BUGS, type Bug } from './bugs.ts';

export interface Caught {
  readonly bug: Bug;
  /** Undefined: not within the budget. */
  readonly seeds: number | undefined;
  readonly by: string;
}

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const LONGEST_MS = 1_200_000;

/** In as many processes at a time as asked for. */
export async function visitMuseum(budget: number, atOnce: number, bugs: readonly Bug[] = BUGS): Promise<Caught[]> {
  const results: Caught[] = [];
  const waiting = [...bugs];
  const work = async (): Promise<void> => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) results.push(await catchBug(bug, budget));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results.toSorted((a, b) => bugs.indexOf(a.bug) - bugs.indexOf(b.bug));
}

function catchBug(bug: Bug, budget: number): Promise<Caught> {
  const args = [MAIN, '--bug', bug.name, '--from', '1', '--to', String(budget), '--json'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: LONGEST_MS, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      // A bug that makes the code throw, or run in circles, is caught as well; an edit that does not fit is not.
      if (stderr.includes('what a planted bug replaces')) return reject(new Error(stderr));
      if (stdout === '')
        return resolve({ bug, seeds: error?.killed === true ? undefined : 1, by: error?.killed === true ? 'nothing in time' : 'it threw' });
      const { runs, violation } = JSON.parse(stdout) as { runs: number; violation?: { invariant: string } };
      resolve({ bug, seeds: violation && runs, by: violation?.invariant ?? 'nothing' });
    });
  });
}

export function showMuseum(results: readonly Caught[]): string {
  const rows = results.map(({ bug, seeds, by }) => [bug.lesson, bug.name, seeds === undefined ? '–' : String(seeds), by, bug.what]);
  const head = ['lesson', 'bug', 'seeds', 'caught by', 'what it does'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
