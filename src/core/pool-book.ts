/**
 * One pool's account: which of its addresses are held, by whom, kept back, reserved. Only the ledger writes here, and
 * only by records entering and leaving; every figure follows from those.
 */
import { AddressSpace, type Place } from './address-space.ts';
import type { Attachment, BindingSpec } from './binding.ts';
import { Deadlines } from './deadlines.ts';
import { makeSalt, type Salt } from './home.ts';
import { LinkedSet } from './linked-set.ts';
import { rangesOf, reservedOf } from './pool.ts';
import type { PoolSpec } from './pool-spec.ts';
import { size, type RangeSet } from './range-set.ts';
import { Tally } from './tally.ts';
import { compareReleases, type Tombstone } from './tombstone.ts';

export interface LedgerPool {
  readonly name: string;
  readonly uid: string;
  readonly spec: PoolSpec;
  /** The spec's ranges and all that is reserved, where the caller has them parsed already. */
  readonly parsed?: { readonly ranges: RangeSet; readonly reserved: RangeSet };
}

export interface Counts {
  readonly total: bigint;
  readonly allocated: bigint;
  readonly reserved: bigint;
  readonly cooling: bigint;
  readonly available: bigint;
}

export class PoolBook {
  readonly space: AddressSpace;
  readonly salt: Salt;
  readonly cooling = new LinkedSet<Tombstone>(compareReleases);
  readonly sticky = new LinkedSet<Tombstone>(compareReleases);
  readonly heldBySubinstance = new Tally();
  readonly heldByNode = new Tally();
  #pool: LedgerPool;
  readonly #total: bigint;
  #bound = 0;
  #boundOnReserved = 0;
  readonly #coolingEnds = new Deadlines<Tombstone>((tombstone) => this.cooling.has(tombstone));

  constructor(pool: LedgerPool) {
    this.#pool = pool;
    this.salt = makeSalt(pool.uid);
    const ranges = rangesIn(pool);
    this.space = new AddressSpace(pool.spec.family, ranges, reservedIn(pool));
    this.#total = size(ranges);
  }

  get pool(): LedgerPool {
    return this.#pool;
  }

  get bound(): number {
    return this.#bound;
  }

  /** A new spec over the same ranges; records on addresses whose reservation changes must be out meanwhile. */
  changePool(pool: LedgerPool): void {
    this.#pool = pool;
    this.space.setReserved(reservedIn(pool));
  }

  enterBound(binding: BindingSpec, place: Place): void {
    this.space.take(place);
    this.#bound++;
    if (place.reserved) this.#boundOnReserved++;
    this.heldBySubinstance.increase(binding.subinstance);
    for (const node of distinct(binding.attachments, nodeOf)) this.heldByNode.increase(node);
  }

  leaveBound(binding: BindingSpec, place: Place): void {
    this.space.free(place);
    this.#bound--;
    if (place.reserved) this.#boundOnReserved--;
    this.heldBySubinstance.decrease(binding.subinstance);
    for (const node of distinct(binding.attachments, nodeOf)) this.heldByNode.decrease(node);
  }

  /** A released record keeps its address back while it cools or is sticky; a reserved address is kept back anyway. */
  enterReleased(tombstone: Tombstone, place: Place): void {
    if (tombstone.state === 'over' || place.reserved) return;
    this.space.take(place);
    this[tombstone.state].add(tombstone);
    if (tombstone.state === 'cooling') this.#coolingEnds.push(tombstone.coolingUntil, tombstone);
  }

  leaveReleased(tombstone: Tombstone, place: Place): void {
    if (tombstone.state === 'over' || place.reserved) return;
    this.space.free(place);
    this[tombstone.state].delete(tombstone);
    if (tombstone.state === 'cooling') this.#coolingEnds.forgot();
  }

  counts(): Counts {
    const allocated = BigInt(this.#bound);
    const reserved = this.space.reservedCount - BigInt(this.#boundOnReserved);
    const cooling = BigInt(this.cooling.size + this.sticky.size);
    return { total: this.#total, allocated, reserved, cooling, available: this.#total - allocated - reserved - cooling };
  }

  /** Monotonic milliseconds at which the first of the cooling addresses has cooled. */
  nextCooled(): number | undefined {
    return this.#coolingEnds.next();
  }
}

export const rangesIn = (pool: LedgerPool): RangeSet => pool.parsed?.ranges ?? rangesOf(pool.spec);

/** All that is reserved, inside the ranges or not. */
export const reservedIn = (pool: LedgerPool): RangeSet => pool.parsed?.reserved ?? reservedOf(pool.spec);

const nodeOf = (attachment: Attachment): string => attachment.node;

/** What the attachments say, each answer once: the two of a VM's hand-over may share a node or a pod. */
export function distinct(attachments: readonly Attachment[], pick: (attachment: Attachment) => string | undefined): readonly string[] {
  if (attachments.length === 0) return NOTHING;
  const first = pick(attachments[0]!);
  if (attachments.length === 1) return first === undefined ? NOTHING : [first];
  return [...new Set(attachments.map(pick).filter((answer) => answer !== undefined))];
}

const NOTHING: readonly string[] = [];
