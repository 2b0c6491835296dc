/**
 * The tables, as the steps that made them. A step is never edited after a release: the version of a database
 * (`PRAGMA user_version`) says how many of them it has seen, and each runs in one transaction with that number.
 */
import type { DatabaseSync } from 'node:sqlite';
import { DatabaseUnavailable, describeFault } from './faults.ts';
import type { OnStep } from './step.ts';

/** "Bert", in the header of every file of ours: `file` and `sqlite3` show it, and no other database is taken for one. */
export const APPLICATION_ID = 0x42657274;

/**
 * Version 1. A record is one JSON text under its name, and what has to be unique is read out of it by SQLite itself, so
 * that text and index cannot disagree. Twenty-odd columns instead were not faster to list (both about 4 µs a record)
 * and would need a migration for every new field. Ordinary rowid tables: a record of 650 bytes is too long for a b-tree of keys.
 */
const RECORDS = `
  CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('sequence', 0);
  CREATE TABLE bindings (
    name TEXT NOT NULL PRIMARY KEY,
    uid TEXT NOT NULL,
    version INTEGER NOT NULL,
    spec TEXT NOT NULL,
    network TEXT NOT NULL AS (spec ->> '$.network') VIRTUAL,
    address TEXT NOT NULL AS (spec ->> '$.address') VIRTUAL,
    UNIQUE (network, address)
  ) STRICT;
  CREATE TABLE pools (
    name TEXT NOT NULL PRIMARY KEY,
    uid TEXT NOT NULL,
    version INTEGER NOT NULL,
    spec TEXT NOT NULL CHECK (json_valid(spec))
  ) STRICT;
`;

/** Version 2. Which boots of a node have been seen, because a superseded one never returns. */
const BOOTS = `
  CREATE TABLE boots (
    node TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    current INTEGER NOT NULL CHECK (current IN (0, 1)),
    PRIMARY KEY (node, boot_id)
  ) STRICT;
  CREATE UNIQUE INDEX one_current_boot ON boots (node) WHERE current = 1;
`;

export const MIGRATIONS: readonly string[] = [RECORDS, BOOTS];

/** How many migrations the database has seen; 0 for a file just made. Refuses files of others and of newer versions. */
export function readVersion(database: DatabaseSync, path: string): number {
  const applicationId = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  const objects = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']);
  const fresh = applicationId === 0 && version === 0 && objects === 0;
  if (!fresh && applicationId !== APPLICATION_ID) throw new DatabaseUnavailable('Foreign', describeFault('Foreign', path));
  if (version > MIGRATIONS.length) {
    const versions = `its version is ${version}, this Berth knows ${MIGRATIONS.length}`;
    throw new DatabaseUnavailable('Newer', `${describeFault('Newer', path)} (${versions})`);
  }
  return version;
}

/** Brings the database to the newest version, or (for a test) to `target`; a failing step leaves it as it was before that step. */
export function migrate(database: DatabaseSync, from: number, options: { readonly target?: number; readonly onStep?: OnStep } = {}): void {
  const { target = MIGRATIONS.length, onStep } = options;
  for (let version = from; version < target; version++) {
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(MIGRATIONS[version] as string);
      onStep?.('migrating');
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT`);
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

const pragma = (database: DatabaseSync, name: string): number => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
