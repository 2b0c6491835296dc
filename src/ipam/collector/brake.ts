/**
 * The brake on releases that are inferred from absence (LESSONS 7, K, T): per pool and overall at most 5, or 1 % of the
 * bound records, within five minutes. What is beyond waits, and trickles as the window moves on. A deletion that was
 * seen, and a node's new boot, do not count.
 */
import type { Clock } from '../../core/clock.ts';

const WINDOW_MS = 5 * 60_000;
const AT_LEAST = 5;
const SHARE = 0.01;

export class Brake {
  readonly #clock: Clock;
  #released: { readonly pool: string; readonly at: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For a pass that only says what it would do. */
  copy(): Brake {
    const copy = new Brake(this.#clock);
    copy.#released = [...this.#released];
    return copy;
  }

  /** Whether one more may go; `bound` is how many records are bound, in that pool and in all. */
  allows(pool: string, bound: { readonly inPool: number; readonly inAll: number }): boolean {
    const since = this.#clock.monotonic() - WINDOW_MS;
    this.#released = this.#released.filter(({ at }) => at > since);
    const ofPool = this.#released.filter((one) => one.pool === pool).length;
    return ofPool < most(bound.inPool) && this.#released.length < most(bound.inAll);
  }

  count(pool: string): void {
    this.#released.push({ pool, at: this.#clock.monotonic() });
  }
}

const most = (bound: number): number => Math.max(AT_LEAST, Math.floor(bound * SHARE));
