/** The door of the embedded store: one SQLite file, one controller (docs/embedded-store.md). */
import type { DatabaseSync } from 'node:sqlite';
import type { Writable } from 'node:stream';
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import type { Store } from '../store/store.ts';
import { backupDatabase, removeLeftovers, streamBackup } from './backup.ts';
import type { Backup } from './backup.ts';
import { SqliteCollection } from './collection.ts';
import { CommitQueue } from './commit-queue.ts';
import type { CommitCounters } from './commit-queue.ts';
import { explainError } from './faults.ts';
import type { DatabaseUnavailable } from './faults.ts';
import { lockInstance } from './instance-lock.ts';
import { SqliteNodes } from './nodes.ts';
import type { LocalNode } from './nodes.ts';
import { checkFile, checkLog, openDatabase, resolveDatabase } from './open-database.ts';
import { Reserve } from './reserve.ts';
import type { OnStep } from './step.ts';

export interface SqliteStoreOptions {
  /** The machine the controller runs on. */
  readonly localNode: LocalNode;
  /** For crash tests: called at each named step of the start and of every commit. */
  readonly onStep?: OnStep;
}

export interface SqliteStore {
  readonly store: Store;
  readonly nodes: SqliteNodes;
  /** Counted from the start of the process. */
  readonly counters: Readonly<CommitCounters>;
  /** A verified copy in a file that does not exist yet. */
  backup(destination: string): Promise<Backup>;
  /** The same to a stream, which is ended. */
  streamBackup(sink: Writable): Promise<Backup>;
  /** Commits what waits, gives the file back. The same as `store.close()`. */
  close(): Promise<void>;
}

/** Opens or makes the database. Throws DatabaseUnavailable, whose message tells the operator what is wrong and what to do. */
export function openSqliteStore(path: string, options: SqliteStoreOptions): SqliteStore {
  const file = resolveDatabase(path);
  checkFile(file);
  const unlock = lockInstance(file);
  let database: DatabaseSync | undefined;
  try {
    checkLog(file);
    removeLeftovers(file);
    const reserve = new Reserve(file);
    const onStep = options.onStep ?? (() => undefined);
    const opened = openWithin(file, reserve, onStep);
    database = opened.database;
    return build(file, opened, reserve, unlock, onStep, options.localNode);
  } catch (error) {
    if (database?.isOpen) database.close();
    unlock();
    throw explainError(error, file);
  }
}

/** A start writes, too: on a full disk that is what the reserve is for. */
function openWithin(file: string, reserve: Reserve, onStep: OnStep): { readonly database: DatabaseSync; readonly sequence: number } {
  const start = (): { readonly database: DatabaseSync; readonly sequence: number } => {
    const database = openDatabase(file, onStep);
    onStep('opened');
    try {
      return { database, sequence: startSequence(database) };
    } catch (error) {
      database.close();
      throw explainError(error, file);
    }
  };
  try {
    return start();
  } catch (error) {
    if ((error as DatabaseUnavailable).fault !== 'Full' || !reserve.spend()) throw error;
    return start();
  }
}

function build(
  file: string,
  { database, sequence }: { readonly database: DatabaseSync; readonly sequence: number },
  reserve: Reserve,
  unlock: () => void,
  onStep: OnStep,
  localNode: LocalNode,
): SqliteStore {
  const queue = new CommitQueue(database, file, reserve, sequence, onStep);
  const nodes = new SqliteNodes(database, queue, localNode);
  onStep('started');
  const bindings = new SqliteCollection<BindingSpec>(database, file, 'bindings', queue);
  const pools = new SqliteCollection<PoolSpec>(database, file, 'pools', queue);
  const close = async (): Promise<void> => {
    if (!database.isOpen) return;
    queue.close();
    bindings.close();
    pools.close();
    database.close();
    unlock();
  };
  return {
    store: { bindings, pools, close },
    nodes,
    counters: queue.counters,
    backup: (destination) => backupDatabase(file, destination),
    streamBackup: (sink) => streamBackup(file, sink),
    close,
  };
}

/**
 * Versions go on from the last one written, after a random gap: a database restored from a backup would else give the
 * same version to another record than the one a client has read before.
 */
function startSequence(database: DatabaseSync): number {
  const update = database.prepare("UPDATE meta SET value = value + 1 + abs(random() % 1048576) WHERE key = 'sequence' RETURNING value");
  return Number(update.get()?.['value']);
}
