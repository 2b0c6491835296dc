/** Bound records put together by the sandbox that holds them: all addresses of a sandbox are let go, or none. */
import { isBound, type Attachment, type BindingSpec } from '../../core/binding.ts';
import type { Stored } from '../../store/store.ts';
import type { Context } from '../context.ts';

export interface Sandbox {
  /** Node, pod UID and container: after a reboot a pod has another sandbox, and the records of both may be there. */
  readonly key: string;
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  /** Of any of its records; node, UID, container and grace period are the same in all. */
  readonly attachment: Attachment;
  readonly records: readonly Stored<BindingSpec>[];
}

/** Records of an unknown kind of holder, or without metadata, are in no sandbox: they are kept (LESSONS 7). */
export function sandboxesOf(context: Context): readonly Sandbox[] {
  const sandboxes = new Map<string, Sandbox & { readonly records: Stored<BindingSpec>[] }>();
  for (const { stored } of context.view.bindings()) {
    const { spec } = stored;
    const [attachment, second] = spec.attachments;
    if (!isBound(spec) || attachment?.podUid === undefined || second !== undefined || spec.resource.type !== 'pod') continue;
    const key = `${attachment.node}/${attachment.podUid}/${attachment.containerId}`;
    const known = sandboxes.get(key);
    if (known !== undefined) known.records.push(stored);
    else
      sandboxes.set(key, { key, podUid: attachment.podUid, namespace: spec.subinstance, name: spec.subid, attachment, records: [stored] });
  }
  return [...sandboxes.values()];
}
