/** Waiting on timers that are a parameter, and for how long to wait after a failure. */
import type { Timers } from '../core/clock.ts';

/** Resolves after `ms`, or as soon as the signal aborts. */
export function wait(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timers.after(ms, done);
    signal.addEventListener('abort', done);
  });
}

const FIRST_MS = 200;
const LONGEST_MS = 30_000;

/**
 * How long to wait after the nth failure in a row (n from 1): doubling from 0.2 s to 30 s, of which a random half is
 * kept, so that a thousand clients of a server that comes back do not come back together.
 */
export function backOffMs(failures: number, random: () => number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return longest * (0.5 + random() / 2);
}
