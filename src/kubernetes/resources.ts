/**
 * Between records and custom resources: pure. What the shape of the object asks for beyond the record (state, node,
 * podUid: repeated, because a field selector cannot look into a list) is made here and left out again here.
 */
import { bindingName } from '../core/binding-name.ts';
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec, PoolSpecInput } from '../core/pool-spec.ts';
import { normalisePool } from '../core/pool.ts';
import { canonicalAddress } from '../core/address.ts';
import { fromBindingSpecDocument, toBindingSpecDocument, toPoolSpecDocument } from '../store/documents.ts';
import type { Conversion } from './collection.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from './objects.ts';
import type { AddressBinding, AddressPool } from './resources.generated.ts';

const API_VERSION = 'berth-ipam.dev/v1alpha1';

/** What an object says is not what Berth could have written; the message is a sentence for a person. */
export class UnreadableResource extends Error {
  override readonly name = 'UnreadableResource';
}

export const bindingResource = {
  type: ADDRESS_BINDINGS,

  toObject(name: string, spec: BindingSpec): AddressBinding {
    const { attachments, releasedAt, ...rest } = toBindingSpecDocument(spec);
    const first = attachments[0];
    return {
      apiVersion: API_VERSION,
      kind: 'AddressBinding',
      metadata: { name },
      spec: {
        ...rest,
        state: releasedAt === undefined ? 'Bound' : 'Released',
        ...(first && { node: first.node }),
        ...(first?.podUid !== undefined && { podUid: first.podUid }),
        attachments,
        ...(releasedAt !== undefined && { releasedAt }),
      },
    };
  },

  /** Throws UnreadableResource where the schema was not enforced (a CRD without its rules) and the object is no binding. */
  toSpec({ metadata: { name }, spec }: AddressBinding): BindingSpec {
    const { state: _state, node: _node, podUid: _podUid, ...document } = spec;
    if (canonicalAddress(document.address) !== document.address) {
      throw new UnreadableResource(`the binding ${name} holds "${document.address}", which is no address in canonical form`);
    }
    if (bindingName(document.network, document.address) !== name) {
      throw new UnreadableResource(`the binding ${name} says that it holds ${document.address} of network ${document.network}`);
    }
    const read = fromBindingSpecDocument(document);
    if (read === undefined) throw new UnreadableResource(`the binding ${name} has a time that is none`);
    return read;
  },
} satisfies Conversion<BindingSpec>;

export const poolResource = {
  type: ADDRESS_POOLS,

  toObject(name: string, spec: PoolSpec): AddressPool {
    return { apiVersion: API_VERSION, kind: 'AddressPool', metadata: { name }, spec: toPoolSpecDocument(spec) };
  },

  /** Throws UnreadableResource with core's own sentence: what the schema's rules cannot say, they have let through. */
  toSpec({ metadata: { name }, spec }: AddressPool): PoolSpec {
    // The schema's rule "either cidr, or first and last" is a type in core; normalisePool checks it again.
    const pool = normalisePool(name, spec as PoolSpecInput);
    if (!pool.ok) throw new UnreadableResource(`the pool ${name} cannot be used: ${pool.refusal.detail}`);
    return pool.value;
  },
} satisfies Conversion<PoolSpec>;
