/** Files that are whole or not there: written under another name, synced, renamed. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/** The name under which the file of that path is being written. */
export const partialOf = (path: string): string => `${path}.partial`;

/** Gives the partial file its name, durably. */
export function finish(path: string): void {
  sync(partialOf(path));
  renameSync(partialOf(path), path);
  sync(dirname(path));
}

/** Removes the partial file, and what SQLite may have put beside it. */
export function discard(path: string): void {
  for (const ending of ['', '-wal', '-shm', '-journal']) rmSync(`${partialOf(path)}${ending}`, { force: true });
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
