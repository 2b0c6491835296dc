/**
 * DELs that could not be delivered, on disk until a later call delivers them. One file an entry, written under a
 * hidden name, synced and renamed: an entry is whole or not there, two drains at once lose nothing and need no lock
 * that a killed process could keep, and stamps make a repeated delivery harmless. 4,096 entries at most.
 */
import type { CniDel } from '../protocol.ts';
import { ask, isReleased, type Patience } from './ask.ts';
import type { Configuration } from './configuration.ts';
import type { Failure, Host } from './host.ts';
import type { PluginLog } from './log.ts';
import { isPlain, isText, parseJson, toAsciiJson } from './plain.ts';

export const LARGEST_SPOOL = 4096;
const LARGEST_BATCH = 200;
/** Long after any call that could still be writing; the clock starts anew with the machine, hence the distance either way. */
const HOUR_NS = 3.6e12;
const LARGEST_ENTRY = 64 * 1024;
/** Draining comes after the answer, but the main plugin waits for our end. */
const DRAIN_PATIENCE: Patience = { deadlineMs: 2000, giveUpMs: 0 };

/** "" when the entry is on the disk; else why not ("full", "ENOSPC", …). */
export function keepForLater(host: Host, directory: string, del: CniDel): Failure {
  const made = host.makeDirectory(directory);
  if (made !== '') return made;
  const [failure, ...names] = host.listDirectory(directory);
  if (failure !== '') return failure;
  if (names.filter(isEntry).length >= LARGEST_SPOOL) return 'full';
  // In the order of the calls when sorted; the process and the attempt tell two of one nanosecond apart.
  const { startedTicks, monotonicNs, attempt } = del.stamp;
  const name = `${String(startedTicks).padStart(16, '0')}-${monotonicNs.padStart(20, '0')}-${host.processId}-${attempt}`;
  const [hidden, final] = [`${directory}/.${name}.tmp`, `${directory}/${name}.json`];
  const created = host.createFile(hidden, `${toAsciiJson(del)}\n`);
  const kept = created === '' ? host.renameFile(hidden, final, directory) : created;
  if (kept !== '') host.removeFile(hidden);
  return kept;
}

const isEntry = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.');

interface Entry {
  readonly path: string;
  readonly del: CniDel;
}

/**
 * One batch, oldest first. Of more than a batch each process begins elsewhere: one entry whose record the store never
 * accepts has its whole batch stay, and those behind it would wait for ever. What cannot be read is set aside as
 * *.broken and logged.
 */
export async function drainSpool(host: Host, configuration: Configuration, log: PluginLog): Promise<void> {
  const { spoolDir } = configuration;
  const [failure, ...names] = host.listDirectory(spoolDir);
  removeLeftovers(host, spoolDir, names);
  const waiting = failure === '' ? names.filter(isEntry).sort() : [];
  const first = waiting.length > LARGEST_BATCH ? host.processId % waiting.length : 0;
  const turn = [...waiting.slice(first), ...waiting.slice(0, first)].slice(0, LARGEST_BATCH);
  const batch = turn.flatMap((name) => readEntry(host, spoolDir, name, log));
  if (batch.length === 0) return;
  const outcome = await deliver(host, configuration, batch);
  if (outcome === 'refused') {
    // One bad entry must not hold the others: find it alone.
    for (const entry of batch) {
      const alone = batch.length === 1 ? outcome : await deliver(host, configuration, [entry]);
      if (alone === 'away') return;
      if (alone === 'refused') setAside(host, spoolDir, entry.path, 'spooled DEL refused', log);
    }
  }
  log.info({ waiting: waiting.length, delivered: batch.length, outcome }, 'spool drained');
}

async function deliver(host: Host, configuration: Configuration, batch: readonly Entry[]): Promise<'answered' | 'refused' | 'away'> {
  const question = { path: '/v1/cni/spool', accepts: isReleased, body: () => ({ deletes: batch.map((entry) => entry.del) }) };
  const asked = await ask(host, configuration, question, DRAIN_PATIENCE);
  if (asked.kind === 'answered') for (const entry of batch) host.removeFile(entry.path);
  if (asked.kind === 'refused') return asked.problem.status === 503 || asked.problem.status === 429 ? 'away' : 'refused';
  return asked.kind;
}

function readEntry(host: Host, directory: string, name: string, log: PluginLog): readonly Entry[] {
  const path = `${directory}/${name}`;
  const [failure, text] = host.readFile(path, LARGEST_ENTRY);
  // Gone: another call delivered it meanwhile.
  if (failure === 'ENOENT') return [];
  const del = parseJson(text);
  const whole = isPlain(del) && isText(del['containerId']) && isText(del['ifName']) && isText(del['cniNetwork']) && isPlain(del['stamp']);
  if (whole) return [{ path, del: del as unknown as CniDel }];
  setAside(host, directory, path, 'spool entry cannot be read', log);
  return [];
}

/** A process killed between writing and renaming leaves a hidden file; its caller was told nothing, and will repeat the DEL. */
function removeLeftovers(host: Host, directory: string, names: readonly string[]): void {
  for (const name of names.filter((one) => one.startsWith('.') && one.endsWith('.tmp'))) {
    const written = Number(name.split('-')[1]);
    if (Math.abs(Number(host.startedNs) - written) > HOUR_NS) host.removeFile(`${directory}/${name}`);
  }
}

function setAside(host: Host, directory: string, path: string, message: string, log: PluginLog): void {
  log.warn({ entry: path, failure: host.renameFile(path, `${path}.broken`, directory) }, message);
}
