/**
 * The clock of a library user who names none, and the one place in the core that reads the time. Everything else is
 * handed a clock. `performance` is missing in bare JavaScript engines; there the wall clock, kept from going back,
 * stands in.
 */
import type { Clock } from './clock.ts';

// oxlint-disable no-restricted-globals
export function makeSystemClock(): Clock {
  const now = (): number => Date.now();
  if (typeof performance === 'object' && typeof performance.now === 'function') return { now, monotonic: () => performance.now() };
  let latest = 0;
  return { now, monotonic: () => (latest = Math.max(latest, Date.now())) };
}
