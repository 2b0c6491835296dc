/** Porcupine, built once outside the checkout; undefined where there is no Go to build it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = 'porcupine-1.3.1-1';

/** The path of the program. */
export function buildPorcupine(): string | undefined {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'berth', VERSION);
  const program = join(folder, 'porcupine');
  if (existsSync(program)) return program;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  mkdirSync(folder, { recursive: true });
  const cwd = join(import.meta.dirname, 'porcupine');
  execFileSync('go', ['build', '-mod=mod', '-o', program, '.'], { cwd, stdio: 'pipe', env: { ...process.env, GOFLAGS: '-mod=mod' } });
  return program;
}

/** The addresses that it finds illegal. */
export function askPorcupine(program: string, operations: string): string[] {
  const output = execFileSync(program, { input: operations, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return output.split('\n').flatMap((line) => (line.endsWith(' illegal') ? [line.split(' ')[0]!] : []));
}
