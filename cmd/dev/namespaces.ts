/**
 * Network namespaces with names of their own: PREFIX-PID-NAME. What a run that was cut off left behind is
 * recognised by its dead pid and removed by the next one. Removing a namespace removes its interfaces.
 */
import { readFileSync } from 'node:fs';
import type { Finished } from './execute.ts';
import { execute, must } from './execute.ts';

export class Namespaces {
  readonly #prefix: string;
  readonly #made = new Set<string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  nameOf(name: string): string {
    return `${this.#prefix}-${process.pid}-${name}`;
  }

  pathOf(name: string): string {
    return `/run/netns/${this.nameOf(name)}`;
  }

  async add(name: string): Promise<void> {
    this.#made.add(name); // before it is there: an interrupted add is cleaned up too
    await must('ip', ['netns', 'add', this.nameOf(name)]);
    await must('ip', ['-n', this.nameOf(name), 'link', 'set', 'lo', 'up']);
  }

  /** Runs a program with this namespace's network; files and processes are the machine's. */
  run(name: string, command: string, args: readonly string[], options?: Parameters<typeof execute>[2]): Promise<Finished> {
    return execute('nsenter', [`--net=${this.pathOf(name)}`, command, ...args], options);
  }

  /** `ip` within the namespace; its output. */
  ip(name: string, ...args: string[]): Promise<string> {
    return must('ip', ['-n', this.nameOf(name), ...args]);
  }

  async remove(name: string): Promise<void> {
    if (this.#made.delete(name)) await execute('ip', ['netns', 'delete', this.nameOf(name)]);
  }

  async removeAll(): Promise<void> {
    for (const name of this.#made) await this.remove(name);
  }
}

/** Removes namespaces of runs whose process has gone. Returns their names. */
export async function sweepNamespaces(prefix: string): Promise<string[]> {
  const left = (await must('ip', ['netns', 'list']))
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith(`${prefix}-`) && !isRunning(Number(name.slice(prefix.length + 1).split('-')[0])));
  for (const name of left) await execute('ip', ['netns', 'delete', name]);
  return left;
}

function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node'); // a pid is used again, seldom by Node
  } catch {
    return false;
  }
}

/** Why there can be no network namespaces here, or undefined. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `network namespaces are Linux only, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const ip = await execute('ip', ['-V']).catch(() => undefined);
  if (ip?.code !== 0) return 'there is no `ip` here (Debian: apt-get install iproute2)';
  const probe = `berth-probe-${process.pid}`;
  const made = await execute('ip', ['netns', 'add', probe]);
  if (made.code !== 0) return `no network namespace can be made here: ${made.stderr.trim()}`;
  await execute('ip', ['netns', 'delete', probe]);
  return undefined;
}
