/**
 * The state in memory: pools and binding records with every index. One door in (put and remove), so nothing can be
 * updated by half; one clock. The controller fills it from its store's watch, the library's IpPool by itself; both
 * decide with choose.ts.
 */
import { hugeBlocks, type Place } from './address-space.ts';
import { formatAddress, makeAddress, parseAddress } from './address.ts';
import { BindingIndex } from './binding-index.ts';
import { isBound, type BindingSpec, type ResourceKind } from './binding.ts';
import { ChurnMap } from './churn-map.ts';
import type { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { PoolBook, rangesIn, reservedIn, type Counts, type LedgerPool } from './pool-book.ts';
import { contains, intersect, overlaps, size, subtract, union, type RangeSet } from './range-set.ts';
import { compareReleases, endOfState, isSameRelease, makeTombstone, tombstoneStateAt, type Tombstone } from './tombstone.ts';
import { verifyLedger } from './verify-ledger.ts';

export type { Counts, LedgerPool };

/** A uniqueness domain: an address has at most one record in it. */
interface Network {
  readonly records: ChurnMap<BindingSpec>;
  books: PoolBook[];
  /** Two of its pools share addresses; a record then counts in both. */
  overlapping: boolean;
}

/** How many addresses of a pool a tenant has. */
interface Holding {
  readonly subinstance: string;
  readonly held: number;
}

const isGreedier = (a: Holding, b: Holding): boolean => a.held > b.held || (a.held === b.held && a.subinstance < b.subinstance);

/** Up to here, the records on some addresses are found by asking for each address; beyond, by going through the records. */
const FEW_ADDRESSES = 1024n;

export class Ledger {
  readonly #clock: Clock;
  readonly #networks = new Map<string, Network>();
  readonly #books = new Map<string, PoolBook>();
  readonly #index = new BindingIndex();
  readonly #tombstones = new Map<BindingSpec, Tombstone>();
  readonly #over = new Set<BindingSpec>();
  readonly #stateEnds = new Deadlines<Tombstone>(
    (tombstone, at) => this.#tombstones.get(tombstone.binding) === tombstone && endOfState(tombstone) === at,
  );
  readonly #leases = new Deadlines<BindingSpec>((binding) => this.get(binding.network, binding.address) === binding);
  #size = 0;
  #releases = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  // Pools

  /** New or changed. Records already there count as taken in it, whoever's pool name they carry. */
  putPool(pool: LedgerPool): void {
    const before = this.#books.get(pool.name);
    if (before && before.pool.spec.network === pool.spec.network && before.pool.uid === pool.uid && this.#changeReserved(before, pool))
      return;
    if (before) this.removePool(pool.name);
    const book = new PoolBook(pool);
    const network = this.#network(pool.spec.network);
    this.#books.set(pool.name, book);
    network.books.push(book);
    network.overlapping = hasOverlap(network.books);
    for (const binding of network.records.values()) if (isBound(binding)) visitPlace(book, binding, this.#enterPlace);
    for (const { binding } of [...this.#tombstones.values()].sort(compareReleases)) {
      if (binding.network === pool.spec.network) visitPlace(book, binding, this.#enterPlace);
    }
  }

  removePool(name: string): LedgerPool | undefined {
    const book = this.#books.get(name);
    if (!book) return undefined;
    const network = this.#network(book.pool.spec.network);
    this.#books.delete(name);
    network.books = network.books.filter((other) => other !== book);
    network.overlapping = hasOverlap(network.books);
    return book.pool;
  }

  pool(name: string): LedgerPool | undefined {
    return this.#books.get(name)?.pool;
  }

  pools(): readonly LedgerPool[] {
    return [...this.#books.values()].map((book) => book.pool);
  }

  /** Those of pools, and those of records whose pool is gone or not heard of yet. */
  networks(): readonly string[] {
    return [...this.#networks].filter(([, { books, records }]) => books.length > 0 || records.size > 0).map(([name]) => name);
  }

  poolsContaining(network: string, address: string): readonly LedgerPool[] {
    const books = this.#networks.get(network)?.books ?? [];
    return books.filter((book) => book.space.locate(address) !== undefined).map((book) => book.pool);
  }

  /** For choose.ts and verify-ledger.ts: the pool's account, with what time has changed brought up to date. */
  book(pool: string): PoolBook | undefined {
    this.#catchUp();
    return this.#books.get(pool);
  }

  // Records

  /** Returns the record it replaces. A record seen released starts to cool now. */
  put(binding: BindingSpec): BindingSpec | undefined {
    const network = this.#network(binding.network);
    const before = network.records.set(binding.address, binding);
    if (before === binding) return before;
    const seen =
      before && !isBound(before) && !isBound(binding) && isSameRelease(before, binding) ? this.#tombstones.get(before) : undefined;
    if (before) this.#leave(network, before);
    else this.#size++;
    this.#enter(network, binding, seen);
    return before;
  }

  remove(network: string, address: string): BindingSpec | undefined {
    const home = this.#networks.get(network);
    const binding = home?.records.delete(address);
    if (!home || !binding) return undefined;
    this.#size--;
    this.#leave(home, binding);
    return binding;
  }

  get(network: string, address: string): BindingSpec | undefined {
    return this.#networks.get(network)?.records.get(address);
  }

  get size(): number {
    return this.#size;
  }

  *all(): Iterable<BindingSpec> {
    for (const network of this.#networks.values()) yield* network.records.values();
  }

  /** The records, bound and released, on the addresses of the ranges. */
  *recordsIn(name: string, ranges: RangeSet): Iterable<BindingSpec> {
    const { records } = this.#network(name);
    if (size(ranges) <= FEW_ADDRESSES) {
      for (const { family, first, last } of ranges) {
        for (let value = first; value <= last; value++) {
          const binding = records.get(formatAddress(makeAddress(family, value)));
          if (binding) yield binding;
        }
      }
      return;
    }
    for (const binding of records.values()) {
      const address = parseAddress(binding.address);
      if (address && contains(ranges, address.family, address.value)) yield binding;
    }
  }

  /** Bound records one of whose attachments has that holderKey. */
  byHolder(key: string): readonly BindingSpec[] {
    return this.#index.byHolder(key);
  }

  /** Bound and released records one of whose attachments has that attachmentKey: what a DEL looks at. */
  byAttachment(key: string): readonly BindingSpec[] {
    return this.#index.byAttachment(key);
  }

  byPodUid(uid: string): readonly BindingSpec[] {
    return this.#index.podUids.get(uid);
  }

  byNode(node: string): readonly BindingSpec[] {
    return this.#index.nodes.get(node);
  }

  /** Bound, in the order of their slots. */
  bySubject(subinstance: string, subid: string): readonly BindingSpec[] {
    return this.#index.bySubject(subinstance, subid);
  }

  bySubinstance(subinstance: string): readonly BindingSpec[] {
    return this.#index.subjects.getAll(subinstance);
  }

  byResource(type: ResourceKind, value: string): readonly BindingSpec[] {
    return this.#index.byResource(type, value);
  }

  byTag(key: string, value?: string): readonly BindingSpec[] {
    return this.#index.byTag(key, value);
  }

  /** The subject's released records that are still there, the one released last first. */
  releasedOf(subinstance: string, subid: string): readonly BindingSpec[] {
    if (this.#tombstones.size === 0) return [];
    const found = this.#index.released.get(subinstance, subid);
    return found.length > 1 ? [...found].sort((a, b) => compareReleases(this.#tombstones.get(b)!, this.#tombstones.get(a)!)) : found;
  }

  /** The released record that is still there on an address. */
  releasedAt(network: string, address: string): BindingSpec | undefined {
    const binding = this.#tombstones.size === 0 ? undefined : this.get(network, address);
    return binding === undefined || isBound(binding) ? undefined : binding;
  }

  // Time

  /** Leases that ended by then. @param now wall clock, milliseconds */
  expired(now: number): readonly BindingSpec[] {
    return this.#leases.isEmpty ? [] : this.#leases.dueBy(now);
  }

  /** Released records that nothing keeps back any more. */
  forgettable(): readonly BindingSpec[] {
    this.#catchUp();
    return [...this.#over];
  }

  /** 0 when it has cooled, or is not released. */
  coolingLeftSeconds(binding: BindingSpec): number {
    return this.#secondsUntil(this.#tombstoneOf(binding)?.coolingUntil);
  }

  stickyLeftSeconds(binding: BindingSpec): number {
    return this.#secondsUntil(this.#tombstoneOf(binding)?.stickyUntil);
  }

  /** When the first of the pool's cooling addresses has cooled; undefined when none cools. */
  nextAvailableSeconds(pool: string): number | undefined {
    const at = this.book(pool)?.nextCooled();
    return at === undefined ? undefined : this.#secondsUntil(at);
  }

  // Figures

  isReserved(pool: string, address: string): boolean {
    return this.#books.get(pool)?.space.locate(address)?.reserved ?? false;
  }

  /**
   * Exact, and total = allocated + reserved + cooling + available: `allocated` is bound, `reserved` is reserved and not
   * held, `cooling` is released and kept back (cooling or sticky, and not reserved).
   */
  counts(pool: string): Counts {
    return this.book(pool)?.counts() ?? { total: 0n, allocated: 0n, reserved: 0n, cooling: 0n, available: 0n };
  }

  /** How many bound addresses of the pool one tenant, node or pod has; the first of the three that is given counts. */
  heldBy(pool: string, who: { readonly subinstance?: string; readonly node?: string; readonly podUid?: string }): number {
    const book = this.#books.get(pool);
    if (!book) return 0;
    if (who.subinstance !== undefined) return book.heldBySubinstance.get(who.subinstance);
    if (who.node !== undefined) return book.heldByNode.get(who.node);
    if (who.podUid === undefined) return 0;
    return this.byPodUid(who.podUid).filter((binding) => binding.network === book.pool.spec.network && book.space.locate(binding.address))
      .length;
  }

  /** The tenants with the most addresses of the pool, the greediest first. */
  topHolders(pool: string, count: number): readonly Holding[] {
    // Not sorted: a full pool says it with every refusal, and there may be thousands of tenants.
    const top: Holding[] = [];
    for (const [subinstance, held] of this.#books.get(pool)?.heldBySubinstance.entries() ?? []) {
      const one = { subinstance, held };
      const last = top.at(-1);
      if (top.length === count && (last === undefined || isGreedier(last, one))) continue;
      const place = top.findIndex((other) => isGreedier(one, other));
      top.splice(place < 0 ? top.length : place, 0, one);
      if (top.length > count) top.pop();
    }
    return top;
  }

  /** Every index against a rebuild from the records: an empty list is health. */
  verify(): readonly string[] {
    this.#catchUp();
    return verifyLedger({
      networks: this.#networks,
      books: this.#books,
      index: this.#index,
      tombstones: this.#tombstones,
      over: this.#over,
      size: this.#size,
    });
  }

  // Inside

  #network(name: string): Network {
    let network = this.#networks.get(name);
    if (!network) this.#networks.set(name, (network = { records: new ChurnMap(), books: [], overlapping: false }));
    return network;
  }

  #enter(network: Network, binding: BindingSpec, seen: Tombstone | undefined): void {
    this.#index.enter(binding);
    if (isBound(binding)) {
      if (binding.expiresAt !== undefined) this.#leases.push(binding.expiresAt, binding);
    } else {
      const now = this.#clock.monotonic();
      const tombstone = makeTombstone(binding, seen ?? { seenAt: now, sequence: this.#releases++ }, now);
      this.#tombstones.set(binding, tombstone);
      this.#awaitEnd(tombstone);
    }
    this.#eachBook(network, binding, this.#enterPlace);
  }

  #leave(network: Network, binding: BindingSpec): void {
    this.#index.leave(binding);
    this.#eachBook(network, binding, this.#leavePlace);
    if (isBound(binding)) {
      if (binding.expiresAt !== undefined) this.#leases.forgot();
      return;
    }
    const tombstone = this.#tombstones.get(binding);
    this.#tombstones.delete(binding);
    this.#over.delete(binding);
    if (tombstone && tombstone.state !== 'over') this.#stateEnds.forgot();
  }

  /** A record lies in the pool it names, unless that pool changed or its network's pools overlap. */
  #eachBook(network: Network, binding: BindingSpec, visit: (book: PoolBook, binding: BindingSpec, place: Place) => void): void {
    const named = this.#books.get(binding.pool);
    if (named && !network.overlapping && named.pool.spec.network === binding.network) {
      const place = named.space.locate(binding.address);
      if (place) return visit(named, binding, place);
    }
    for (const book of network.books) visitPlace(book, binding, visit);
  }

  readonly #enterPlace = (book: PoolBook, binding: BindingSpec, place: Place): void => {
    const tombstone = this.#tombstones.get(binding);
    if (tombstone) book.enterReleased(tombstone, place);
    else book.enterBound(binding, place);
  };

  readonly #leavePlace = (book: PoolBook, binding: BindingSpec, place: Place): void => {
    const tombstone = this.#tombstones.get(binding);
    if (tombstone) book.leaveReleased(tombstone, place);
    else book.leaveBound(binding, place);
  };

  /** Applies a spec whose ranges and huge reserved blocks are the same; false when they are not. */
  #changeReserved(book: PoolBook, pool: LedgerPool): boolean {
    const ranges = rangesIn(pool);
    if (!sameRanges(ranges, book.space.ranges)) return false;
    const reserved = intersect(ranges, reservedIn(pool));
    if (!sameRanges(hugeBlocks(reserved), hugeBlocks(book.space.reserved))) return false;
    // Each address once, and none whose reservation stays: a record that leaves and enters twice is counted twice.
    const changed = union(subtract(book.space.reserved, reserved), subtract(reserved, book.space.reserved));
    const records = [...this.recordsIn(pool.spec.network, changed)];
    for (const binding of records) visitPlace(book, binding, this.#leavePlace);
    book.changePool(pool);
    for (const binding of records) visitPlace(book, binding, this.#enterPlace);
    return true;
  }

  #tombstoneOf(binding: BindingSpec): Tombstone | undefined {
    const current = this.get(binding.network, binding.address);
    return this.#tombstones.get(binding) ?? (current && isSameRelease(current, binding) ? this.#tombstones.get(current) : undefined);
  }

  #secondsUntil(at: number | undefined): number {
    return at === undefined ? 0 : Math.max(0, (at - this.#clock.monotonic()) / 1000);
  }

  #awaitEnd(tombstone: Tombstone): void {
    const end = endOfState(tombstone);
    if (end === undefined) this.#over.add(tombstone.binding);
    else this.#stateEnds.push(end, tombstone);
  }

  /** Lets the released records whose time has come go on to their next state. */
  #catchUp(): void {
    if (this.#stateEnds.isEmpty) return;
    const now = this.#clock.monotonic();
    for (const tombstone of this.#stateEnds.takeUntil(now)) {
      const { binding } = tombstone;
      const network = this.#network(binding.network);
      this.#eachBook(network, binding, this.#leavePlace);
      tombstone.state = tombstoneStateAt(tombstone, now);
      this.#eachBook(network, binding, this.#enterPlace);
      this.#awaitEnd(tombstone);
    }
  }
}

/** Nothing where the pool has not that address. */
function visitPlace(book: PoolBook, binding: BindingSpec, visit: (book: PoolBook, binding: BindingSpec, place: Place) => void): void {
  const place = book.space.locate(binding.address);
  if (place) visit(book, binding, place);
}

function hasOverlap(books: readonly PoolBook[]): boolean {
  return books.some((book, index) => books.slice(index + 1).some((other) => overlaps(book.space.ranges, other.space.ranges)));
}

const sameRanges = (a: RangeSet, b: RangeSet): boolean => a.length === b.length && a.every((range, index) => isSame(range, b[index]!));

const isSame = (a: RangeSet[number], b: RangeSet[number]): boolean => a.family === b.family && a.first === b.first && a.last === b.last;
