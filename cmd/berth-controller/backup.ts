/** `berth-controller backup`: reads the file by itself, so it works beside a running controller and without one. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { backupDatabase } from '../../src/sqlite/backup.ts';
import { StartFailure, explainFailure } from './explain-failure.ts';

export async function backUp(path: string, destination: string): Promise<void> {
  if (!existsSync(path)) throw new StartFailure(`cannot back up ${path}: there is no such file`);
  try {
    const made = await backupDatabase(resolve(path), resolve(destination));
    process.stdout.write(`${made.path}: ${made.bindings} bindings, ${made.pools} pools, ${made.bytes} bytes\n`);
  } catch (error) {
    throw explainFailure(`back up ${path}`, error);
  }
}
