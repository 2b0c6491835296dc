/** Bound records put together by the sandbox that holds them: all addresses of a sandbox are let go, or none. */
import { isBound, type Attachment, type BindingSpec } from '../../core/binding.ts';
import type { Stored } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { Breath } from './breath.ts';

export interface Sandbox {
  /** Node, pod UID and container: after a reboot a pod has another sandbox, and the records of both may be there. */
  readonly key: string;
  /** Absent: the runtime does not tell it (cri-dockerd); then the pod is known by its name and its node. */
  readonly podUid: string | undefined;
  readonly namespace: string;
  readonly name: string;
  /** Of any of its records; node, UID, container and grace period are the same in all. */
  readonly attachment: Attachment;
  readonly records: readonly Stored<BindingSpec>[];
}

/**
 * By their keys. Records of an unknown kind of holder, or without metadata, are in no sandbox: they are kept (LESSONS 7).
 * What changes while this takes its time is young (evidence.ts), whichever of its states is in here.
 */
export async function sandboxesOf({ view, timers }: Pick<Context, 'view' | 'timers'>): Promise<ReadonlyMap<string, Sandbox>> {
  const sandboxes = new Map<string, Sandbox & { readonly records: Stored<BindingSpec>[] }>();
  const breath = new Breath(timers);
  for (const { stored } of view.bindings()) {
    if (breath.isDue()) await breath.take();
    const { spec } = stored;
    const [attachment, second] = spec.attachments;
    if (!isBound(spec) || attachment === undefined || second !== undefined || spec.resource.type !== 'pod') continue;
    const key = `${attachment.node}/${attachment.podUid ?? ''}/${attachment.containerId}`;
    const known = sandboxes.get(key);
    if (known !== undefined) known.records.push(stored);
    else
      sandboxes.set(key, { key, podUid: attachment.podUid, namespace: spec.subinstance, name: spec.subid, attachment, records: [stored] });
  }
  return sandboxes;
}
