/**
 * Programs that outlive who started them, remembered in a file by pid and start time: a pid alone may be somebody
 * else's by the time it is to be ended.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { at } from './layout.ts';

interface Remembered {
  readonly pid: number;
  readonly startedTicks: string;
}

const fileOf = (name: string): string => at('processes', `${name}.json`);

/** Starts a program in the background; its output is appended to logs/NAME.log. Returns its pid. */
export function startDaemon(name: string, command: readonly string[]): number {
  for (const folder of ['processes', 'logs']) mkdirSync(at(folder), { recursive: true });
  const output = openSync(at('logs', `${name}.log`), 'a');
  const [program = '', ...args] = command;
  const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  child.on('error', (error) => writeFileSync(at('logs', `${name}.log`), `${error.message}\n`, { flag: 'a' }));
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} could not be started`);
  writeFileSync(fileOf(name), JSON.stringify({ pid, startedTicks: startedTicks(pid) }));
  return pid;
}

/** The pid of a program that still is the one that was started. */
export function pidOf(name: string): number | undefined {
  try {
    const { pid, startedTicks: ticks } = JSON.parse(readFileSync(fileOf(name), 'utf8')) as Remembered;
    return startedTicks(pid) === ticks ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** nsenter and unshare stay in front of what they start: its pid, once it is there. */
export async function childOf(pid: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const child = readChildren(pid)[0];
    if (child !== undefined) return child;
    await sleep(10);
  }
  throw new Error(`process ${pid} has started nothing`);
}

export const readChildren = (pid: number): number[] => read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

/** Ends it, with what it stands in front of, and waits for it. */
export async function endDaemon(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const pid = pidOf(name);
  if (pid !== undefined) {
    const all = [...readChildren(pid), pid];
    const ticks = all.map(startedTicks);
    for (const each of signal === 'SIGKILL' ? all : all.slice(0, 1)) kill(each, signal);
    for (let tries = 0; tries < 1500 && all.some((each, index) => isRunning(each, ticks[index])); tries++) await sleep(10);
  }
  rmSync(fileOf(name), { force: true });
}

export const daemons = (): string[] => {
  try {
    return readdirSync(at('processes')).map((file) => file.replace(/\.json$/, ''));
  } catch {
    return [];
  }
};

/** The first thread of a killed process is a zombie while others still hold its sockets. */
function isRunning(pid: number, ticks: string | undefined): boolean {
  if (ticks === undefined || startedTicks(pid) !== ticks) return false;
  return !/\) Z /.test(read(`/proc/${pid}/stat`)) || threads(pid) > 1;
}

function threads(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

/** Field 22 of proc(5)'s stat, counted after the name, which may hold anything. */
function startedTicks(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It was quicker.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
