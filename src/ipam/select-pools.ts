/**
 * Which pools serve an ADD (DESIGN section 4): those the configuration names, else those whose selectors match, by
 * priority, else the default pools. Of the winning tier one address per family; several pools of a family are
 * overflow, in order; a nested list asks for one more address. Whoever named a pool, the pool's own selectors say
 * who may use it.
 */
import { canonicalAddressIn } from '../core/address.ts';
import type { Family } from '../core/binding.ts';
import type { LedgerPool } from '../core/ledger.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { CniAdd } from '../protocol.ts';
import type { Facts } from './facts.ts';
import { matchesSelector } from './label-selector.ts';
import type { View } from './view.ts';

/** One address to find: from these pools, in order. */
export interface Slot {
  readonly slot: number;
  readonly family: Family;
  readonly pools: readonly LedgerPool[];
  readonly requested?: string;
}

export function selectSlots(view: View, facts: Facts, families: CniAdd['families']): Outcome<readonly Slot[]> {
  if (facts.objection !== undefined) return refuse('InvalidRequest', facts.objection);
  const sets = facts.pools.length === 0 ? unnamedSets(view, facts) : namedSets(view, facts, facts.pools);
  if (!sets.ok) return sets;
  const slots = sets.value.flatMap((set, slot) => slotsOf(set, slot)).filter((slot) => families?.includes(slot.family) ?? true);
  const missing = (families ?? []).find((family) => !slots.some((slot) => slot.family === family));
  if (missing !== undefined) {
    const names = sets.value.flat().map((pool) => pool.name);
    return refuse('InvalidRequest', `families asks for ${missing}, but none of the pools (${names.join(', ')}) is of that family`);
  }
  return placeRequested(view, slots, facts.requested);
}

function namedSets(view: View, facts: Facts, names: NonNullable<CniAdd['pools']>): Outcome<readonly (readonly LedgerPool[])[]> {
  const flat = names.filter((name) => typeof name === 'string');
  const nested = names.filter((name) => typeof name !== 'string');
  const sets: LedgerPool[][] = [];
  for (const set of flat.length > 0 ? [flat, ...nested] : nested) {
    const pools: LedgerPool[] = [];
    for (const name of set) {
      const pool = view.ledger.pool(name);
      if (pool === undefined) {
        return refuse('UnknownPool', `there is no pool "${name}"; the pools are ${listed(view.ledger.pools().map((known) => known.name))}`);
      }
      const closed = closedTo(pool, facts);
      if (closed !== undefined)
        return refuse('NotAllowed', `pool "${name}" is not for this pod: ${closed}`, {
          pools: [{ pool: name, reason: 'NotAllowed', detail: closed }],
        });
      pools.push(pool);
    }
    sets.push(pools);
  }
  return done(sets);
}

function unnamedSets(view: View, facts: Facts): Outcome<readonly (readonly LedgerPool[])[]> {
  const tier = winningTier(view, facts);
  if (tier.length === 0) {
    return refuse(
      'InvalidRequest',
      `the network configuration names no pool and there is no default pool (ipam.pools names one; a pool with "default: true" serves everybody); the pools are ${listed(view.ledger.pools().map((pool) => pool.name))}`,
    );
  }
  return done([tier.toSorted(byPriority)]);
}

/** The pools whose selectors match, else the default ones. */
function winningTier(view: View, facts: Facts): readonly LedgerPool[] {
  const open = view.ledger.pools().filter((pool) => closedTo(pool, facts) === undefined);
  const selected = open.filter(hasSelector);
  return selected.length > 0 ? selected : open.filter((pool) => pool.spec.default);
}

/** Why a pool is not among those that are tried, as a short clause; undefined: it is. */
export function whyNotTried(view: View, facts: Facts, pool: LedgerPool): string | undefined {
  const named = facts.pools.flat();
  if (named.length > 0 && !named.includes(pool.name)) return `not named: only ${named.join(', ')} ${named.length === 1 ? 'is' : 'are'}`;
  const closed = closedTo(pool, facts);
  if (closed !== undefined || named.length > 0) return closed;
  const tier = winningTier(view, facts);
  if (tier.includes(pool)) return undefined;
  return pool.spec.default
    ? `pools whose selectors match go before the default pools: ${listed(tier.map(({ name }) => name))}`
    : 'it has no selector and is no default pool: it serves those who name it';
}

const hasSelector = ({ spec }: LedgerPool): boolean =>
  spec.namespaceSelector !== undefined || spec.podSelector !== undefined || spec.nodeSelector !== undefined;

function byPriority(a: LedgerPool, b: LedgerPool): number {
  if (a.spec.priority !== b.spec.priority) return b.spec.priority - a.spec.priority;
  if (a.spec.family !== b.spec.family) return a.spec.family === 'IPv4' ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** Why a pool is not for these facts; undefined: it is. */
function closedTo({ spec }: LedgerPool, facts: Facts): string | undefined {
  if (spec.namespaceSelector !== undefined && !matchesSelector(spec.namespaceSelector, facts.namespaceLabels))
    return 'its namespaceSelector does not match';
  if (spec.podSelector !== undefined) {
    if (facts.podLabels === undefined) return 'it has a podSelector, and the pod has too many labels';
    if (!matchesSelector(spec.podSelector, facts.podLabels)) return 'its podSelector does not match';
  }
  if (spec.nodeSelector !== undefined && !matchesSelector(spec.nodeSelector, facts.nodeLabels)) return 'its nodeSelector does not match';
  return undefined;
}

/** A set gives one address of each family it has, in the order in which the families first appear. */
function slotsOf(set: readonly LedgerPool[], slot: number): Slot[] {
  const families = [...new Set(set.map((pool) => pool.spec.family))];
  return families.map((family) => ({ slot, family, pools: set.filter((pool) => pool.spec.family === family) }));
}

/** Gives each requested address to the first slot that can serve it; one that nobody can serve is a refusal. */
function placeRequested(view: View, slots: readonly Slot[], requested: readonly string[]): Outcome<readonly Slot[]> {
  const placed = [...slots];
  for (const text of requested) {
    const address = canonicalAddressIn(text);
    if (address === undefined) return refuse('InvalidIpAddress', `the requested address "${text}" is not an IP address`);
    const family = familyOf(address);
    const free = placed.filter((slot) => slot.family === family && slot.requested === undefined);
    const slot = free.find((candidate) => contains(view, candidate, address)) ?? free[0];
    if (slot === undefined) {
      const offered = slots.filter((candidate) => candidate.family === family).length;
      return refuse(
        'InvalidRequest',
        `more ${family} addresses are requested (${requested.join(', ')}) than the pools give: ${offered}; nested lists in ipam.pools ask for several`,
      );
    }
    placed[placed.indexOf(slot)] = { ...slot, requested: address };
  }
  return done(placed);
}

const contains = (view: View, slot: Slot, address: string): boolean =>
  slot.pools.some((pool) => view.ledger.poolsContaining(pool.spec.network, address).some((found) => found.name === pool.name));

const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4');

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none yet' : names.toSorted().join(', '));
