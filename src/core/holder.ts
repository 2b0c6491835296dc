/**
 * Who holds a record, as text that can be compared. The holder is an incarnation, not a name (DESIGN section 5):
 * a pod that comes back under its name has another UID and another key. JSON, because it is injective whatever the
 * parts contain, and can be taken apart again.
 */
import type { Attachment, BindingSpec, Family } from './binding.ts';

export interface Holder {
  readonly node: string;
  readonly podUid?: string;
  readonly containerId: string;
  readonly cniNetwork: string;
  readonly ifName: string;
  readonly family: Family;
  readonly slot: number;
}

export interface AttachmentId {
  readonly node: string;
  readonly cniNetwork: string;
  readonly containerId: string;
  readonly ifName: string;
}

/** The key of an incarnation: the pod's UID where there is one (its sandboxes share the address), else the container. */
export function holderKey(holder: Holder): string {
  const [kind, id] = holder.podUid ? ['pod', holder.podUid] : ['container', holder.containerId];
  return JSON.stringify([kind, id, holder.node, holder.cniNetwork, holder.ifName, holder.family, holder.slot]);
}

/** The key of a DEL: never the pod's UID or the pool, so that a late DEL of a first sandbox cannot hit the second. */
export function attachmentKey(attachment: AttachmentId): string {
  return JSON.stringify([attachment.containerId, attachment.node, attachment.cniNetwork, attachment.ifName]);
}

/** What an index looks a holder up by; the rest of the key is compared. */
export function holderKeyIdentity(key: string): { readonly kind: 'pod' | 'container'; readonly id: string } {
  const [kind, id] = JSON.parse(key) as ['pod' | 'container', string];
  return { kind, id };
}

export const attachmentKeyContainer = (key: string): string => (JSON.parse(key) as [string])[0];

export const familyOfBinding = (binding: BindingSpec): Family => (binding.address.includes(':') ? 'IPv6' : 'IPv4');

export function holderKeyOf(binding: BindingSpec, attachment: Attachment): string {
  return holderKey({ ...attachment, family: familyOfBinding(binding), slot: binding.slot });
}
