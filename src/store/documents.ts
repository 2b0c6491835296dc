/**
 * Records as documents, the same in the HTTP API and in custom resources: times as RFC 3339 text, and of a pool what
 * a person writes. What else a document has (kind, name, counts) each border adds itself.
 */
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec, PoolSpecInput } from '../core/pool-spec.ts';

type Times = 'boundAt' | 'expiresAt' | 'releasedAt';

export type BindingSpecDocument = Omit<BindingSpec, Times> & {
  readonly boundAt: string;
  readonly expiresAt?: string;
  readonly releasedAt?: string;
};

/** Milliseconds since 1970 → "2026-11-24T03:24:04.000Z". A time no date can hold (a clock gone wild) becomes the nearest that can. */
export function toTime(milliseconds: number): string {
  return new Date(Math.min(8.64e15, Math.max(-8.64e15, Math.trunc(milliseconds) || 0))).toISOString();
}

export function toBindingSpecDocument({ boundAt, expiresAt, releasedAt, ...rest }: BindingSpec): BindingSpecDocument {
  return {
    ...rest,
    boundAt: toTime(boundAt),
    ...(expiresAt !== undefined && { expiresAt: toTime(expiresAt) }),
    ...(releasedAt !== undefined && { releasedAt: toTime(releasedAt) }),
  };
}

/** The inverse; undefined where a time is none. */
export function fromBindingSpecDocument({ boundAt, expiresAt, releasedAt, ...rest }: BindingSpecDocument): BindingSpec | undefined {
  const spec = {
    ...rest,
    boundAt: Date.parse(boundAt),
    ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }),
    ...(releasedAt !== undefined && { releasedAt: Date.parse(releasedAt) }),
  };
  return [spec.boundAt, spec.expiresAt, spec.releasedAt].some((time) => Number.isNaN(time)) ? undefined : spec;
}

/** Without `family`, which is derived: what comes out can be put in again. */
export function toPoolSpecDocument({ family: _family, ...written }: PoolSpec): PoolSpecInput {
  return written;
}
