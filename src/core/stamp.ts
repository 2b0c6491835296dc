/**
 * A stamp orders the calls of one node without comparing clocks (DESIGN section 5). Compared in this order:
 * the process's start in ticks orders orphans, the nanoseconds order serial calls within one tick, the attempt
 * orders the retries and the undoing DEL of one call.
 */
export interface Stamp {
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  /** Start of the plugin's process since boot, in ticks (/proc/self/stat, field 22). */
  readonly startedTicks: number;
  /** Nanoseconds of the monotonic clock, read first thing. Decimal text: 2^53 ns is only 104 days of uptime. */
  readonly monotonicNs: string;
  readonly attempt: number;
}

/**
 * Negative: `a` is older. 0: the same call. Positive: `a` is newer. Both must be of one boot: across boots only a
 * live read of the node can tell, so asking is a bug.
 */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.bootId !== b.bootId) throw new Error('stamps of two boots have no order of their own');
  if (a.startedTicks !== b.startedTicks) return a.startedTicks - b.startedTicks;
  if (a.monotonicNs !== b.monotonicNs) {
    const byLength = a.monotonicNs.length - b.monotonicNs.length;
    if (byLength !== 0) return byLength;
    return a.monotonicNs < b.monotonicNs ? -1 : 1;
  }
  return a.attempt - b.attempt;
}

export const sameStamp = (a: Stamp, b: Stamp): boolean => a.bootId === b.bootId && compareStamps(a, b) === 0;
