/**
 * Tries the pools of a slot in order and says which address to write first. Adds to the core's choice what only a
 * controller has: who may ask for a certain address, limits, and the addresses other calls are writing just now.
 * A refusal lists every pool that was tried and why it refused (LESSONS 39).
 */
import { chooseAddress, type Candidate } from '../core/choose.ts';
import type { LedgerPool } from '../core/ledger.ts';
import { DEFAULT_NETWORK } from '../core/pool.ts';
import { done, refuse, type Outcome, type PoolReason, type Refusal } from '../core/refusal.ts';
import type { Family } from '../core/binding.ts';
import type { Context } from './context.ts';
import type { Slot } from './select-pools.ts';

export interface Choice extends Candidate {
  readonly pool: LedgerPool;
}

export interface Seeker {
  readonly subinstance: string;
  readonly subid: string;
  readonly slot: number;
  readonly family: Family;
  /** What is hashed for the home. */
  readonly seed: string;
  readonly node?: string;
  readonly podUid?: string;
  readonly ifName?: string;
  readonly requested?: string;
  /** The pool's requestedAddresses binds those who ask through CNI, not an administrator. */
  readonly mayRequest: boolean;
}

/** As who a pod (or container) seeks an address for one slot: an ADD and its explanation must be the same. */
export function seekerOf(
  who: { readonly subinstance: string; readonly subid: string; readonly ifName: string; readonly node?: string; readonly podUid?: string },
  { slot, family, requested }: Pick<Slot, 'slot' | 'family' | 'requested'>,
): Seeker {
  const seed = `${who.subinstance}/${who.subid}/${who.ifName}`;
  return { ...who, slot, family, seed, mayRequest: false, ...(requested !== undefined && { requested }) };
}

export function chooseInPools(
  context: Context,
  pools: readonly LedgerPool[],
  seeker: Seeker,
  attempt: number,
  tried: ReadonlySet<string>,
): Outcome<Choice> {
  const refusals: (Refusal & { readonly pool: string })[] = [];
  for (const pool of pools) {
    const choice = chooseInPool(context, pool, seeker, attempt, tried);
    if (choice.ok) return choice;
    refusals.push({ pool: pool.name, ...choice.refusal });
  }
  return { ok: false, refusal: summarise(context, refusals, seeker) };
}

function chooseInPool(context: Context, pool: LedgerPool, seeker: Seeker, attempt: number, tried: ReadonlySet<string>): Outcome<Choice> {
  const { network } = pool.spec;
  if (seeker.requested !== undefined && !seeker.mayRequest && pool.spec.requestedAddresses === 'Forbidden') {
    return refuse('NotAllowed', 'requested addresses are forbidden (requestedAddresses)', { address: seeker.requested });
  }
  const limit = overLimit(context, pool, seeker);
  if (limit !== undefined) return refuse('LimitReached', limit);
  if (seeker.requested !== undefined && context.flights.has(network, seeker.requested)) {
    return refuse('IpAlreadyAllocated', 'is being given to another call just now', { address: seeker.requested });
  }
  const foreign = (address: string) => isForeignPods(context, network, address, seeker);
  if (seeker.requested !== undefined && foreign(seeker.requested)) {
    return refuse('IpAlreadyAllocated', 'a running pod has it by its status', { address: seeker.requested });
  }
  const avoid = {
    has: (address: string) => tried.has(`${network}/${address}`) || context.flights.has(network, address) || foreign(address),
  };
  const choice = chooseAddress(context.view.ledger, pool.name, {
    subinstance: seeker.subinstance,
    subid: seeker.subid,
    slot: seeker.slot,
    family: seeker.family,
    seed: seeker.seed,
    attempt,
    avoid,
    ...(seeker.ifName !== undefined && { ifName: seeker.ifName }),
    ...(seeker.requested !== undefined && { requested: seeker.requested }),
  });
  return choice.ok ? done({ ...choice.value, pool }) : choice;
}

/** A live pod has it by its status.podIPs, recorded or not; those are addresses of the default network. */
const isForeignPods = ({ podAddresses }: Context, network: string, address: string, { subinstance, subid }: Seeker): boolean =>
  network === DEFAULT_NETWORK && (podAddresses?.isForeign(address, subinstance, subid) ?? false);

function overLimit(context: Context, pool: LedgerPool, seeker: Seeker): string | undefined {
  const limits = pool.spec.limits;
  if (limits === undefined) return undefined;
  const checks = [
    ['perSubinstance', limits.perSubinstance, { subinstance: seeker.subinstance }],
    ['perNode', limits.perNode, seeker.node === undefined ? undefined : { node: seeker.node }],
    ['perPod', limits.perPod, seeker.podUid === undefined ? undefined : { podUid: seeker.podUid }],
  ] as const;
  for (const [name, most, who] of checks) {
    if (most === undefined || who === undefined) continue;
    const held = context.view.ledger.heldBy(pool.name, who) + context.flights.count(pool.name, who);
    if (held >= most) return `limit ${name} of ${most} is reached (${Object.values(who)[0]} holds ${held})`;
  }
  return undefined;
}

const TOP_HOLDERS = 3;

function summarise(context: Context, refusals: readonly (Refusal & { readonly pool: string })[], seeker: Seeker): Refusal {
  const pools: PoolReason[] = refusals.map(({ pool, reason, detail }) => ({ pool, reason, detail }));
  // The requested address lies in one of the pools: what that pool says is what matters.
  const telling =
    refusals.find(({ reason }) => seeker.requested !== undefined && reason !== 'IpNotFound') ??
    refusals.find(({ reason }) => reason === 'PoolFull') ??
    refusals[0];
  if (telling === undefined) throw new Error('no pool was tried');
  const { pool: _, ...first } = telling;
  const tried = pools.map(({ pool, detail }) => `${pool}: ${detail}`).join('; ');
  const wanted = seeker.requested ?? `an ${seeker.family} address`;
  let detail = `${wanted} for ${seeker.subinstance}/${seeker.subid} is not to be had (${tried})`;
  if (first.reason === 'PoolFull') {
    const holders = context.view.ledger.topHolders(telling.pool, TOP_HOLDERS).map(({ subinstance, held }) => `${subinstance} ${held}`);
    if (holders.length > 0) detail += `; most are held by ${holders.join(', ')}`;
  }
  return { ...first, detail, pools };
}
