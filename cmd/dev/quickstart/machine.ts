/** Leaves the machine as it was: what a run that was cut off left behind, and proof that this one left nothing. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../execute.ts';
import { sweepNamespaces, whyNoNamespaces } from '../namespaces.ts';
import { BRIDGE, PREFIX } from './containers.ts';

/** How everything of this run is named; another one may be under way. */
export const OWN = `${PREFIX}-${process.pid}-`;

/** What earlier runs left whose process has gone: namespaces, then folders; their controller is ended first, by the pid that was written down. */
export async function sweepEarlierRuns(): Promise<void> {
  if ((await whyNoNamespaces()) === undefined) await sweepNamespaces(PREFIX);
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(`${PREFIX}-`))) {
    const folder = join(tmpdir(), name);
    if (isAlive(Number(name.slice(PREFIX.length + 1).split('-')[0]), 'quickstart')) continue;
    const pid = Number(readText(join(folder, 'controller.pid')));
    try {
      if (isAlive(pid, folder)) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    } catch {
      continue; // another user's
    }
  }
}

/** A pid is used again: only a process whose command line mentions `word` is the one that was meant. */
function isAlive(pid: number, word: string): boolean {
  return pid > 0 && readText(`/proc/${pid}/cmdline`).includes(word);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export type Machine = Readonly<Record<string, string>>;

/** What the quickstart could leave behind, and only that: on a busy machine other things come and go meanwhile. */
export async function lookAtMachine(): Promise<Machine> {
  const linux = process.platform === 'linux';
  return {
    interfaces: linux ? await namesOf('ip', ['-json', 'link', 'show'], 'ifname', BRIDGE) : '',
    namespaces: linux ? await namesOf('ip', ['-json', 'netns', 'list'], 'name', OWN) : '',
    forwarding: `${readText('/proc/sys/net/ipv4/ip_forward')}${readText('/proc/sys/net/ipv6/conf/all/forwarding')}`.replaceAll('\n', ' '),
    'temporary files': readdirSync(tmpdir())
      .filter((name) => name.startsWith(OWN))
      .join(' '),
  };
}

/** What is not as it was, in words. */
export function differences(before: Machine, after: Machine): string[] {
  return Object.keys(before)
    .filter((what) => before[what] !== after[what])
    .map((what) => `${what} were: ${before[what] || 'none'}; now: ${after[what] || 'none'}`);
}

async function namesOf(command: string, args: readonly string[], field: string, start: string): Promise<string> {
  const { code, stdout } = await execute(command, args).catch(() => ({ code: 1, stdout: '' }));
  if (code !== 0 || stdout.trim() === '') return '';
  const names = (JSON.parse(stdout) as Record<string, string>[]).map((entry) => entry[field] ?? '');
  return names.filter((name) => name.startsWith(start)).join(' ');
}
