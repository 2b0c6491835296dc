/**
 * Space put by for a full disk. Releases do not make the database longer, but they need the log, and on a full disk
 * the log can neither grow nor be moved into the database. So a file of 8 MiB lies beside it: when the disk is full
 * that is given up, and deletions go on (a pod that cannot be deleted is the worst of a full disk) while new
 * bindings wait for an operator.
 */
import { closeSync, ftruncateSync, openSync, rmSync, statSync, statfsSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Twice the log's usual 4 MiB (SQLite moves it at 1,000 pages), because one large transaction may exceed that. */
const RESERVED_BYTES = 8 * 1024 * 1024;

export class Reserve {
  readonly #path: string;
  readonly #folder: string;

  constructor(databasePath: string) {
    this.#path = `${databasePath}-reserve`;
    this.#folder = dirname(databasePath);
  }

  /**
   * Puts the space by where as much again is free besides; false where it is not. A small disk has no reserve, and works
   * without. This is asked between commits: a folder that cannot be written any more (re-mounted read-only after disk
   * errors), or a process without a file descriptor left, is no reason to end the controller.
   */
  hold(): boolean {
    try {
      return this.#hold();
    } catch {
      return false;
    }
  }

  #hold(): boolean {
    const size = this.#size();
    if (size === RESERVED_BYTES) return true;
    const { bavail, bsize } = statfsSync(this.#folder);
    if (bavail * bsize < 2 * RESERVED_BYTES) return false;
    const file = openSync(this.#path, 'w', 0o600);
    try {
      fill(file, RESERVED_BYTES);
      return true;
    } catch {
      // As it was: given up, or never there.
      if (size === 0) ftruncateSync(file);
      else rmSync(this.#path);
      return false;
    } finally {
      closeSync(file);
    }
  }

  /** Gives the space up; false where there is none. An empty file stays, so that a restart knows that it was given up. */
  spend(): boolean {
    try {
      if (this.#size() !== RESERVED_BYTES) return false;
      truncateSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }

  isSpent(): boolean {
    return this.#size() === 0;
  }

  #size(): number | undefined {
    return statSync(this.#path, { throwIfNoEntry: false })?.size;
  }
}

/** Real bytes, not a hole. A write is short exactly when the disk fills up, and then the next one throws. */
function fill(file: number, bytes: number): void {
  const chunk = Buffer.alloc(256 * 1024);
  for (let written = 0; written < bytes;) written += writeSync(file, chunk, 0, Math.min(chunk.length, bytes - written));
}
