/**
 * ADD: one address per slot for one attachment, all or none, idempotent. The holder is an incarnation (the pod's UID,
 * or the container where there is no pod), and only a newer stamp takes an attachment over (DESIGN section 5).
 */
import { bindingName } from '../core/binding-name.ts';
import type { Attachment, BindingSpec, Resource } from '../core/binding.ts';
import { attachmentKey, familyOfBinding, holderKey } from '../core/holder.ts';
import { prefixLengthFor } from '../core/pool.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import { compareStamps, sameStamp, type Stamp } from '../core/stamp.ts';
import type { CniAdd, CniAddAnswer } from '../protocol.ts';
import type { Stored } from '../store/store.ts';
import { chooseInPools, seekerOf } from './choose-in-pools.ts';
import { ADOPTED_CONTAINER, POD_INTERFACE } from './collector/adopt.ts';
import type { Context } from './context.ts';
import { isOlderCall, olderBootThan } from './del.ts';
import { gatherFacts } from './facts.ts';
import { findPod, isStatic, overCap } from './find-pod.ts';
import type { Caller } from './operations.ts';
import type { BootVerdict } from './ports.ts';
import type { Pod } from './workloads.ts';
import { letGo } from './release-condemned.ts';
import { releaseOlderBoots } from './release-older-boots.ts';
import { selectSlots, type Slot } from './select-pools.ts';
import { createBinding, learn, releaseBinding, removeBinding, replaceBinding } from './write.ts';

/** A race lost this often in one call says that the view is far behind: better to come back later. */
const ATTEMPTS = 16;

export async function add(context: Context, caller: Caller, request: CniAdd): Promise<Outcome<CniAddAnswer>> {
  const boot = await context.nodes.judgeBoot(caller.node, request.stamp.bootId);
  if (boot.verdict !== 'current') return refuseBoot(boot, caller.node);
  if (boot.rebooted) releaseOlderBoots(context, caller.node, request.stamp.bootId);

  const pod = await findPod(context, caller, request);
  if (!pod.ok) return pod;
  const attachment = attachmentKey({ node: caller.node, ...request });
  const call: Call = { context, caller, request, boot, pod: pod.value, attachment };
  const holder = request.pod?.uid ?? request.containerId;
  return context.locks.run(`holder/${caller.node}/${holder}/${request.cniNetwork}/${request.ifName}`, () =>
    context.locks.run(`attachment/${call.attachment}`, () => addAttachment(call)),
  );
}

/** @returns StaleCall: the node has booted since. Unavailable: its Node object shows another boot than the call's (yet). */
function refuseBoot({ verdict }: BootVerdict, node: string): Outcome<never> {
  if (verdict === 'superseded') return refuse('StaleCall', `node ${node} has booted since this call was made`);
  return refuse('Unavailable', `node ${node} does not show the boot of this call; its kubelet reports it in a moment`, {
    retryAfterSeconds: 1,
  });
}

interface Call {
  readonly context: Context;
  readonly caller: Caller;
  readonly request: CniAdd;
  readonly boot: BootVerdict;
  /** Absent outside a cluster. */
  readonly pod: Pod | undefined;
  /** The key a DEL of this attachment uses. */
  readonly attachment: string;
}

/** An address this call has written, and what takes it back. */
interface Given {
  readonly stored: Stored<BindingSpec>;
  readonly slot: Slot;
  /** Nobody was told of it before this call: what stood there (a tombstone, or nothing). Absent: it was held already. */
  readonly before?: { readonly spec: BindingSpec | undefined };
}

async function addAttachment(call: Call): Promise<Outcome<CniAddAnswer>> {
  const overtaken = overtakenBy(call);
  if (overtaken !== undefined) return refuse('StaleCall', overtaken);
  const facts = await gatherFacts(call.context, call.caller, call.request, call.pod);
  const slots = selectSlots(call.context.view, facts, call.request.families);
  if (!slots.ok) return slots;

  // All slots at once: their writes share a round trip, or a durable commit.
  const results = await Promise.allSettled(slots.value.map((slot) => addAddress(call, slot)));
  const given = results.flatMap((result) => (result.status === 'fulfilled' && result.value.ok ? [result.value.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    abandon(call, given);
    throw failed.reason;
  }
  for (const result of results) {
    if (result.status !== 'fulfilled' || result.value.ok) continue;
    if (!call.caller.gone()) await takeBack(call, given);
    return result.value;
  }
  await releaseUnasked(call, given);

  // A DEL that came while this call was writing found nothing, and left its stamp.
  const late = overtakenBy(call);
  if (late !== undefined) {
    await releaseOwn(call, given);
    return refuse('StaleCall', late);
  }
  return done(answer(call, given));
}

/** A newer DEL of this very attachment; undefined: there is none. */
function overtakenBy({ context, request, attachment }: Call): string | undefined {
  const newer = (by: Stamp | undefined) => by !== undefined && by.bootId === request.stamp.bootId && compareStamps(by, request.stamp) > 0;
  const deleted =
    context.tombstones.deletedAfter(attachment, request.stamp) !== undefined ||
    context.view.ledger.byAttachment(attachment).some((binding) => newer(binding.releasedBy));
  return deleted ? `container ${request.containerId} was deleted after this call was made` : undefined;
}

async function addAddress(call: Call, slot: Slot): Promise<Outcome<Given>> {
  const { caller } = call;
  const tried = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (caller.gone()) return refuse('Unavailable', 'the caller went away');
    const own = ownBinding(call, slot);
    if (own !== undefined) {
      const kept = await keepOwn(call, slot, own);
      if (kept !== undefined) return kept;
      continue;
    }
    const found = await takeNew(call, slot, attempt, tried);
    if (found !== undefined) return found;
  }
  return refuse('Overloaded', `lost ${ATTEMPTS} races for an address in a row`, { retryAfterSeconds: 1 });
}

/** The bound record of this holder in any pool that is still listed. */
function ownBinding(call: Call, slot: Slot): Stored<BindingSpec> | undefined {
  const { context, caller, request } = call;
  const podUid = request.pod?.uid;
  const key = holderKey({ ...request, node: caller.node, family: slot.family, slot: slot.slot, ...(podUid !== undefined && { podUid }) });
  const isListed = (binding: BindingSpec) => slot.pools.some((pool) => pool.name === binding.pool);
  const own = context.view.ledger.byHolder(key).find(isListed) ?? adopted(call, slot).find(isListed);
  return own && context.view.storedOf(own);
}

/**
 * What the collector recorded for a pod that ran before its record was there: the pod's own, whatever the container. Of
 * this node: a mirror's annotation says what UID its kubelet likes, also that of a pod elsewhere.
 */
function adopted({ context, caller, request }: Call, slot: Slot): readonly BindingSpec[] {
  const podUid = request.pod?.uid;
  if (podUid === undefined || request.ifName !== POD_INTERFACE || slot.slot !== 0) return [];
  const isAdopted = (held: Attachment | undefined) => held?.containerId === ADOPTED_CONTAINER && held.node === caller.node;
  return context.view.ledger
    .byPodUid(podUid)
    .filter((binding) => isAdopted(binding.attachments[0]) && familyOfBinding(binding) === slot.family);
}

/** Leaves this call's stamp in the record it holds already. Undefined: the record changed, look again. */
async function keepOwn(call: Call, slot: Slot, own: Stored<BindingSpec>): Promise<Outcome<Given> | undefined> {
  const { context, request } = call;
  if (slot.requested !== undefined && slot.requested !== own.spec.address) {
    return refuse('IpNotAvailable', `this attachment holds ${own.spec.address} already; delete it before asking for ${slot.requested}`, {
      address: slot.requested,
    });
  }
  const held = own.spec.attachments.find(
    (attachment) => attachment.ifName === request.ifName && attachment.cniNetwork === request.cniNetwork,
  );
  if (held !== undefined && held.stamp.bootId !== request.stamp.bootId) {
    const boot = await context.nodes.judgeBoot(call.caller.node, request.stamp.bootId, held.stamp.bootId);
    if (boot.verdict !== 'current') return refuseBoot(boot, call.caller.node);
  } else if (held !== undefined) {
    const order = compareStamps(held.stamp, request.stamp);
    if (order > 0) return refuse('StaleCall', `a newer call already holds ${own.spec.address} for container ${held.containerId}`);
    if (order === 0) {
      const current = await learn(context, own.name);
      return current?.version === own.version ? done({ stored: own, slot }) : undefined;
    }
  }
  const stored = await replaceBinding(context, own, { ...own.spec, attachments: [attachmentOf(call)] });
  return stored && done({ stored, slot });
}

/** Writes one candidate. Undefined: somebody was faster, look again. */
async function takeNew(call: Call, slot: Slot, attempt: number, tried: Set<string>): Promise<Outcome<Given> | undefined> {
  const { context, caller, request } = call;
  const subject = subjectOf(request);
  const podUid = request.pod?.uid;
  const { subinstance, subid } = subject;
  const seeker = seekerOf({ subinstance, subid, ifName: request.ifName, node: caller.node, ...(podUid !== undefined && { podUid }) }, slot);
  const capped = overCap(context, caller, request);
  if (capped !== undefined) return capped;
  const choice = chooseInPools(context, slot.pools, seeker, attempt, tried);
  if (!choice.ok) return choice;
  const { address, pool, replaces } = choice.value;
  const spec: BindingSpec = {
    address,
    pool: pool.name,
    network: pool.spec.network,
    subinstance: subject.subinstance,
    subid: subject.subid,
    slot: slot.slot,
    resource: subject.resource,
    attachments: [attachmentOf(call)],
    boundAt: context.timers.now(),
    cooldownSeconds: pool.spec.cooldownSeconds,
    stickySeconds: pool.spec.stickySeconds,
  };
  const land = context.flights.start({ ...spec, node: caller.node, ...(podUid !== undefined && { podUid }) });
  try {
    const stored =
      replaces === undefined ? await createBinding(context, spec) : await replaceBinding(context, context.view.storedOf(replaces), spec);
    if (stored !== undefined) return done({ stored, slot, before: { spec: replaces } });
    tried.add(`${spec.network}/${address}`);
    return undefined;
  } catch (error) {
    // It may have been written: the caller hears no, so a record with this stamp is nobody's, now or when it arrives.
    context.tombstones.failed(call.attachment, request.stamp);
    letGo(context, bindingName(spec.network, address), request.stamp, request.stamp);
    throw error;
  } finally {
    land();
  }
}

/** A pod where the runtime says so, else the container. */
function subjectOf(request: CniAdd): { readonly subinstance: string; readonly subid: string; readonly resource: Resource } {
  return request.pod === undefined
    ? { subinstance: 'default', subid: request.containerId, resource: { type: 'container', value: request.containerId } }
    : {
        subinstance: request.pod.namespace,
        subid: request.pod.name,
        resource: { type: 'pod', value: `${request.pod.namespace}/${request.pod.name}` },
      };
}

function attachmentOf({ caller, request, boot, pod }: Call): Attachment {
  return {
    cniNetwork: request.cniNetwork,
    ifName: request.ifName,
    containerId: request.containerId,
    ...(request.pod?.uid !== undefined && { podUid: request.pod.uid }),
    ...(pod !== undefined && isStatic(pod) && { static: true }),
    ...(pod !== undefined && { terminationGraceSeconds: pod.terminationGraceSeconds }),
    node: caller.node,
    ...(boot.nodeUid !== undefined && { nodeUid: boot.nodeUid }),
    stamp: request.stamp,
  };
}

/**
 * All or none: a slot refused, so the others' new addresses go back as if nothing had been. What was held before stays.
 * Where that cannot be done at once they are let go as soon as the store allows it.
 */
async function takeBack({ context, request }: Call, given: readonly Given[]): Promise<void> {
  for (const { stored, before } of given) {
    if (before === undefined) continue;
    const isUndone =
      before.spec === undefined ? removeBinding(context, stored) : replaceBinding(context, stored, before.spec).then(Boolean);
    if (!(await isUndone.catch(() => false))) letGo(context, stored.name, request.stamp, request.stamp);
  }
}

/** The store failed in the middle: what this call has written before is let go as soon as the store allows it. */
function abandon({ context, request }: Call, given: readonly Given[]): void {
  for (const { stored, before } of given) if (before !== undefined) letGo(context, stored.name, request.stamp, request.stamp);
}

async function releaseOwn({ context, request }: Call, given: readonly Given[]): Promise<void> {
  for (const { stored } of given) {
    const mine = (spec: BindingSpec) => spec.attachments.some((attachment) => sameStamp(attachment.stamp, request.stamp));
    await releaseBinding(context, stored.name, mine, request.stamp);
  }
}

/**
 * Lets go of what an edited network configuration no longer asks for: an ADD returns exactly the set of its key. A call
 * that was delayed over a boot may pass by a stale cache; what the newer boot holds is not its to release.
 */
async function releaseUnasked({ context, caller, request, attachment }: Call, given: readonly Given[]): Promise<void> {
  const kept = new Set(given.map(({ stored }) => stored.name));
  const podUid = request.pod?.uid;
  const isOwn = (held: Attachment) => held.node === caller.node && held.ifName === request.ifName && held.cniNetwork === request.cniNetwork;
  const held = [...context.view.ledger.byAttachment(attachment), ...(podUid === undefined ? [] : context.view.ledger.byPodUid(podUid))];
  for (const binding of held) {
    const name = bindingName(binding.network, binding.address);
    if (kept.has(name)) continue;
    const olderBoot = await olderBootThan(context, caller.node, request.stamp, binding.attachments[0]?.stamp.bootId);
    const older = (spec: BindingSpec) => spec.attachments.some((one) => isOwn(one) && isOlderCall(one.stamp, request.stamp, olderBoot));
    await releaseBinding(context, name, older, request.stamp);
  }
}

function answer({ context }: Call, given: readonly Given[]): CniAddAnswer {
  const pools = given.map(({ stored, slot }) => {
    const spec = slot.pools.find((pool) => pool.name === stored.spec.pool)?.spec;
    if (spec === undefined) throw new Error(`${stored.name} was given from a pool that was not asked`);
    return { stored, spec };
  });
  const addresses = pools.map(({ stored, spec }) => ({
    address: `${stored.spec.address}/${prefixLengthFor(spec)}`,
    ...(spec.gateway !== undefined && { gateway: spec.gateway }),
    pool: stored.spec.pool,
  }));
  const routes = [...new Map(pools.flatMap(({ spec }) => spec.routes ?? []).map((route) => [JSON.stringify(route), route])).values()];
  const dns = pools.find(({ spec }) => spec.dns !== undefined)?.spec.dns;
  context.log.debug({ addresses: addresses.map(({ address }) => address) }, 'address given');
  return { addresses, routes, ...(dns !== undefined && { dns }) };
}
