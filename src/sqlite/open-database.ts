/** From a path to a connection that is safe to write: ours, sound, of this version, durable on every commit. */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseUnavailable, describeFault, explainError, faultOf } from './faults.ts';
import { MIGRATIONS, migrate, readVersion } from './migrations.ts';
import type { OnStep } from './step.ts';
import { discard, finish, partialOf } from './whole-file.ts';

/**
 * How long a statement waits for a lock of another program. The event loop waits with it, so it is short: the one
 * lock that is to be expected is that of a person's sqlite3 shell.
 */
const BUSY_MILLISECONDS = 250;

/** Twice the log's usual size (SQLite moves it at 1,000 pages), so that it is seldom cut and grown again. */
const LOG_BYTES_KEPT = 8 * 1024 * 1024;

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
}

/**
 * A log that is not this database's. SQLite deletes the log of an empty database, and plays any log it finds into the
 * database beside it, also that of the one which a restored backup has replaced. Only for the holder of the instance
 * lock: closing a file that this process has open elsewhere would drop SQLite's locks (POSIX).
 */
export function checkLog(path: string): void {
  const log = `${path}-wal`;
  if (sizeOf(log) === 0) return;
  if (sizeOf(path) === 0) {
    const message = `the database ${path} is missing or empty, but its log ${log} is not: put the database back, or move the log away to start with nothing`;
    throw new DatabaseUnavailable('Corrupt', message);
  }
  if (readFormat(path) === FORMAT_WITHOUT_LOG) {
    const message = `the database ${path} is a restored copy, but the log ${log} of the one before lies beside it: move ${log} and ${path}-shm away, and start again`;
    throw new DatabaseUnavailable('Corrupt', message);
  }
}

/** Byte 19 of the header, "file format read version": 1 where there is no log (as in every backup), 2 for a log (https://www.sqlite.org/fileformat2.html). */
const FORMAT_WITHOUT_LOG = 1;

function readFormat(path: string): number | undefined {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(20);
    readSync(file, header, 0, header.length, 0);
    return header[19];
  } finally {
    closeSync(file);
  }
}

/**
 * Opens or makes the database and brings it to the newest version; a copy of an older one is kept beside it as
 * `PATH.vN`. Throws DatabaseUnavailable, whose message is for the operator.
 */
export function openDatabase(path: string, onStep: OnStep = () => undefined): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // SQLite gives its log the permissions of the database.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    onStep('made');
    database = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS });
    const version = readVersion(database, path);
    // A commit is on disk before it is acknowledged: FULL syncs the log at each one, NORMAL would not.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    // A backup under way keeps the log from being used again; what it grew to is given back afterwards.
    database.exec(`PRAGMA journal_size_limit = ${LOG_BYTES_KEPT}`);
    onStep('logged');
    checkSound(database, path);
    if (version > 0 && version < MIGRATIONS.length) keepCopy(database, `${path}.v${version}`);
    migrate(database, version, { onStep });
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw explainError(error, path);
  }
}

/** Linear in the size, 0.15 s for 100,000 bindings; what it does not see is found by `PRAGMA integrity_check`. */
export function checkSound(database: DatabaseSync, path: string): void {
  const found = check(database);
  if (found !== 'ok') throw new DatabaseUnavailable('Corrupt', `${describeFault('Corrupt', path)} (${found})`);
}

/** A record whose JSON is broken makes the check itself throw, as a mere "SQL logic error". */
function check(database: DatabaseSync): string {
  try {
    return String(database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']);
  } catch (error) {
    if (faultOf(error) !== undefined) throw error;
    return (error as Error).message;
  }
}

/**
 * The way back from this upgrade. One of an earlier upgrade (somebody went back, and comes again) is replaced: it does not
 * know what was bound since, and would hand that out again.
 */
function keepCopy(database: DatabaseSync, copy: string): void {
  discard(copy);
  database.prepare('VACUUM INTO ?').run(partialOf(copy));
  finish(copy);
}

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);
