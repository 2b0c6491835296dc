/** The shapes of the library's face. */
import type { BindingSpec, Family, Resource } from './binding.ts';
import type { Clock } from './clock.ts';
import type { IpPoolErrorCode } from './ip-pool-error.ts';
import type { Placement, WhenFull } from './pool-spec.ts';

export interface IpPoolOptions {
  /** `Lowest` unless said: the lowest available address. `Home` starts at a hash of the subject instead. */
  readonly placement?: Placement;
  /** A released address is given to somebody else last for so long; 0 unless said. */
  readonly cooldownSeconds?: number;
  /** When only cooling addresses are left: `Reuse` (unless said) gives the oldest, `Wait` refuses. */
  readonly whenFull?: WhenFull;
  /** A released address is kept for its subject for so long; 0 unless said. */
  readonly stickySeconds?: number;
  /** How many addresses one subinstance may hold, both families together. */
  readonly limits?: { readonly perSubinstance?: number };
  /** Where time comes from: the system's clock unless said. */
  readonly clock?: Clock;
}

export interface AllocateOptions {
  /** IPv4 where the pool has IPv4 ranges, else IPv6, unless said. */
  readonly family?: Family;
  /** Which of several addresses of a family this is; 0 unless said. */
  readonly slot?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** The binding ends by itself after this time, at the next expire(). */
  readonly leaseSeconds?: number;
}

/** An address and who holds it, or held it. Times are milliseconds since 1970. */
export interface Binding {
  readonly address: string;
  readonly family: Family;
  readonly subinstance: string;
  readonly subid: string;
  readonly slot: number;
  readonly resource: Resource;
  readonly tags?: Readonly<Record<string, string>>;
  readonly boundAt: number;
  readonly expiresAt?: number;
  readonly releasedAt?: number;
}

export interface IpPoolStats {
  readonly total: bigint;
  readonly allocated: bigint;
  /** Reserved and not held. */
  readonly reserved: bigint;
  /** Neither held nor reserved nor cooling; what is missing to the total cools. */
  readonly available: bigint;
}

export type TryAllocated =
  | { readonly address: string; readonly refusal?: never }
  | {
      readonly address?: never;
      readonly refusal: { readonly code: IpPoolErrorCode; readonly detail: string; readonly retryAfterSeconds?: number };
    };

/** What `changed` says: everything that alters the pool, the three other events included. */
export type Change =
  | { readonly kind: 'allocated' | 'released' | 'expired' | 'renewed'; readonly binding: Binding }
  | { readonly kind: 'rangeAdded' | 'rangeRemoved'; readonly first: string; readonly last: string }
  | { readonly kind: 'reserved' | 'unreserved'; readonly address: string };

export interface IpPoolEvents extends Record<string, unknown> {
  readonly allocated: Binding;
  readonly released: Binding;
  readonly expired: Binding;
  readonly changed: Change;
}

export function toBinding(spec: BindingSpec, releasedAt = spec.releasedAt): Binding {
  return {
    address: spec.address,
    family: spec.address.includes(':') ? 'IPv6' : 'IPv4',
    subinstance: spec.subinstance,
    subid: spec.subid,
    slot: spec.slot,
    resource: spec.resource,
    ...(spec.tags && { tags: spec.tags }),
    boundAt: spec.boundAt,
    ...(spec.expiresAt !== undefined && { expiresAt: spec.expiresAt }),
    ...(releasedAt !== undefined && { releasedAt }),
  };
}
