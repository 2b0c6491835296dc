/** The built controller as a child process, for the quickstart, the benchmarks and the tests in network namespaces. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface ControllerProcess {
  readonly socket: string;
  readonly database: string;
  readonly pid: number;
  /** How it was started, for people: the command and its arguments. */
  readonly command: readonly string[];
  /** GET on the socket, or POST where there is something to send; the body as text. */
  ask(path: string, body?: object): Promise<Answer>;
  /** SIGTERM, and SIGKILL after 15 seconds. */
  stop(): Promise<void>;
}

/** Starts dist/berth-controller on an embedded store in `folder` and waits until it answers /readyz. `pools` are AddressPool documents. */
export async function startController(folder: string, pools: readonly object[]): Promise<ControllerProcess> {
  const socket = join(folder, 'berth.sock');
  const database = join(folder, 'berth.db');
  const poolsFile = join(folder, 'pools.yaml');
  writeFileSync(poolsFile, pools.map((pool) => stringify(pool)).join('---\n'));
  const command = ['dist/berth-controller', '--store', `sqlite:${database}`, '--listen', `unix:${socket}`, '--pools', poolsFile];
  // Into a file: a pipe that nobody empties, because its reader is busy, would bring the controller to a halt.
  const logFile = join(folder, 'controller.log');
  const log = openSync(logFile, 'a');
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', log, log] });
  closeSync(log);
  const output = () => readFileSync(logFile, 'utf8').slice(-8000);
  const send = (path: string, body?: object) => ask(socket, path, body);
  await untilReady(child, send, output);
  return { socket, database, pid: child.pid!, command, ask: send, stop: () => stop(child) };
}

async function untilReady(child: ChildProcess, send: (path: string) => Promise<Answer>, output: () => string): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const deadline = performance.now() + 30_000;
  for (;;) {
    if (failure !== undefined) throw new Error(`the controller could not be started: ${failure.message} (npm run build)`);
    if (child.exitCode !== null) throw new Error(`the controller ended at its start (exit code ${child.exitCode}):\n${output()}`);
    const answer = await send('/readyz').catch(() => undefined);
    if (answer?.status === 200) return;
    if (performance.now() > deadline) {
      await stop(child);
      throw new Error(`the controller was not ready within 30 s:\n${output()}`);
    }
    await sleep(20);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await exited;
  clearTimeout(timer);
}

function ask(socketPath: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request({ socketPath, path, method, headers, agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.once('error', reject);
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer within 5 s')));
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
