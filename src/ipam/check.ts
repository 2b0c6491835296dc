/**
 * CHECK: does this attachment still hold what its result says? Read from the store itself, because CRI-O checks right
 * after ADD, perhaps through another replica. prevResult may also list addresses of other plugins of the chain, so
 * only "each of ours is in it" is asked (CNI.md 1.9).
 */
import { bindingName } from '../core/binding-name.ts';
import { isBound, type BindingSpec } from '../core/binding.ts';
import { attachmentKey, familyOfBinding } from '../core/holder.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import { compareStamps } from '../core/stamp.ts';
import type { CniCheck } from '../protocol.ts';
import type { Context } from './context.ts';
import { addressesIn, recordNames } from './hints.ts';
import type { Caller } from './operations.ts';

export async function check(context: Context, caller: Caller, request: CniCheck): Promise<Outcome<void>> {
  const key = attachmentKey({ node: caller.node, ...request });
  const isOwn = (spec: BindingSpec) => isBound(spec) && spec.attachments.some((held) => attachmentKey(held) === key);
  const listed = addressesIn(request.prevAddresses);

  const shown = context.view.ledger.byAttachment(key);
  const elsewhere = listed.filter((address) => !shown.some((binding) => binding.address === address));
  const names = [...shown.map(({ network, address }) => bindingName(network, address)), ...recordNames(context.view, elsewhere)];

  const own: BindingSpec[] = [];
  for (const name of names) {
    const stored = await context.store.bindings.get(name);
    if (stored !== undefined && isOwn(stored.spec)) own.push(stored.spec);
  }
  if (own.length === 0) {
    return refuse(
      'BindingNotFound',
      `container ${request.containerId} holds no address on ${request.ifName} of network ${request.cniNetwork}`,
    );
  }
  const unlisted = own.find((binding) => !listed.includes(binding.address) && !isOlderTwin(binding, own, listed));
  if (listed.length > 0 && unlisted !== undefined) {
    return refuse('BindingNotFound', `container ${request.containerId} holds ${unlisted.address}, which prevResult does not list`, {
      address: unlisted.address,
    });
  }
  return done(undefined);
}

/** The other replica's record of an earlier attempt of the same call, which is about to be released (release-condemned.ts). */
function isOlderTwin(binding: BindingSpec, own: readonly BindingSpec[], listed: readonly string[]): boolean {
  const stampOf = ({ attachments }: BindingSpec) => attachments[0]?.stamp;
  const mine = stampOf(binding);
  return own.some((other) => {
    const theirs = stampOf(other);
    const isOfSlot = familyOfBinding(other) === familyOfBinding(binding) && other.slot === binding.slot && listed.includes(other.address);
    return isOfSlot && mine?.bootId !== undefined && mine.bootId === theirs?.bootId && compareStamps(mine, theirs) < 0;
  });
}
