/**
 * The controller as a process of its own, with whatever flags a test wants. It is the bundle that is shipped, built
 * for the test file: it starts in a third of the time the sources take, and must work anyway.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
// @ts-expect-error plain JavaScript, so that it runs before anything is installed
import { buildNodePrograms } from '../../cmd/dev/build-controller.mjs';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';

export interface BuiltController {
  readonly bundle: string;
  readonly launcher: string;
}

let built: Promise<BuiltController> | undefined;

export function builtController(): Promise<BuiltController> {
  return (built ??= buildOnce());
}

async function buildOnce(): Promise<BuiltController> {
  const outDir = await mkdtemp(join(tmpdir(), 'berth-built-'));
  await buildNodePrograms({ outDir });
  return { bundle: join(outDir, 'berth-controller.mjs'), launcher: join(outDir, 'berth-controller') };
}

afterAll(async () => {
  if (built) await rm(join((await built).bundle, '..'), { recursive: true, force: true });
});

export interface Started {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The log's lines that are JSON. */
  readonly log: () => readonly Record<string, any>[];
  /** Resolves to the exit code, or to the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Ended with the test. */
export async function startProcess(args: readonly string[]): Promise<Started> {
  const started = await spawnController(args);
  onTestFinished(() => void started.child.kill('SIGKILL'));
  return started;
}

/** Ended by who starts it. */
export async function spawnController(args: readonly string[]): Promise<Started> {
  const { bundle } = await builtController();
  const child = spawn(process.execPath, [bundle, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once('close', (code, signal) => resolve(code ?? signal ?? -1)));
  const log = () => stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, any>] : []));
  return { child, stdout: () => stdout, stderr: () => stderr, log, ended };
}

/** The same, and ready on its socket. */
export async function startReady(args: readonly string[], socketPath: string): Promise<Started> {
  const started = await startProcess([...args, '--listen', `unix:${socketPath}`]);
  await whenReady(started, socketPath);
  return started;
}

export async function whenReady(started: Started, socketPath: string): Promise<void> {
  await eventually(
    async () => {
      if (started.child.exitCode !== null) throw new Error(`the controller did not start: ${started.stderr()}`);
      return (await ask({ socketPath, agent: false } as never, 'GET', '/readyz').catch(() => undefined))?.status === 200;
    },
    'the controller to be ready',
    30_000,
  );
}
