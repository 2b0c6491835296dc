/**
 * Lets go of records that nobody owns: those that arrive, by whatever way, after the call that ended them (the DEL that
 * was answered "unknown", the ADD whose caller was told no), and the older of two that one holder has. Tried until it is done, because nobody else will.
 */
import { bindingName } from '../core/binding-name.ts';
import { isBound, type Attachment, type BindingSpec } from '../core/binding.ts';
import { attachmentKey, holderKeyOf } from '../core/holder.ts';
import { compareStamps, sameStamp, type Stamp } from '../core/stamp.ts';
import type { Context } from './context.ts';
import { releaseBinding } from './write.ts';

const RETRY_MS = 1_000;

/** Follows the view until the returned function is called. */
export function releaseCondemned(context: Context): () => void {
  return context.view.subscribe((event) => {
    if (event.kind !== 'binding' || event.type !== 'put' || !isBound(event.stored.spec)) return;
    for (const attachment of event.stored.spec.attachments) {
      const by = context.tombstones.condemns(attachmentKey(attachment), attachment.stamp);
      if (by !== undefined) letGo(context, event.stored.name, attachment.stamp, by);
      releaseOlderTwins(context, event.stored.spec, attachment);
    }
  });
}

/**
 * Two replicas with different views can each have written a record for one holder (LESSONS H): the newer call's stays.
 * Only the newer one was answered, or both were and the sandbox of the older one is gone. Of two boots nobody can tell here.
 */
function releaseOlderTwins(context: Context, spec: BindingSpec, attachment: Attachment): void {
  const twins = context.view.ledger.byHolder(holderKeyOf(spec, attachment));
  if (twins.length < 2) return;
  const stamped = twins.flatMap((twin) => twin.attachments.map(({ stamp }) => ({ stamp, name: bindingName(twin.network, twin.address) })));
  const ofBoot = stamped.filter(({ stamp }) => stamp.bootId === attachment.stamp.bootId);
  const newest = ofBoot.reduce((most, one) => (compareStamps(one.stamp, most.stamp) > 0 ? one : most));
  // Of two with one stamp either may have been answered: both stay until the next call of the attachment.
  for (const { name, stamp } of ofBoot) if (compareStamps(stamp, newest.stamp) < 0) letGo(context, name, stamp, newest.stamp);
}

/** Releases a record while it carries that call's stamp; in the background, again and again until the store allows it. */
export function letGo(context: Context, name: string, stamp: Stamp, by: Stamp): void {
  const again = (): void => void context.timers.after(RETRY_MS, () => letGo(context, name, stamp, by));
  if (!context.synced()) return context.closed() ? undefined : again();
  const same = (spec: BindingSpec) => spec.attachments.some((held) => sameStamp(held.stamp, stamp));
  void releaseBinding(context, name, same, by).catch((error: unknown) => {
    if (context.closed()) return;
    context.log.warn({ error, record: name }, 'a record without an owner could not be released yet');
    again();
  });
}
