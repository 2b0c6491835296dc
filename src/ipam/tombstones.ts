/**
 * What is remembered for four minutes of calls whose effect may still be on its way, by attachment (a watch whose
 * connection is dead is noticed after two and a half, and until then the view shows none of it):
 *
 * - a DEL. An older ADD that is still under way, here or on another replica, is refused, or its record let go when it
 *   arrives (LESSONS G). By stamp, not for ever: a runtime may add the same container id again (nerdctl does).
 * - an ADD that failed after it had been sent to the store. Its caller was told no, so a record with exactly its stamp
 *   is nobody's; a retry of the call has a newer stamp and is not meant.
 */
import type { Clock } from '../core/clock.ts';
import { compareStamps, sameStamp, type Stamp } from '../core/stamp.ts';

const KEPT_MS = 240_000;

interface Tombstone {
  readonly stamp: Stamp;
  readonly until: number;
}

export class Tombstones {
  readonly #clock: Clock;
  // In order of time, because a key that is set again is moved to the end.
  readonly #deleted = new Map<string, Tombstone>();
  readonly #failed = new Map<string, Tombstone>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  deleted(attachment: string, stamp: Stamp): void {
    const old = this.#current(this.#deleted, attachment);
    if (old === undefined || old.bootId !== stamp.bootId || compareStamps(old, stamp) <= 0) this.#put(this.#deleted, attachment, stamp);
  }

  failed(attachment: string, stamp: Stamp): void {
    this.#put(this.#failed, attachment, stamp);
  }

  /** The stamp of the DEL that came after a call of that attachment. */
  deletedAfter(attachment: string, stamp: Stamp): Stamp | undefined {
    const by = this.#current(this.#deleted, attachment);
    return by !== undefined && by.bootId === stamp.bootId && compareStamps(by, stamp) > 0 ? by : undefined;
  }

  /** The stamp of the call because of which a record with this attachment and stamp has no owner. */
  condemns(attachment: string, stamp: Stamp): Stamp | undefined {
    const failed = this.#current(this.#failed, attachment);
    if (failed !== undefined && sameStamp(failed, stamp)) return failed;
    return this.deletedAfter(attachment, stamp);
  }

  #put(tombstones: Map<string, Tombstone>, attachment: string, stamp: Stamp): void {
    tombstones.delete(attachment);
    tombstones.set(attachment, { stamp, until: this.#clock.monotonic() + KEPT_MS });
  }

  #current(tombstones: Map<string, Tombstone>, attachment: string): Stamp | undefined {
    const now = this.#clock.monotonic();
    for (const [old, { until }] of tombstones) {
      if (until > now) break;
      tombstones.delete(old);
    }
    return tombstones.get(attachment)?.stamp;
  }
}
