/**
 * A backup is a copy of one moment, taken beside the running controller: a second, read-only connection copies all
 * pages in one step on another thread while commits go on. What comes out is one plain file, checked before it gets its name.
 */
import { closeSync, createReadStream, existsSync, openSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DatabaseUnavailable, describeFault, explainError } from './faults.ts';
import { readVersion } from './migrations.ts';
import { checkSound } from './open-database.ts';
import { discard, finish, partialOf } from './whole-file.ts';

export interface Backup {
  readonly path: string;
  readonly bytes: number;
  readonly bindings: number;
  readonly pools: number;
}

/** A backup that fills the disk would take the controller down with it: this much stays free. */
const SPARE_BYTES = 32 * 1024 * 1024;

/** All pages in one step: a second step would start over whenever a commit came between. */
const ALL_PAGES = 0x7fff_ffff;

/** Writes a verified copy of the database at `path` to `destination`, which must not exist yet. Throws with a sentence. */
export async function backupDatabase(path: string, destination: string): Promise<Backup> {
  if (!existsSync(path)) throw new DatabaseUnavailable('Missing', describeFault('Missing', path));
  if (existsSync(destination)) throw new Error(`${destination} exists already: a backup never overwrites a file`);
  if (!existsSync(dirname(destination))) throw new Error(`the folder of ${destination} does not exist`);
  checkSpace(path, destination);
  discard(destination);
  try {
    closeSync(openSync(partialOf(destination), 'ax', 0o600));
    await copyPages(path, partialOf(destination));
    const counts = verify(partialOf(destination), path);
    finish(destination);
    return { path: destination, bytes: statSync(destination).size, ...counts };
  } catch (error) {
    discard(destination);
    throw explainError(error, destination);
  }
}

async function copyPages(path: string, partial: string): Promise<void> {
  const source = new DatabaseSync(path, { readOnly: true });
  try {
    readVersion(source, path);
    await backup(source, partial, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
}

/** The same to a stream (an HTTP answer), by way of a file beside the database. */
export async function streamBackup(path: string, sink: Writable): Promise<Backup> {
  const between = nextStreamFile(path);
  try {
    const made = await backupDatabase(path, between);
    await pipeline(createReadStream(between), sink);
    return made;
  } finally {
    rmSync(between, { force: true });
  }
}

/** What streams of a killed process left behind. Only for the holder of the instance lock. */
export function removeLeftovers(path: string): void {
  const prefix = `${basename(path)}.stream-`;
  for (const name of readdirSync(dirname(path))) if (name.startsWith(prefix)) rmSync(join(dirname(path), name), { force: true });
}

let streams = 0;
const nextStreamFile = (path: string): string => `${path}.stream-${process.pid}-${++streams}`;

/** A file that needs no log beside it, and that says of itself that it is whole. */
function verify(copy: string, path: string): { bindings: number; pools: number } {
  const database = new DatabaseSync(copy);
  try {
    database.exec('PRAGMA journal_mode = DELETE');
    checkSound(database, path);
    const count = (table: string): number => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
    return { bindings: count('bindings'), pools: count('pools') };
  } finally {
    database.close();
  }
}

function checkSpace(path: string, destination: string): void {
  const log = `${path}-wal`;
  const needed = statSync(path).size + (existsSync(log) ? statSync(log).size : 0);
  const { bavail, bsize } = statfsSync(dirname(destination));
  const spare = statSync(dirname(destination)).dev === statSync(path).dev ? SPARE_BYTES : 0;
  if (bavail * bsize < needed + spare)
    throw new Error(`not enough free space for a backup at ${destination}: ${needed + spare} bytes are needed`);
}
