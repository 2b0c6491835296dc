/**
 * What a ledger knows about a released record besides the record: how long it still cools and is sticky. Measured on
 * this machine's monotonic clock from the moment the release was seen, so no clocks are compared and a restart only
 * lengthens it (DESIGN section 4).
 */
import type { BindingSpec } from './binding.ts';

/** `over`: nothing keeps the address back any more; the record waits for the janitor or for a new holder. */
export type TombstoneState = 'cooling' | 'sticky' | 'over';

export interface Tombstone {
  readonly binding: BindingSpec;
  /** Monotonic milliseconds, as are the two deadlines. */
  readonly seenAt: number;
  /** Orders releases that were seen within one tick of the clock. */
  readonly sequence: number;
  readonly coolingUntil: number;
  readonly stickyUntil: number;
  state: TombstoneState;
}

/** @param seen when the release was seen first */
export function makeTombstone(binding: BindingSpec, { seenAt, sequence }: Pick<Tombstone, 'seenAt' | 'sequence'>, now: number): Tombstone {
  const coolingUntil = seenAt + binding.cooldownSeconds * 1000;
  const stickyUntil = seenAt + binding.stickySeconds * 1000;
  return { binding, seenAt, sequence, coolingUntil, stickyUntil, state: stateAt(coolingUntil, stickyUntil, now) };
}

function stateAt(coolingUntil: number, stickyUntil: number, now: number): TombstoneState {
  if (now < coolingUntil) return 'cooling';
  return now < stickyUntil ? 'sticky' : 'over';
}

/** The state it should be in, and when that ends (undefined: never). */
export function tombstoneStateAt(tombstone: Tombstone, now: number): TombstoneState {
  return stateAt(tombstone.coolingUntil, tombstone.stickyUntil, now);
}

export function endOfState(tombstone: Tombstone): number | undefined {
  if (tombstone.state === 'cooling') return tombstone.coolingUntil;
  return tombstone.state === 'sticky' ? tombstone.stickyUntil : undefined;
}

/** Negative: `a` was released before `b`. */
export const compareReleases = (a: Tombstone, b: Tombstone): number => a.seenAt - b.seenAt || a.sequence - b.sequence;

/** The same release seen again (a relist, a write that changed nothing of it) does not start cooling anew. */
export function isSameRelease(a: BindingSpec, b: BindingSpec): boolean {
  return a.releasedAt === b.releasedAt && a.boundAt === b.boundAt && a.subinstance === b.subinstance && a.subid === b.subid;
}
