/**
 * What DEL leaves in memory for 60 s, by attachment: an older ADD of it that is still under way, here or on another
 * replica, is refused or its record let go when it arrives (LESSONS G). By stamp, not for ever: a runtime may add the
 * same container id again (nerdctl does).
 */
import type { Clock } from '../core/clock.ts';
import { compareStamps, type Stamp } from '../core/stamp.ts';

const KEPT_MS = 60_000;

export class Tombstones {
  readonly #clock: Clock;
  /** In order of time, because a key that is set again is moved to the end. */
  readonly #tombstones = new Map<string, { readonly stamp: Stamp; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(attachment: string, stamp: Stamp): void {
    this.#sweep();
    const old = this.#tombstones.get(attachment);
    if (old !== undefined && old.stamp.bootId === stamp.bootId && compareStamps(old.stamp, stamp) > 0) return;
    this.#tombstones.delete(attachment);
    this.#tombstones.set(attachment, { stamp, until: this.#clock.monotonic() + KEPT_MS });
  }

  /** The DEL that forbids a call of that attachment with that stamp, if there was one. */
  newerThan(attachment: string, stamp: Stamp): Stamp | undefined {
    this.#sweep();
    const tombstone = this.#tombstones.get(attachment)?.stamp;
    if (tombstone === undefined || tombstone.bootId !== stamp.bootId) return undefined;
    return compareStamps(tombstone, stamp) > 0 ? tombstone : undefined;
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [attachment, { until }] of this.#tombstones) {
      if (until > now) return;
      this.#tombstones.delete(attachment);
    }
  }
}
