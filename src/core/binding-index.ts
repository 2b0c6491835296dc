/** Every way to find a record but by its address. Records enter and leave as a whole, so the indexes cannot drift apart. */
import { isBound, type Attachment, type BindingSpec, type ResourceKind } from './binding.ts';
import { Grouped, TwiceGrouped } from './grouped.ts';
import { attachmentKey, attachmentKeyContainer, holderKeyIdentity, holderKeyOf } from './holder.ts';
import { distinct } from './pool-book.ts';

const containerOf = (attachment: Attachment): string => attachment.containerId;
const podUidOf = (attachment: Attachment): string | undefined => attachment.podUid;
const nodeOf = (attachment: Attachment): string => attachment.node;

export class BindingIndex {
  readonly subjects = new TwiceGrouped<BindingSpec>((binding) => binding.subid);
  readonly released = new TwiceGrouped<BindingSpec>((binding) => binding.subid);
  readonly resources = new TwiceGrouped<BindingSpec>((binding) => binding.resource.value);
  readonly tags = new TwiceGrouped<BindingSpec>((binding, key) => binding.tags![key]!);
  readonly nodes = new Grouped<BindingSpec>();
  readonly podUids = new Grouped<BindingSpec>();
  /** Bound and released ones: a DEL must find the tombstone of its own container. */
  readonly containers = new Grouped<BindingSpec>();

  enter(binding: BindingSpec): void {
    for (const container of distinct(binding.attachments, containerOf)) this.containers.add(container, binding);
    if (!isBound(binding)) {
      this.released.add(binding.subinstance, binding);
      return;
    }
    this.subjects.add(binding.subinstance, binding);
    this.resources.add(binding.resource.type, binding);
    if (binding.tags) for (const key of Object.keys(binding.tags)) this.tags.add(key, binding);
    for (const node of distinct(binding.attachments, nodeOf)) this.nodes.add(node, binding);
    for (const uid of distinct(binding.attachments, podUidOf)) this.podUids.add(uid, binding);
  }

  leave(binding: BindingSpec): void {
    for (const container of distinct(binding.attachments, containerOf)) this.containers.delete(container, binding);
    if (!isBound(binding)) {
      this.released.delete(binding.subinstance, binding);
      return;
    }
    this.subjects.delete(binding.subinstance, binding);
    this.resources.delete(binding.resource.type, binding);
    if (binding.tags) for (const key of Object.keys(binding.tags)) this.tags.delete(key, binding);
    for (const node of distinct(binding.attachments, nodeOf)) this.nodes.delete(node, binding);
    for (const uid of distinct(binding.attachments, podUidOf)) this.podUids.delete(uid, binding);
  }

  byHolder(key: string): readonly BindingSpec[] {
    const { kind, id } = holderKeyIdentity(key);
    const candidates = kind === 'pod' ? this.podUids.get(id) : this.containers.get(id);
    return candidates.filter((binding) => isBound(binding) && binding.attachments.some((one) => holderKeyOf(binding, one) === key));
  }

  byAttachment(key: string): readonly BindingSpec[] {
    const candidates = this.containers.get(attachmentKeyContainer(key));
    return candidates.filter((binding) => binding.attachments.some((one) => attachmentKey(one) === key));
  }

  bySubject(subinstance: string, subid: string): readonly BindingSpec[] {
    const found = this.subjects.get(subinstance, subid);
    return found.length > 1 ? [...found].sort(bySlot) : found;
  }

  byResource(type: ResourceKind, value: string): readonly BindingSpec[] {
    return this.resources.get(type, value);
  }

  byTag(key: string, value?: string): readonly BindingSpec[] {
    return value === undefined ? this.tags.getAll(key) : this.tags.get(key, value);
  }
}

function bySlot(a: BindingSpec, b: BindingSpec): number {
  if (a.slot !== b.slot) return a.slot - b.slot;
  return Number(a.address.includes(':')) - Number(b.address.includes(':'));
}
