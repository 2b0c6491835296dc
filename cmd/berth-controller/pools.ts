/** --pools: read and checked before anything is opened, applied when the store is read, and again on SIGHUP. */
import { readFile } from 'node:fs/promises';
import type { Operations } from '../../src/ipam/operations.ts';
import type { Log } from '../../src/ipam/ports.ts';
import type { AddressPool } from '../../src/protocol.ts';
import { applyPools, parsePoolFile } from '../../src/server/pool-file.ts';
import { StartFailure, explainFailure } from './explain-failure.ts';

/** Throws StartFailure with exit code 2: the file is part of the command line. */
export async function readPools(path: string): Promise<readonly AddressPool[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new StartFailure(explainFailure(`read --pools ${path}`, error).message, 2);
  }
  const outcome = parsePoolFile(text);
  if (!outcome.ok) throw new StartFailure(`--pools ${path}: ${outcome.refusal.detail}`, 2);
  return outcome.value;
}

export async function applyPoolsOfFile(operations: Operations, path: string, pools: readonly AddressPool[], log: Log): Promise<void> {
  const outcome = await applyPools(operations, pools);
  if (!outcome.ok) throw new StartFailure(`--pools ${path}: ${outcome.refusal.detail}`, 2);
  const changed = outcome.value.filter(({ change }) => change !== 'unchanged').map(({ pool }) => pool);
  log.info({ file: path, pools: outcome.value.length, changed }, 'pools file applied');
}

/** On SIGHUP: a file that is wrong is logged, and what was there stays. */
export async function reloadPools(operations: Operations, path: string, log: Log): Promise<void> {
  try {
    await applyPoolsOfFile(operations, path, await readPools(path), log);
  } catch (error) {
    log.error({ file: path, detail: (error as Error).message }, 'pools not reloaded');
  }
}
