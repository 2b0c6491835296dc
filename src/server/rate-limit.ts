/**
 * One node cannot take the controller from the others: each has a bucket of calls that refills. A node that starts
 * again with all its pods asks for some hundreds at once; what comes beyond is told to come back.
 */
import type { Clock } from '../core/clock.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';

const BURST = 500;
const PER_SECOND = 50;
/** Nodes come and go; a bucket that would be full by now is forgotten when there are this many. */
const MOST_BUCKETS = 20_000;

interface Bucket {
  left: number;
  at: number;
}

export class RateLimit {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Nodes that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Overloaded, with the time after which one more call is let in. */
  admit(node: string): Outcome<string> {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(node) ?? this.#open(node, now);
    bucket.left = Math.min(BURST, bucket.left + ((now - bucket.at) / 1000) * PER_SECOND);
    bucket.at = now;
    if (bucket.left < 1) {
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - bucket.left) / PER_SECOND));
      return refuse('Overloaded', `Node ${node} has asked ${BURST} times in a burst, and may ask ${PER_SECOND} times a second.`, {
        retryAfterSeconds,
      });
    }
    bucket.left -= 1;
    return done(node);
  }

  #open(node: string, now: number): Bucket {
    if (this.#buckets.size >= MOST_BUCKETS) {
      const full = now - (BURST / PER_SECOND) * 1000;
      for (const [name, { at }] of this.#buckets) if (at <= full) this.#buckets.delete(name);
    }
    const bucket = { left: BURST, at: now };
    this.#buckets.set(node, bucket);
    return bucket;
  }
}
