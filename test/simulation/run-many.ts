/** Many seeds in several processes at a time; what they found, put together. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Found {
  readonly runs: number;
  readonly failed: number;
  readonly virtualMs: number;
  /** The longest time that anything took to be well again once trouble had stopped. */
  readonly restMs: number;
  /** The first of each part. */
  readonly violations: readonly { readonly seed: number; readonly invariant: string; readonly detail: string }[];
  readonly hashes: ReadonlyMap<number, string>;
  readonly marks: ReadonlyMap<string, number>;
}

interface Part {
  readonly runs: number;
  readonly failed: number;
  readonly virtualMs: number;
  readonly restMs: number;
  readonly violation?: Found['violations'][number];
  readonly hashes: Readonly<Record<string, string>>;
  readonly marks: Readonly<Record<string, number>>;
}

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** @param options further arguments of `npm run simulate` */
export async function runMany(from: number, to: number, processes: number, options: readonly string[] = []): Promise<Found> {
  const size = Math.ceil((to - from + 1) / processes);
  const starts = Array.from({ length: processes }, (_, index) => from + index * size).filter((start) => start <= to);
  const parts = await Promise.all(starts.map((start) => runPart(start, Math.min(to, start + size - 1), options)));
  const marks = new Map<string, number>();
  for (const part of parts) for (const [name, count] of Object.entries(part.marks)) marks.set(name, (marks.get(name) ?? 0) + count);
  return {
    runs: parts.reduce((sum, { runs }) => sum + runs, 0),
    failed: parts.reduce((sum, { failed }) => sum + failed, 0),
    virtualMs: parts.reduce((sum, { virtualMs }) => sum + virtualMs, 0),
    restMs: Math.max(...parts.map(({ restMs }) => restMs)),
    violations: parts.flatMap(({ violation }) => (violation === undefined ? [] : [violation])),
    hashes: new Map(parts.flatMap(({ hashes }) => Object.entries(hashes).map(([seed, hash]) => [Number(seed), hash] as const))),
    marks,
  };
}

function runPart(from: number, to: number, options: readonly string[]): Promise<Part> {
  const args = [MAIN, '--from', String(from), '--to', String(to), '--json', ...options];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: 2 ** 27 }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Part);
      } catch {
        reject(new Error(`seeds ${from} to ${to} did not end properly: ${stderr || String(error)}`));
      }
    });
  });
}
