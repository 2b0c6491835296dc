/**
 * One controller per database. The lock is SQLite's own, held on an empty database beside the file: the kernel drops
 * it when the process ends, however it ends, and backup tools can still read the database itself (which an exclusive
 * lock on it would forbid).
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseUnavailable, describeFault, explainError, faultOf } from './faults.ts';

/** Takes the lock or refuses with `InUse`; the returned function gives it back. */
export function lockInstance(path: string): () => void {
  const file = `${path}-lock`;
  let lock: DatabaseSync | undefined;
  try {
    // Whoever may read the file may lock it, and so keep the controller from starting.
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    lock = new DatabaseSync(file, { timeout: 0 });
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    if (lock?.isOpen) lock.close();
    if (faultOf(error) === 'Busy') throw new DatabaseUnavailable('InUse', describeFault('InUse', path), error);
    throw explainError(error, path);
  }
  const held = lock;
  return () => held.close();
}
