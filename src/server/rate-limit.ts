/**
 * One node cannot take the controller from the others: each has a bucket of calls that refills. A node that starts
 * again with all its pods asks for some hundreds at once; what comes beyond is told to come back. A second bucket is for
 * what a single call may name: thousands of deletions, each remembered for minutes, or of addresses, each a question to the
 * API server; or a megabyte that is nothing at all, and takes 150 ms to be seen through.
 */
import type { Clock } from '../core/clock.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
  /** The refusal's sentence goes on so, after "Node N". */
  readonly told: string;
}

const CALLS: Rate = { burst: 500, perSecond: 50, told: 'has asked 500 times in a burst, and may ask 50 times a second' };

/** The whole spool of a node is delivered within a minute. */
export const NAMED: Rate = {
  burst: 10_000,
  perSecond: 100,
  told: 'has named 10,000 pools, addresses and deletions in a burst (or sent 5 MB), and may name 100 a second',
};
/** That many a call are nothing unusual. */
export const NAMED_FREELY = 2;

/** Nodes come and go; a bucket that would be full by now is forgotten when there are this many. */
const MOST_BUCKETS = 20_000;

interface Bucket {
  left: number;
  at: number;
}

export class RateLimit {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, 'monotonic'>, rate: Rate = CALLS) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** Nodes that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Overloaded, with the time after which one more is let in. What costs more than is left is let in, and paid for later. */
  admit(node: string, cost = 1): Outcome<string> {
    const { perSecond, told } = this.#rate;
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(node) ?? this.#open(node, now);
    bucket.left = this.#leftAt(bucket, now);
    bucket.at = now;
    if (bucket.left < 1) {
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - bucket.left) / perSecond));
      return refuse('Overloaded', `Node ${node} ${told}.`, { retryAfterSeconds });
    }
    bucket.left -= cost;
    return done(node);
  }

  #leftAt({ left, at }: Bucket, now: number): number {
    return Math.min(this.#rate.burst, left + ((now - at) / 1000) * this.#rate.perSecond);
  }

  #open(node: string, now: number): Bucket {
    const { burst } = this.#rate;
    if (this.#buckets.size >= MOST_BUCKETS) {
      for (const [name, bucket] of this.#buckets) if (this.#leftAt(bucket, now) >= burst) this.#buckets.delete(name);
    }
    const bucket = { left: burst, at: now };
    this.#buckets.set(node, bucket);
    return bucket;
  }
}
