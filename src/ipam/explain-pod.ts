/**
 * Why a pod has the addresses it has, or none: what an ADD of it would find now. The pools are selected, and each is
 * asked, by the functions that serve an ADD; nothing is written.
 */
import type { LedgerPool } from '../core/ledger.ts';
import { done, refuse, type Outcome, type Refusal } from '../core/refusal.ts';
import type { CniAdd, PodIdentity, PodPool } from '../protocol.ts';
import { chooseInPools, seekerOf, type Seeker } from './choose-in-pools.ts';
import { POD_INTERFACE } from './collector/adopt.ts';
import type { Context } from './context.ts';
import { gatherFacts, type Facts } from './facts.ts';
import { overCap } from './find-pod.ts';
import { inAddressOrder } from './listing.ts';
import type { Caller, PodExplanation } from './operations.ts';
import { selectSlots, whyNotTried, type Slot } from './select-pools.ts';

/** `caller` is who would ask where no cluster says on which node the pod is. Refuses with BindingNotFound when there is neither pod nor record. */
export async function explainPod(
  context: Context,
  caller: Pick<Caller, 'node'>,
  identity: PodIdentity,
  pools?: CniAdd['pools'],
): Promise<Outcome<PodExplanation>> {
  const { namespace, name } = identity;
  const { ledger } = context.view;
  const held = inAddressOrder(ledger.bySubject(namespace, name), (spec) => spec);
  const bindings = held.map((spec) => context.view.storedOf(spec));
  const addresses = held.map(({ address, pool }) => `${address} (pool ${pool})`).join(', ');
  const pod = await context.workloads?.readPod(namespace, name);
  if (context.workloads !== undefined && pod === undefined) {
    if (held.length === 0) return refuse('BindingNotFound', `there is no pod ${namespace}/${name}, and nothing is held in its name`);
    const detail = `there is no such pod (any more); held in its name until that is proven: ${addresses}`;
    return done({ namespace, name, state: 'gone', detail, asks: { pools: [], addresses: [] }, bindings, pools: [] });
  }

  const node = pod === undefined ? (held[0]?.attachments[0]?.node ?? caller.node) : pod.node;
  const asker = { node: node ?? '' };
  const request = { pod: { namespace, name, ...(pod && { uid: pod.uid }) }, ...(pools !== undefined && { pools }) };
  const facts = await gatherFacts(context, asker, request, pod);
  const slots = selectSlots(context.view, facts, undefined);
  const tried = slots.ok ? slots.value : [];
  const verdicts = tried.map((slot) =>
    slot.pools.map((pool, index) => judge(context, slot, pool, index + 1, podSeeker(request.pod, node, slot))),
  );
  const others = ledger
    .pools()
    .filter((pool) => !tried.some((slot) => slot.pools.includes(pool)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const base = {
    namespace,
    name,
    ...(pod && { uid: pod.uid }),
    ...(node !== undefined && { node }),
    asks: { pools: facts.pools, ...(facts.poolsNamedBy && { by: facts.poolsNamedBy }), addresses: facts.requested },
    bindings,
    pools: [...verdicts.flat(), ...others.map((pool) => passOver(context, facts, pool))],
  };
  if (held.length > 0) return done({ ...base, state: 'holds', detail: `holds ${addresses}` });
  const refusal = slots.ok ? refusalOf(context, asker, request, tried) : slots.refusal;
  if (refusal !== undefined) return done({ ...base, state: 'refuses', detail: refusal.detail });
  const unscheduled = context.workloads !== undefined && node === undefined ? ', once it is on a node: no nodeSelector matches before' : '';
  const given = verdicts.map((slot) => slot.find(({ reason }) => reason === undefined) as PodPool);
  const words = given.map(({ family, pool }) => `an ${family} address from pool ${pool}`).join(' and ');
  return done({ ...base, state: 'gives', detail: `holds nothing; an ADD now would get ${words}${unscheduled}` });
}

/** Why an ADD of the pod would be refused as a whole, by its own refusals. */
function refusalOf(
  context: Context,
  asker: Pick<Caller, 'node'>,
  request: { readonly pod: PodIdentity },
  slots: readonly Slot[],
): Refusal | undefined {
  const capped = overCap(context, asker, request);
  if (capped !== undefined) return capped.refusal;
  const outcomes = slots.map((slot) => chooseInPools(context, slot.pools, podSeeker(request.pod, asker.node, slot), 0, new Set()));
  return outcomes.find((outcome) => !outcome.ok)?.refusal;
}

function judge(context: Context, slot: Slot, pool: LedgerPool, order: number, seeker: Seeker): PodPool {
  const choice = chooseInPools(context, [pool], seeker, 0, new Set());
  const base = { pool: pool.name, family: pool.spec.family, order };
  if (!choice.ok) {
    const { reason, detail } = choice.refusal.pools?.[0] ?? choice.refusal;
    return { ...base, reason, detail };
  }
  const left = context.view.ledger.counts(pool.name).available;
  return { ...base, detail: slot.requested === undefined ? `would give an address (${left} available)` : `would give ${slot.requested}` };
}

const passOver = ({ view }: Context, facts: Facts, pool: LedgerPool): PodPool => ({
  pool: pool.name,
  family: pool.spec.family,
  detail: whyNotTried(view, facts, pool) ?? 'it fits, but the request as a whole cannot be served',
});

const podSeeker = ({ namespace, name, uid }: PodIdentity, node: string | undefined, slot: Slot): Seeker =>
  seekerOf(
    {
      subinstance: namespace,
      subid: name,
      ifName: POD_INTERFACE,
      ...(node !== undefined && node !== '' && { node }),
      ...(uid !== undefined && { podUid: uid }),
    },
    slot,
  );
