/**
 * After a reboot no sandbox of the boot before is left: what they held is released to cooling, where the same subject
 * gets its own back (LESSONS 21; static pods too, their sandboxes are gone as well).
 */
import { bindingName } from '../core/binding-name.ts';
import type { BindingSpec } from '../core/binding.ts';
import type { Context } from './context.ts';
import { releaseBinding } from './write.ts';

/** In the background: the call that brought the news does not wait. What fails is left to the collector's next pass. */
export function releaseOlderBoots(context: Context, node: string, bootId: string): void {
  void releaseBoots(context, node, (held) => held !== bootId).then(
    (released) => {
      if (released.length > 0) context.log.info({ node, bootId, released: released.length }, 'node booted, older attachments released');
    },
    (error: unknown) => context.log.warn({ node, bootId, error }, 'older attachments could not be released yet'),
  );
}

/** Releases what the node's boots in question held. */
export async function releaseBoots(context: Context, node: string, isOver: (bootId: string) => boolean): Promise<readonly BindingSpec[]> {
  const over = (spec: BindingSpec) =>
    spec.attachments.length > 0 && spec.attachments.every((held) => held.node === node && isOver(held.stamp.bootId));
  const released: BindingSpec[] = [];
  for (const binding of [...context.view.ledger.byNode(node)]) {
    if (!over(binding)) continue;
    const done = await releaseBinding(context, bindingName(binding.network, binding.address), over);
    if (done !== undefined) released.push(done);
  }
  return released;
}
