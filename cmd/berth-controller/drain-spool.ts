/**
 * DELs that plugins could not deliver while no controller ran lie on disk, one JSON file each (src/cni/spool.ts). The
 * next plugin call would bring them; a machine on which nothing starts any more has no next call, so the controller
 * looks for itself. Stamps make it harmless that both do.
 */
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operations } from '../../src/ipam/operations.ts';
import type { Log } from '../../src/ipam/ports.ts';
import type { CniDel } from '../../src/protocol.ts';
import { cniDel } from '../../src/server/schemas.ts';

const LARGEST_BATCH = 200;

interface Entry {
  readonly path: string;
  readonly del: CniDel;
}

/** Delivers what is there and removes it. An entry that cannot be read stays, for the plugin to set aside; nothing in it can keep the controller from running. */
export async function drainSpool(operations: Pick<Operations, 'spool'>, node: string, folder: string, log: Log): Promise<void> {
  await drain(operations, node, folder, log).catch((error: Error) => log.warn({ folder, detail: error.message }, 'spool not drained'));
}

async function drain(operations: Pick<Operations, 'spool'>, node: string, folder: string, log: Log): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const waiting = names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).toSorted();
  for (let start = 0; start < waiting.length; start += LARGEST_BATCH) {
    const batch = (await Promise.all(waiting.slice(start, start + LARGEST_BATCH).map((name) => readEntry(join(folder, name))))).flat();
    if (batch.length === 0) continue;
    const outcome = await operations.spool(
      { node, gone: () => false },
      batch.map(({ del }) => del),
    );
    if (!outcome.ok) return log.warn({ folder, detail: outcome.refusal.detail }, 'spool not drained');
    log.info({ folder, deletes: batch.length, addresses: outcome.value.map(({ address }) => address) }, 'spool drained');
    await Promise.all(batch.map(({ path }) => remove(path, log)));
  }
}

/** One that cannot be removed is delivered again, which changes nothing. */
async function remove(path: string, log: Log): Promise<void> {
  await rm(path, { force: true }).catch((error: Error) => log.warn({ file: path, detail: error.message }, 'spool entry not removed'));
}

async function readEntry(path: string): Promise<readonly Entry[]> {
  try {
    const read = cniDel.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return read.success ? [{ path, del: read.data }] : [];
  } catch {
    return [];
  }
}
