/** Between the records as the engine keeps them and the documents as the API shows them: RFC 3339 times, counts as text. */
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import type { AddressExplanation, ChangeEvent, PoolCounts } from '../ipam/operations.ts';
import { API_VERSION } from '../protocol.ts';
import type { AddressBinding, AddressPool, Explanation, PoolSpecInput, PoolStatus, Released } from '../protocol.ts';
import type { Stored } from '../store/store.ts';

/** Milliseconds since 1970 → "2026-11-24T03:24:04.000Z". A time no date can hold (a clock gone wild) becomes the nearest that can. */
export function toTime(milliseconds: number): string {
  return new Date(Math.min(8.64e15, Math.max(-8.64e15, Math.trunc(milliseconds) || 0))).toISOString();
}

export function toBindingDocument({ name, uid, version, spec }: Stored<BindingSpec>): AddressBinding {
  const { boundAt, expiresAt, releasedAt, ...rest } = spec;
  return {
    apiVersion: API_VERSION,
    kind: 'AddressBinding',
    metadata: { name, uid, resourceVersion: version },
    spec: {
      ...rest,
      boundAt: toTime(boundAt),
      ...(expiresAt !== undefined && { expiresAt: toTime(expiresAt) }),
      ...(releasedAt !== undefined && { releasedAt: toTime(releasedAt) }),
    },
  };
}

/** Without `family`, which is derived: the document can be put back as it is. */
export function toPoolDocument({ name, uid, version, spec }: Stored<PoolSpec>, counts?: PoolCounts): AddressPool {
  const { family: _family, ...written } = spec;
  return {
    apiVersion: API_VERSION,
    kind: 'AddressPool',
    metadata: { name, uid, resourceVersion: version },
    spec: written satisfies PoolSpecInput,
    ...(counts && { status: toPoolStatus(counts) }),
  };
}

export function toPoolStatus(counts: PoolCounts): PoolStatus {
  return {
    total: String(counts.total),
    allocated: String(counts.allocated),
    reserved: String(counts.reserved),
    cooling: String(counts.cooling),
    available: String(counts.available),
  };
}

export function toReleased(bindings: readonly BindingSpec[]): Released {
  return {
    released: bindings.map(({ address, network, pool, subinstance, subid }) => ({ address, network, pool, subinstance, subid })),
  };
}

export function toExplanation({ binding, availableAt, ...rest }: AddressExplanation): Explanation {
  return {
    ...rest,
    ...(binding && { binding: toBindingDocument(binding) }),
    ...(availableAt !== undefined && { availableAt: toTime(availableAt) }),
  };
}

export function toEventDocument(event: ChangeEvent): AddressBinding | AddressPool {
  return event.kind === 'binding' ? toBindingDocument(event.stored) : toPoolDocument(event.stored);
}
