/** From a path to a connection that is safe to write: ours, sound, of this version, durable on every commit. */
import { accessSync, closeSync, constants, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseUnavailable, describeFault, explainError } from './faults.ts';
import { MIGRATIONS, migrate, readVersion } from './migrations.ts';

/**
 * How long a statement waits for a lock of another program. The event loop waits with it, so it is short: the one
 * lock that is to be expected is that of a person's sqlite3 shell.
 */
const BUSY_MILLISECONDS = 250;

/** The file itself, behind symbolic links: two paths to one database must take the same lock. */
export function resolveDatabase(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  if (!existsSync(folder)) throw new DatabaseUnavailable('Missing', describeFault('Missing', path));
  return join(realpathSync(folder), basename(path));
}

/** Refuses early, and in words, what SQLite would only refuse at the first write, or not at all. */
export function checkFile(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new DatabaseUnavailable('ReadOnly', describeFault('ReadOnly', path), error);
  }
  if (existsSync(path) && !statSync(path).isFile()) throw new DatabaseUnavailable('Foreign', describeFault('Foreign', path));
  // SQLite deletes the log of an empty database. Ours is never empty once it has a log: somebody has lost the file.
  if (sizeOf(path) === 0 && sizeOf(`${path}-wal`) > 0) {
    const message = `the database ${path} is missing or empty, but its log ${path}-wal is not: put the database back, or move the log away to start with nothing`;
    throw new DatabaseUnavailable('Corrupt', message);
  }
}

/**
 * Opens or makes the database and brings it to the newest version; a copy of an older one is kept beside it as
 * `PATH.vN`. Throws DatabaseUnavailable, whose message is for the operator.
 */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // SQLite gives its log the permissions of the database.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS });
    const version = readVersion(database, path);
    // A commit is on disk before it is acknowledged: FULL syncs the log at each one, NORMAL would not.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    checkSound(database, path);
    if (version > 0 && version < MIGRATIONS.length) keepCopy(database, `${path}.v${version}`);
    migrate(database, version);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw explainError(error, path);
  }
}

/** Linear in the size, 0.15 s for 100,000 bindings; what it does not see is found by `PRAGMA integrity_check`. */
export function checkSound(database: DatabaseSync, path: string): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (found !== 'ok') throw new DatabaseUnavailable('Corrupt', `${describeFault('Corrupt', path)} (${String(found)})`);
}

/** The way back from an upgrade. */
function keepCopy(database: DatabaseSync, copy: string): void {
  if (!existsSync(copy)) database.prepare('VACUUM INTO ?').run(copy);
}

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);
