/** The real controller as a child process on its embedded store, from source. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { ask, type HttpAnswer } from './http.ts';

const main = fileURLToPath(new URL('../../cmd/berth-controller/main.ts', import.meta.url));

export interface RunningController {
  /** Of its own, under the temporary folder; goes with the controller. */
  readonly directory: string;
  readonly socket: string;
  readonly pid: () => number;
  ask(method: string, path: string, body?: unknown): Promise<HttpAnswer>;
  /** Ends the process, keeps its store; `start` brings it back, with other flags if told so. */
  halt(signal: NodeJS.Signals): Promise<void>;
  start(...flags: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export async function startController(): Promise<RunningController> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-controller-'));
  const socket = join(directory, 'berth.sock');
  let child: ChildProcess;
  let output = '';

  async function start(...more: readonly string[]): Promise<void> {
    const flags = ['--store', `sqlite:${join(directory, 'berth.db')}`, '--listen', `unix:${socket}`, '--log-level', 'warn', ...more];
    child = spawn(process.execPath, [main, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output = (output + String(chunk)).slice(-4000)));
    const ready = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`the controller did not start:\n${output}`);
      return (await ask({ socketPath: socket }, 'GET', '/readyz').catch(() => undefined))?.status === 200;
    };
    await eventually(ready, `the controller to be ready; it said: ${output}`, 30_000);
  }

  async function halt(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async function close(): Promise<void> {
    await halt('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }

  await start();
  return {
    directory,
    socket,
    pid: () => child.pid ?? 0,
    ask: (method, path, body) => ask({ socketPath: socket }, method, path, body),
    halt,
    start,
    close,
  };
}
