/**
 * A child process that is going to be killed. Its program is bundled once for all kills: a start then loads one file
 * instead of a hundred, which is most of what a kill costs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { onTestFinished } from 'vitest';

export interface Child {
  /** Resolves with the first thing it prints, or with its end. */
  readonly speaks: Promise<unknown>;
  /** The signal that ended it (or its exit code), and what it complained about: "SIGKILL ". */
  readonly gone: Promise<string>;
  kill(): void;
}

/** A folder of the test's own, and a function that starts the script of this folder with those arguments. */
export function prepareChild(script: string): { readonly folder: string; start(args: readonly string[]): Child } {
  const folder = mkdtempSync(join(tmpdir(), 'berth-crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, 'child.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL(script, import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Packages that are CommonJS inside an ES module.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return {
    folder,
    start(args) {
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      let complaints = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
      const gone = once(child, 'close').then(([code, signal]) => `${String(signal ?? code)} ${complaints}`);
      return { speaks: Promise.race([once(child.stdout, 'data'), gone]), gone, kill: () => void child.kill('SIGKILL') };
    },
  };
}
