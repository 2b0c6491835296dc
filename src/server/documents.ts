/** Between the records as the engine keeps them and the documents as the API shows them: counts as text. */
import type { BindingSpec, ResourceKind } from '../core/binding.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import type { AddressExplanation, BindingFilter, ChangeEvent, PodExplanation, PoolCounts } from '../ipam/operations.ts';
import { API_VERSION } from '../protocol.ts';
import type {
  AddressBinding,
  AddressPool,
  Explanation,
  PodExplanation as PodExplanationDocument,
  PoolStatus,
  Released,
} from '../protocol.ts';
import { toBindingSpecDocument, toPoolSpecDocument, toTime } from '../store/documents.ts';
import type { Stored } from '../store/store.ts';

export function toBindingDocument({ name, uid, version, spec }: Stored<BindingSpec>): AddressBinding {
  return {
    apiVersion: API_VERSION,
    kind: 'AddressBinding',
    metadata: { name, uid, resourceVersion: version },
    spec: toBindingSpecDocument(spec),
  };
}

export function toPoolDocument({ name, uid, version, spec }: Stored<PoolSpec>, counts?: PoolCounts): AddressPool {
  return {
    apiVersion: API_VERSION,
    kind: 'AddressPool',
    metadata: { name, uid, resourceVersion: version },
    spec: toPoolSpecDocument(spec),
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

/** What a listing's query means: `resource` is TYPE:VALUE, `tag` is KEY or KEY=VALUE. */
export function toBindingFilter({ resource, tag, ...plain }: BindingQueryText): BindingFilter {
  return {
    ...(plain as Omit<BindingFilter, 'resource' | 'tag'>),
    ...(resource !== undefined && { resource: splitOnce(resource, ':', (type, value = '') => ({ type: type as ResourceKind, value })) }),
    ...(tag !== undefined && { tag: splitOnce(tag, '=', (key, value) => (value === undefined ? { key } : { key, value })) }),
  };
}

type BindingQueryText = { readonly [Key in keyof BindingFilter]?: string };

function splitOnce<T>(whole: string, separator: string, build: (first: string, rest?: string) => T): T {
  const at = whole.indexOf(separator);
  return at === -1 ? build(whole) : build(whole.slice(0, at), whole.slice(at + 1));
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

export const toPodExplanation = ({ bindings, ...rest }: PodExplanation): PodExplanationDocument => ({
  ...rest,
  bindings: bindings.map(toBindingDocument),
});

export function toEventDocument(event: ChangeEvent): AddressBinding | AddressPool {
  return event.kind === 'binding' ? toBindingDocument(event.stored) : toPoolDocument(event.stored);
}
