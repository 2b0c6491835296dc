/**
 * Group commit. A durable commit costs one fsync (0.3 ms on a good disk, 10 ms on a bad one) whatever is in it, so the
 * writes that wait together share one: they are tried one after the other in a single transaction, each with its
 * own outcome, and all are answered after it is on disk.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreAmbiguous } from '../store/store.ts';
import { DatabaseUnavailable, describeFault, describeLowSpace, explainError, faultOf } from './faults.ts';
import type { DatabaseFault } from './faults.ts';
import type { Reserve } from './reserve.ts';
import type { OnStep } from './step.ts';

/** What a write did inside the transaction. */
export interface Applied<R> {
  readonly result: R;
  /** Runs once the write is durable, in the order of the writes, before anybody is answered. Absent: nothing was written. */
  readonly committed?: (() => void) | undefined;
}

export interface CommitCounters {
  /** Transactions that reached the disk. */
  commits: number;
  /** Writes in them. */
  writes: number;
  /** Writes that found another version, or the name taken. */
  conflicts: number;
  /** Transactions that failed: nothing of them was kept. */
  failures: number;
}

interface Waiting {
  /** It makes the database longer. */
  readonly grows: boolean;
  apply(): Applied<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

type Outcome = { readonly applied: Applied<unknown> } | { readonly error: unknown };

/** Bounds how long one transaction keeps the event loop: 256 writes take about 5 ms. */
const WRITES_PER_COMMIT = 256;

/**
 * A transaction waits for writes that are about to arrive: until nothing has come for this many turns of the event
 * loop. libuv accepts one connection in a turn, and reading its request takes another two, so with a single turn of
 * patience 32 plugins that connect at once got 1.2 writes a commit, with this 18, and five times the rate. A turn in which
 * nothing happens takes 2 µs, so a lone caller does not notice.
 */
const QUIET_TURNS = 4;

/** And at most this many turns in all: each of them did some work for somebody, but the first writer waits. */
const TURNS_TO_GATHER = 64;

export class CommitQueue {
  readonly counters: CommitCounters = { commits: 0, writes: 0, conflicts: 0, failures: 0 };
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #onStep: OnStep;
  readonly #saveSequence: StatementSync;
  readonly #reserve: Reserve;
  #sequence: number;
  #waiting: Waiting[] = [];
  /** The reserve is spent: what makes the database longer is refused until there is space for another. */
  #full: boolean;
  #closed = false;

  constructor(database: DatabaseSync, path: string, reserve: Reserve, sequence: number, onStep: OnStep) {
    this.#database = database;
    this.#path = path;
    this.#reserve = reserve;
    reserve.hold();
    this.#full = reserve.isSpent();
    this.#sequence = sequence;
    this.#onStep = onStep;
    this.#saveSequence = database.prepare("UPDATE meta SET value = ? WHERE key = 'sequence'");
  }

  /** The next version. Only for use inside a write; a number that is not committed is never seen again. */
  nextVersion(): number {
    return ++this.#sequence;
  }

  /**
   * Runs the write in the next transaction and answers once that is on disk. Throws StoreUnavailable when nothing was
   * written, StoreAmbiguous when the disk failed during the commit itself. `grows`: refused while only the reserve is left.
   */
  submit<R>(apply: () => Applied<R>, grows = false): Promise<R> {
    if (this.#closed) return Promise.reject(new DatabaseUnavailable('Closed', describeFault('Closed', this.#path)));
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.#waiting.push({ grows, apply, resolve: resolve as (result: unknown) => void, reject });
    this.#onStep('submitted');
    if (this.#waiting.length === 1) this.#gather(0, 0, 1);
    return promise;
  }

  /** Commits what waits; afterwards every write is refused. */
  close(): void {
    this.#closed = true;
    while (this.#waiting.length > 0) this.#commitNext();
  }

  #gather(turns: number, quietTurns: number, seen: number): void {
    setImmediate(() => {
      const waiting = this.#waiting.length;
      const quiet = waiting > seen ? 0 : quietTurns + 1;
      const more = quiet < QUIET_TURNS && turns < TURNS_TO_GATHER && waiting < WRITES_PER_COMMIT;
      if (more) return this.#gather(turns + 1, quiet, waiting);
      if (waiting > 0) this.#commitNext();
      if (this.#waiting.length > 0) this.#gather(0, 0, this.#waiting.length);
    });
  }

  #commitNext(): void {
    const batch = this.#waiting.splice(0, WRITES_PER_COMMIT);
    const outcomes = this.#commit(batch);
    try {
      for (const outcome of outcomes) if ('applied' in outcome) outcome.applied.committed?.();
      this.#onStep('delivered');
    } finally {
      // A watcher that throws ends the process (it is a bug), but what is on disk is said to be there.
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index] as Outcome;
        if ('applied' in outcome) resolve(outcome.applied.result);
        else reject(outcome.error);
      }
    }
    this.#onStep('answered');
  }

  #commit(batch: readonly Waiting[]): readonly Outcome[] {
    if (this.#full) this.#full = !this.#reserve.hold();
    const first = this.#tryToCommit(batch);
    if (first.fault !== 'Full' || !this.#reserve.spend()) return first.outcomes;
    this.#full = true;
    this.#emptyLog();
    return this.#tryToCommit(batch).outcomes;
  }

  #tryToCommit(batch: readonly Waiting[]): { readonly outcomes: readonly Outcome[]; readonly fault?: DatabaseFault | undefined } {
    const database = this.#database;
    let committing = false;
    try {
      database.exec('BEGIN IMMEDIATE');
      this.#onStep('begun');
      const outcomes = batch.map((waiting) => this.#apply(waiting));
      this.#onStep('applied');
      const writes = outcomes.filter((outcome) => 'applied' in outcome && outcome.applied.committed).length;
      if (writes > 0) {
        this.#saveSequence.run(this.#sequence);
        this.#onStep('before-commit');
      }
      committing = true;
      database.exec(writes > 0 ? 'COMMIT' : 'ROLLBACK');
      if (writes > 0) this.#onStep('committed');
      this.counters.commits += writes > 0 ? 1 : 0;
      this.counters.writes += writes;
      this.counters.conflicts += outcomes.filter((outcome) => 'applied' in outcome && !outcome.applied.committed).length;
      return { outcomes };
    } catch (error) {
      this.counters.failures++;
      if (database.isTransaction) database.exec('ROLLBACK');
      const fault = faultOf(error);
      // Written to the log, perhaps, but not known to be durable: after a crash it may be there or not.
      const ambiguous = committing && fault === 'Failing';
      const told = ambiguous ? new StoreAmbiguous(describeFault('Failing', this.#path), { cause: error }) : explainError(error, this.#path);
      return { outcomes: batch.map(() => ({ error: told })), fault };
    }
  }

  /** A statement that fails (a constraint) fails alone; a fault of the database, and a transaction it ended, fail all. */
  #apply(waiting: Waiting): Outcome {
    if (waiting.grows && this.#full) return { error: new DatabaseUnavailable('Full', describeLowSpace(this.#path)) };
    try {
      return { applied: waiting.apply() };
    } catch (error) {
      if (faultOf(error) !== undefined || !this.#database.isTransaction) throw error;
      return { error };
    }
  }

  /** Moves the log into the database, and gives its space back. */
  #emptyLog(): void {
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // The next commit says what is wrong.
    }
  }
}
