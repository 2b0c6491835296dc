/** The library's one exception: a refusal of the engine, thrown. */
import type { Outcome, Refusal, RefusalReason } from './refusal.ts';

/**
 * InvalidIpAddress: malformed text. InvalidRange: first > last, overlap, mixed families, in use. InvalidSubnet: bad
 * prefix length or host bits set. IpNotAvailable: reserved, cooling or limited. IpNotFound: outside every range.
 * IpAlreadyAllocated: held by another. BindingNotFound: releasing what is not held. PoolFull: nothing left.
 * InvalidRequest: an argument or a snapshot that makes no sense.
 */
export type IpPoolErrorCode =
  | 'InvalidIpAddress'
  | 'InvalidRange'
  | 'InvalidSubnet'
  | 'IpNotAvailable'
  | 'IpNotFound'
  | 'IpAlreadyAllocated'
  | 'BindingNotFound'
  | 'PoolFull'
  | 'InvalidRequest';

const CODES: Partial<Record<RefusalReason, IpPoolErrorCode>> = {
  InvalidIpAddress: 'InvalidIpAddress',
  InvalidRange: 'InvalidRange',
  InvalidSubnet: 'InvalidSubnet',
  IpNotAvailable: 'IpNotAvailable',
  IpNotFound: 'IpNotFound',
  IpAlreadyAllocated: 'IpAlreadyAllocated',
  BindingNotFound: 'BindingNotFound',
  PoolFull: 'PoolFull',
  LimitReached: 'IpNotAvailable',
};

export class IpPoolError extends Error {
  override readonly name = 'IpPoolError';
  readonly code: IpPoolErrorCode;
  /** The address it is about. */
  readonly address: string | undefined;
  /** Who holds it, as "subinstance/subid". */
  readonly holder: string | undefined;
  /** When to try again: an address cools until then. */
  readonly retryAfterSeconds: number | undefined;

  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.code = CODES[refusal.reason] ?? 'InvalidRequest';
    this.address = refusal.address;
    this.holder = refusal.holder;
    this.retryAfterSeconds = refusal.retryAfterSeconds;
  }
}

/** The value, or the refusal thrown. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new IpPoolError(outcome.refusal);
  return outcome.value;
}
