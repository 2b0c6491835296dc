/**
 * SQLite's result codes as sentences for an operator: what is wrong, and what to do about it. This is the only file
 * that knows the codes (https://www.sqlite.org/rescode.html).
 */
import { StoreUnavailable } from '../store/store.ts';

export type DatabaseFault =
  | 'InUse' // another controller has the file
  | 'Busy' // another program holds a lock on it
  | 'ReadOnly'
  | 'Full'
  | 'Corrupt'
  | 'Foreign' // a database, or another file, that is not Berth's
  | 'Newer' // written by a newer Berth
  | 'Missing' // no such folder, or no right to open the file
  | 'Failing' // the disk answers with errors
  | 'Closed';

/** The database cannot serve. The message is one sentence for a person and holds the path. */
export class DatabaseUnavailable extends StoreUnavailable {
  readonly fault: DatabaseFault;

  constructor(fault: DatabaseFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.fault = fault;
  }
}

const PRIMARY_CODES: Readonly<Record<number, DatabaseFault>> = {
  3: 'ReadOnly', // SQLITE_PERM
  5: 'Busy',
  6: 'Busy', // SQLITE_LOCKED
  7: 'Failing', // SQLITE_NOMEM
  8: 'ReadOnly',
  10: 'Failing', // SQLITE_IOERR
  11: 'Corrupt',
  13: 'Full',
  14: 'Missing', // SQLITE_CANTOPEN
  15: 'Busy', // SQLITE_PROTOCOL
  26: 'Foreign', // SQLITE_NOTADB
};

/** SQLITE_IOERR_SHMSIZE: the index of the log could not grow, which is what a full disk looks like from there. */
const SHARED_MEMORY_SIZE = 10 | (19 << 8);

/** What a failure of the whole database is; undefined for a failure of one statement (a constraint, a bug of ours). */
export function faultOf(error: unknown): DatabaseFault | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  if (typeof code !== 'number') return undefined;
  return code === SHARED_MEMORY_SIZE ? 'Full' : PRIMARY_CODES[code & 0xff];
}

/** The sentence for a fault of the database at that path. */
export function describeFault(fault: DatabaseFault, path: string): string {
  switch (fault) {
    case 'InUse':
      return `the database ${path} is in use by another controller: stop that one first`;
    case 'Busy':
      return `the database ${path} is locked by another program: end what has it open for writing (a sqlite3 shell, a copy job)`;
    case 'ReadOnly':
      return `the database ${path} cannot be written: the file, its folder or its file system is read-only for this user`;
    case 'Full':
      return `the disk of the database ${path} is full: free some space on it; nothing that was acknowledged is lost`;
    case 'Corrupt':
      return `the database ${path} is damaged: stop the controller, keep the file, and restore a backup (docs/embedded-store.md)`;
    case 'Foreign':
      return `${path} is not a Berth database, or its beginning has been overwritten: give the path of one, or of a file that does not exist yet`;
    case 'Newer':
      return `the database ${path} was written by a newer Berth: install that version again, or restore a backup made before the upgrade`;
    case 'Missing':
      return `the database ${path} cannot be opened: its folder has to exist, and this user needs the right to write there`;
    case 'Failing':
      return `the disk of the database ${path} answers with errors: look at the kernel's log, and have a backup ready`;
    case 'Closed':
      return `the database ${path} has been closed`;
  }
}

/** What a new record is told while a full disk leaves room for releases only (reserve.ts). */
export const describeLowSpace = (path: string): string =>
  `the disk of the database ${path} is full: nothing new is bound until 16 MiB are free on it; releases go on, and nothing that was acknowledged is lost`;

/** Translates what SQLite threw; anything else is a bug and stays what it is. */
export function explainError(error: unknown, path: string): unknown {
  const fault = faultOf(error);
  return fault === undefined ? error : new DatabaseUnavailable(fault, describeFault(fault, path), error);
}
