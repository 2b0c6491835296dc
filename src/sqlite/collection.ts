/** One table of records as a Collection. Reads go to the database itself, which only ever shows what is committed. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Collection, StoreEvent, Stored, Watcher, Written } from '../store/store.ts';
import type { Applied, CommitQueue } from './commit-queue.ts';
import { DatabaseUnavailable, describeFault, explainError } from './faults.ts';

type Row = [name: string, uid: string, version: number, spec: string];

export class SqliteCollection<T> implements Collection<T> {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #queue: CommitQueue;
  readonly #selectAll: StatementSync;
  readonly #selectOne: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #watchers = new Set<Watcher<T>>();

  constructor(database: DatabaseSync, path: string, table: 'bindings' | 'pools', queue: CommitQueue) {
    this.#database = database;
    this.#path = path;
    this.#queue = queue;
    // In the order of the names: what is listed twice comes in the same order, and addresses of a network stand together.
    this.#selectAll = database.prepare(`SELECT name, uid, version, spec FROM ${table} ORDER BY name`);
    this.#selectOne = database.prepare(`SELECT name, uid, version, spec FROM ${table} WHERE name = ?`);
    // The uid is SQLite's randomness: a record made again after a restored backup must not get an old one's uid.
    this.#insert = database.prepare(
      `INSERT INTO ${table} (name, uid, version, spec) VALUES (?, lower(hex(randomblob(16))), ?, ?) ON CONFLICT DO NOTHING RETURNING uid`,
    );
    this.#update = database.prepare(`UPDATE ${table} SET version = ?, spec = ? WHERE name = ?`);
    this.#delete = database.prepare(`DELETE FROM ${table} WHERE name = ?`);
    for (const select of [this.#selectAll, this.#selectOne]) select.setReturnArrays(true);
  }

  list(): Promise<readonly Stored<T>[]> {
    return this.#read(() => Array.from(this.#rows(), (row) => toStored<T>(row)));
  }

  get(name: string): Promise<Stored<T> | undefined> {
    return this.#read(() => this.#find(name));
  }

  create(name: string, spec: T): Promise<Written<T>> {
    const text = JSON.stringify(spec);
    return this.#queue.submit(() => {
      const version = this.#queue.nextVersion();
      const inserted = this.#insert.get(name, version, text);
      if (!inserted) return refused('Exists', this.#find(name));
      return this.#put({ name, uid: String(inserted['uid']), version: String(version), spec: JSON.parse(text) as T });
    }, true);
  }

  replace(old: Stored<T>, spec: T): Promise<Written<T>> {
    const text = JSON.stringify(spec);
    const { name, uid, version: expected } = old;
    return this.#queue.submit(() => {
      const current = this.#find(name);
      if (current?.uid !== uid || current.version !== expected) return refused(current ? 'Changed' : 'Gone', current);
      const version = this.#queue.nextVersion();
      this.#update.run(version, text, name);
      return this.#put({ name, uid, version: String(version), spec: JSON.parse(text) as T });
    });
  }

  remove(old: Stored<T>): Promise<Written<T>> {
    const { name, uid, version: expected } = old;
    return this.#queue.submit(() => {
      const stored = this.#find(name);
      if (stored?.uid !== uid || stored.version !== expected) return refused(stored ? 'Changed' : 'Gone', stored);
      this.#delete.run(name);
      return { result: { ok: true, stored }, committed: () => this.#tell({ type: 'removed', stored, witnessed: true }) };
    });
  }

  /** A listing that fails throws out of the event loop: a controller that cannot read its database has nothing to serve. */
  watch(watcher: Watcher<T>): () => void {
    let open = true;
    const watching: Watcher<T> = {
      event: (event) => open && watcher.event(event),
      synced: () => open && watcher.synced(),
    };
    // Never before watch() has returned: the caller has no way to stop until then.
    queueMicrotask(() => {
      if (!open || !this.#database.isOpen) return;
      for (const row of this.#rows()) watching.event({ type: 'put', stored: toStored<T>(row) });
      watching.synced();
      this.#watchers.add(watching);
    });
    return () => {
      open = false;
      this.#watchers.delete(watching);
    };
  }

  close(): void {
    this.#watchers.clear();
  }

  #put(stored: Stored<T>): Applied<Written<T>> {
    return { result: { ok: true, stored }, committed: () => this.#tell({ type: 'put', stored }) };
  }

  #tell(event: StoreEvent<T>): void {
    for (const watcher of this.#watchers) watcher.event(event);
  }

  #find(name: string): Stored<T> | undefined {
    const row = this.#selectOne.get(name) as unknown as Row | undefined;
    return row && toStored<T>(row);
  }

  #rows(): Iterable<Row> {
    return this.#selectAll.iterate() as unknown as Iterable<Row>;
  }

  async #read<R>(read: () => R): Promise<R> {
    if (!this.#database.isOpen) throw new DatabaseUnavailable('Closed', describeFault('Closed', this.#path));
    try {
      return read();
    } catch (error) {
      throw explainError(error, this.#path);
    }
  }
}

const toStored = <T>([name, uid, version, spec]: Row): Stored<T> => ({ name, uid, version: String(version), spec: JSON.parse(spec) as T });

const refused = <T>(conflict: 'Exists' | 'Changed' | 'Gone', current: Stored<T> | undefined): Applied<Written<T>> => ({
  result: { ok: false, conflict, ...(current && { current }) },
});
