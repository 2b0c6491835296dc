/**
 * DEL releases by attachment (node, network, container, interface: never by pod or pool) and only what is older than
 * the call. The unknown is success, and leaves a tombstone for the ADD that may still be under way.
 */
import { bindingName } from '../core/binding-name.ts';
import { isBound, type Attachment, type BindingSpec } from '../core/binding.ts';
import { attachmentKey } from '../core/holder.ts';
import { done, type Outcome } from '../core/refusal.ts';
import { compareStamps, type Stamp } from '../core/stamp.ts';
import type { CniDel } from '../protocol.ts';
import type { Context } from './context.ts';
import { addressesIn, recordNames } from './hints.ts';
import type { Caller } from './operations.ts';
import { releaseOlderBoots } from './release-older-boots.ts';
import { learn, releaseBinding } from './write.ts';

export async function del(context: Context, caller: Caller, request: CniDel): Promise<Outcome<readonly BindingSpec[]>> {
  const boot = await context.nodes.judgeBoot(caller.node, request.stamp.bootId);
  if (boot.rebooted) releaseOlderBoots(context, caller.node, request.stamp.bootId);
  return done(await releaseAttachment(context, caller, request, (held) => olderBootThan(context, caller.node, request.stamp, held)));
}

/**
 * A batch of spooled DELs. They were made a while ago, perhaps before a reboot, so their boot ids teach nothing and
 * only records of the same boot are theirs to release.
 */
export async function delSpooled(context: Context, caller: Caller, deletes: readonly CniDel[]): Promise<Outcome<readonly BindingSpec[]>> {
  const results = await Promise.allSettled(deletes.map((request) => releaseAttachment(context, caller, request, async () => undefined)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return done(results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])));
}

/** The boot of a record's stamp, if a live call is of a newer boot of the node; only a live read tells. */
export async function olderBootThan(context: Context, node: string, call: Stamp, held: string | undefined): Promise<string | undefined> {
  if (held === undefined || held === call.bootId) return undefined;
  return (await context.nodes.judgeBoot(node, call.bootId, held)).verdict === 'current' ? held : undefined;
}

function releaseAttachment(
  context: Context,
  caller: Caller,
  request: CniDel,
  findOlderBoot: (held: string | undefined) => Promise<string | undefined>,
): Promise<readonly BindingSpec[]> {
  const { stamp } = request;
  const key = attachmentKey({ node: caller.node, ...request });
  const isOwn = (attachment: Attachment) => attachmentKey(attachment) === key;

  // Before it waits for its turn: the ADD under way must hear of it.
  context.tombstones.deleted(key, stamp);
  return context.locks.run(`attachment/${key}`, async () => {
    const shown = context.view.ledger.byAttachment(key).filter(isBound);
    const names = new Set(shown.map((binding) => bindingName(binding.network, binding.address)));
    for (const name of await readHints(context, request, new Set(shown.map(({ address }) => address)))) names.add(name);
    const released: BindingSpec[] = [];
    for (const name of names) {
      const olderBoot = await findOlderBoot(context.view.binding(name)?.spec.attachments.find(isOwn)?.stamp.bootId);
      const isOlder = (attachment: Attachment) => isOlderCall(attachment.stamp, stamp, olderBoot);
      const releasable = (spec: BindingSpec) => spec.attachments.length > 0 && spec.attachments.every((one) => isOwn(one) && isOlder(one));
      const binding = await releaseBinding(context, name, releasable, stamp);
      if (binding !== undefined) released.push(binding);
    }
    return released;
  });
}

/** The records of addresses of prevResult that the view does not show to be held. */
async function readHints(context: Context, request: CniDel, shown: ReadonlySet<string>): Promise<string[]> {
  const elsewhere = addressesIn(request.prevAddresses).filter((address) => !shown.has(address));
  const names: string[] = [];
  for (const name of recordNames(context.view, elsewhere)) if ((await learn(context, name)) !== undefined) names.push(name);
  return names;
}

/** Whether a record's call came before this one: by its stamp, or because it is of the boot known to be older. */
export function isOlderCall(held: Stamp, by: Stamp, olderBoot: string | undefined): boolean {
  return held.bootId === by.bootId ? compareStamps(held, by) < 0 : held.bootId === olderBoot;
}
