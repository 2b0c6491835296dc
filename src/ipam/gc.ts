/**
 * GC: releases what this node holds in this network and the runtime no longer knows. The list is the node's own, so
 * nothing else is touched; and since other runtimes may share the network's name, what changed less than the minimum
 * age ago is left alone, as are attachments made after the call (CNI.md 2.1).
 */
import { bindingName } from '../core/binding-name.ts';
import type { Attachment, BindingSpec } from '../core/binding.ts';
import { done, type Outcome } from '../core/refusal.ts';
import type { CniGc } from '../protocol.ts';
import type { Context } from './context.ts';
import { isOlderCall, olderBootThan } from './del.ts';
import type { Caller } from './operations.ts';
import { releaseBinding } from './write.ts';

export async function gc(context: Context, caller: Caller, request: CniGc): Promise<Outcome<readonly BindingSpec[]>> {
  const { stamp } = request;
  const valid = new Set(request.validAttachments.map(({ containerId, ifName }) => `${containerId}/${ifName}`));
  const isUnknown = (held: Attachment) =>
    held.node === caller.node && held.cniNetwork === request.cniNetwork && !valid.has(`${held.containerId}/${held.ifName}`);

  // One live read for each boot that is held, not for each record: a node may hold a thousand.
  const olderBoots = new Map<string, ReturnType<typeof olderBootThan>>();
  const olderBootOf = (held: string) => {
    const known = olderBoots.get(held) ?? olderBootThan(context, caller.node, stamp, held);
    olderBoots.set(held, known);
    return known;
  };

  const released: BindingSpec[] = [];
  let failure: unknown;
  for (const binding of [...context.view.ledger.byNode(caller.node)]) {
    // The listing is from before the first wait: what it shows may be gone by now.
    const name = bindingName(binding.network, binding.address);
    if (!binding.attachments.every(isUnknown) || ageSeconds(context, name) < request.gcMinAgeSeconds) continue;
    try {
      const olderBoot = await olderBootOf(binding.attachments[0]?.stamp.bootId ?? stamp.bootId);
      const stale = (spec: BindingSpec) =>
        spec.attachments.length > 0 && spec.attachments.every((one) => isUnknown(one) && isOlderCall(one.stamp, stamp, olderBoot));
      const done = await releaseBinding(context, name, stale, stamp);
      if (done !== undefined) released.push(done);
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return done(released);
}

/** Since this replica saw the record change, on its own monotonic clock: a restart only makes it younger. */
function ageSeconds(context: Context, name: string): number {
  const seen = context.view.seen(name);
  return seen === undefined ? 0 : (context.timers.monotonic() - seen.monotonic) / 1000;
}
