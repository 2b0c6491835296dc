/** What the developer's scripts share: where the checkout is, running a program, telling seconds. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const bin = join(root, 'node_modules', '.bin');

/** The environment in which `node` is the pinned one, also when a script was started without npm. */
export function environment(extra = {}) {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, ...extra };
}

/** The Node that runs TypeScript as it is: the pinned one where there is one. */
export const node = existsSync(join(bin, 'node')) ? join(bin, 'node') : process.execPath;

/** Runs a program in the checkout with its output passed through. Returns the exit code (128 + n for a signal is not told apart: 1). */
export function run(command, args, { env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: environment(env), stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

export function stopwatch() {
  const started = performance.now();
  return () => (performance.now() - started) / 1000;
}

/** For the last thing of a script: errors that were foreseen are one line, others keep their stack. */
export function fail(prefix, error) {
  console.error(`${prefix}: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
