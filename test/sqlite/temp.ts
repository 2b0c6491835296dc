/** Databases of a test: each in a folder of its own, which goes with it. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import type { SqliteStore, SqliteStoreOptions } from '../../src/sqlite/open.ts';

export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'berth-sqlite-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function tempPath(): string {
  return join(tempFolder(), 'berth.db');
}

/** Opens, and closes at the end of the test whatever happens in it. */
export function open(path: string, options: Partial<SqliteStoreOptions> = {}): SqliteStore {
  const opened = openSqliteStore(path, { localNode: { name: 'here' }, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

/** What the call threw; fails the test when it threw nothing. */
export function thrownBy(call: () => unknown): Error & { fault?: string } {
  try {
    call();
  } catch (error) {
    return error as Error & { fault?: string };
  }
  throw new Error('nothing was thrown');
}
