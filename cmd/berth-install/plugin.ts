/** Calls the plugin as a runtime would, for nobody's container. */
import { spawnSync } from 'node:child_process';
import type { Settings } from './settings.ts';

const PATIENCE_MS = 15_000;

interface Answer {
  /** The CNI error's code; undefined when it did its work. */
  readonly code?: number;
  readonly detail: string;
}

/** The plugin delivers what is kept in the spool after every DEL it has answered. Returns why it did not; undefined when it did. */
export function drainSpool(executable: string, settings: Settings): string | undefined {
  const { code, detail } = call(executable, 'DEL', settings);
  return code === undefined ? undefined : detail;
}

/** Whether a controller knows this node: it then says that nobody's container holds nothing (105). Returns why not. */
export function whyNotReached(executable: string, settings: Settings): string | undefined {
  const { code, detail } = call(executable, 'CHECK', settings);
  return code === NOTHING_HELD ? undefined : detail;
}

const NOTHING_HELD = 105;

function call(executable: string, verb: 'DEL' | 'CHECK', { identityFolder, spoolFolder }: Settings): Answer {
  const configuration = {
    cniVersion: '1.0.0',
    name: 'berth-install',
    ipam: { type: 'berth', identityDir: identityFolder, spoolDir: spoolFolder, logFile: '/dev/null' },
  };
  const { status, stdout, error } = spawnSync(executable, [], {
    env: { CNI_COMMAND: verb, CNI_CONTAINERID: 'berth-install', CNI_IFNAME: 'eth0', CNI_NETNS: '/proc/1/ns/none', CNI_PATH: '/opt/berth' },
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
