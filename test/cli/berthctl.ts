/** berthctl in this process, with a world whose streams are caught and whose clock the test sets; or as a real process. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { files } from '../../cmd/berthctl/files.ts';
import { runCli } from '../../src/cli/run.ts';
import type { World } from '../../src/cli/world.ts';

const MAIN = fileURLToPath(new URL('../../cmd/berthctl/main.ts', import.meta.url));

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface RunOptions {
  readonly socket?: string;
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The wall clock that ages are counted from. */
  readonly now?: number;
  /** There is a person, and this is what they type; undefined for end of input. */
  readonly answers?: (string | undefined)[];
  readonly interrupted?: AbortSignal;
  /** As it arrives, for what does not end by itself. */
  readonly onOutput?: (soFar: string) => void;
  readonly terminal?: boolean;
}

export async function berthctl(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  let stdout = '';
  let stderr = '';
  const environment: Record<string, string | undefined> = {
    BERTH_CONTROLLER: options.socket && `unix:${options.socket}`,
    ...options.environment,
  };
  const isTerminal = options.terminal ?? false;
  const world: World = {
    stdout: {
      write: (chunk) => {
        stdout += chunk;
        options.onOutput?.(stdout);
      },
      isTerminal,
      columns: 100,
    },
    stderr: { write: (chunk) => (stderr += chunk), isTerminal, columns: 100 },
    timers: {
      now: () => options.now ?? Date.now(),
      monotonic: () => performance.now(),
      after(milliseconds, callback) {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      },
    },
    files,
    environment: (name) => environment[name],
    readStandardInput: () => Promise.resolve(options.input ?? ''),
    mayAsk: options.answers !== undefined,
    ask: (question) => {
      stderr += question;
      return Promise.resolve(options.answers?.shift());
    },
    interrupted: options.interrupted ?? new AbortController().signal,
  };
  const exitCode = await runCli(argv, world);
  return { stdout, stderr, exitCode };
}

/** The real thing; `environment` is all it gets besides PATH. */
export async function spawnBerthctl(
  program: string,
  argv: readonly string[],
  { input = '', environment = {} }: { input?: string; environment?: Record<string, string> } = {},
): Promise<Result> {
  const child = spawn(process.execPath, [program, ...argv], { env: { PATH: process.env['PATH'], ...environment }, stdio: 'pipe' });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1))),
  ]);
  return { stdout, stderr, exitCode };
}

/** As a program called berthctl in `directory`, in one file as it is shipped: it starts several times as fast. */
export async function installBerthctl(directory: string): Promise<void> {
  const bundle = join(directory, 'berthctl.mjs');
  const banner = "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";
  await build({
    entryPoints: [MAIN],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: banner },
    logLevel: 'error',
  });
  const executable = join(directory, 'berthctl');
  writeFileSync(executable, `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`);
  chmodSync(executable, 0o755);
}
