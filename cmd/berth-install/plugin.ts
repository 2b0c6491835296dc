/** Calls the plugin as a runtime would, for nobody's container. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { Settings } from './settings.ts';

const PATIENCE_MS = 15_000;

interface Answer {
  /** The CNI error's code; undefined when it did its work. */
  readonly code?: number;
  readonly detail: string;
}

/**
 * Has the plugin deliver what waits in the spool: it brings a batch after every call that a controller has answered. By
 * CHECKs, because a DEL that reaches nobody succeeds, and waits in the spool itself. Returns why something is left.
 */
export function drainSpool(executable: string, settings: Settings): string | undefined {
  for (let before = countWaiting(settings); ;) {
    const why = whyNotReached(executable, settings);
    if (why !== undefined) return why;
    const left = countWaiting(settings);
    if (left === 0) return undefined;
    if (left >= before) return `${left} wait still`;
    before = left;
  }
}

function countWaiting({ spoolFolder }: Settings): number {
  try {
    return readdirSync(spoolFolder).filter((name) => name.endsWith('.json') && !name.startsWith('.')).length;
  } catch {
    return 0;
  }
}

/** Whether a controller knows this node: it then says that nobody's container holds nothing (105). Returns why not. */
export function whyNotReached(executable: string, settings: Settings): string | undefined {
  const { code, detail } = check(executable, settings);
  return code === NOTHING_HELD ? undefined : detail;
}

const NOTHING_HELD = 105;

function check(executable: string, { identityFolder, spoolFolder }: Settings): Answer {
  const configuration = {
    cniVersion: '1.0.0',
    name: 'berth-install',
    ipam: { type: 'berth', identityDir: identityFolder, spoolDir: spoolFolder, logFile: '/dev/null' },
  };
  const { status, stdout, error } = spawnSync(executable, [], {
    env: {
      CNI_COMMAND: 'CHECK',
      CNI_CONTAINERID: 'berth-install',
      CNI_IFNAME: 'eth0',
      CNI_NETNS: '/proc/1/ns/none',
      CNI_PATH: '/opt/berth',
    },
    input: JSON.stringify(configuration),
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return { detail: '' };
  return { code: readCode(stdout), detail: stdout.trim() || error?.message || `exit code ${status}` };
}

function readCode(stdout: string): number {
  try {
    return Number((JSON.parse(stdout) as { code?: unknown }).code);
  } catch {
    return Number.NaN;
  }
}
