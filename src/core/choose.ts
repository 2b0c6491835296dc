/**
 * Which address somebody gets (DESIGN section 4). A pure decision over the ledger: nothing is taken here, the caller's
 * create or compare-and-swap is the lock. In this order: the address asked for; the subject's own; the one it released
 * last (sticky); the first available from its home on; cooled addresses kept for others, oldest first; cooling ones,
 * oldest first, unless the pool would rather wait.
 */
import { canonicalAddress } from './address.ts';
import { isBound, type BindingSpec, type Family } from './binding.ts';
import { homeFraction } from './home.ts';
import type { Ledger } from './ledger.ts';
import type { PoolBook } from './pool-book.ts';
import { quote } from './range.ts';
import { done, refuse, type Outcome } from './refusal.ts';
import type { Tombstone } from './tombstone.ts';

export interface Want {
  readonly subinstance: string;
  readonly subid: string;
  readonly slot: number;
  readonly family: Family;
  /** What is hashed for the home: subinstance, subid, ifName. */
  readonly seed: string;
  /** Counts lost races: each gives another home. */
  readonly attempt: number;
  readonly requested?: string;
  /** Addresses tried and lost in this call, or being written by another. */
  readonly avoid?: Pick<ReadonlySet<string>, 'has'>;
  /** Sticky goes by interface too: a pod's two interfaces do not swap addresses when it comes back. */
  readonly ifName?: string;
  /** A subject's bound record of that slot is its answer (the library); without it, only releases are looked at. */
  readonly useSubjectsOwn?: boolean;
}

export interface Candidate {
  readonly address: string;
  /** The released record to compare-and-swap over. */
  readonly replaces?: BindingSpec;
  readonly why: 'requested' | 'own' | 'sticky' | 'home' | 'reused';
}

/**
 * Refuses UnknownPool; for a requested address InvalidIpAddress, IpNotFound (outside the pool), IpNotAvailable
 * (reserved, cooling or kept for another) and IpAlreadyAllocated (names the holder); PoolNotActive (the pool gives
 * nothing new; own and sticky addresses are still served); PoolFull (with what holds it up, and until when).
 */
export function chooseAddress(ledger: Ledger, pool: string, want: Want): Outcome<Candidate> {
  const book = ledger.book(pool);
  if (!book) return refuse('UnknownPool', `there is no pool ${quote(pool)}`);
  if (want.requested !== undefined) return chooseRequested(ledger, book, want, want.requested);
  const own = want.useSubjectsOwn ? findOwn(ledger, book, want) : undefined;
  if (own) return done({ address: own.address, why: 'own' });
  const sticky = findSticky(ledger, book, want);
  if (sticky) return done({ address: sticky.address, replaces: sticky, why: 'sticky' });
  if (book.pool.spec.state !== 'Active') return refuseInactive(book);
  const address = findAvailable(book, want);
  if (address !== undefined) return done(overTombstone(ledger, book, address, 'home'));
  const reused = findReusable(book, want);
  if (reused) return done({ address: reused.address, replaces: reused, why: 'reused' });
  return refuseFull(ledger, book);
}

function chooseRequested(ledger: Ledger, book: PoolBook, want: Want, text: string): Outcome<Candidate> {
  const { name, spec } = book.pool;
  const address = ledger.get(spec.network, text) ? text : canonicalAddress(text);
  if (address === undefined) return refuse('InvalidIpAddress', `${quote(text)} is not an IP address`);
  const place = book.space.locate(address);
  if (!place) return refuse('IpNotFound', `${address} is outside every range of pool ${name}`, { address });
  const record = ledger.get(spec.network, address);
  const isSubjects = record !== undefined && isSubject(record, want);
  if (record && isBound(record)) {
    if (want.useSubjectsOwn && isSubjects) return done({ address, why: 'own' });
    const holder = `${record.subinstance}/${record.subid}`;
    return refuse('IpAlreadyAllocated', `${address} is held by ${holder}`, { address, holder });
  }
  if (place.reserved) return refuse('IpNotAvailable', `${address} is reserved in pool ${name}`, { address });
  if (record && isSubjects) return done({ address, replaces: record, why: 'requested' });
  if (spec.state !== 'Active') return refuseInactive(book);
  if (want.avoid?.has(address)) return refuse('IpNotAvailable', `${address} was taken by another a moment ago`, { address });
  if (record) {
    const kept = refuseKept(ledger, record);
    if (kept) return kept;
  }
  return done(overTombstone(ledger, book, address, 'requested'));
}

function refuseKept(ledger: Ledger, record: BindingSpec): Outcome<never> | undefined {
  const holder = `${record.subinstance}/${record.subid}`;
  const data = { address: record.address, holder };
  const cooling = Math.ceil(ledger.coolingLeftSeconds(record));
  if (cooling > 0) {
    return refuse('IpNotAvailable', `${record.address} was released by ${holder} and cools for another ${cooling} s`, {
      ...data,
      retryAfterSeconds: cooling,
    });
  }
  const sticky = Math.ceil(ledger.stickyLeftSeconds(record));
  return sticky > 0
    ? refuse('IpNotAvailable', `${record.address} is kept for ${holder} for another ${sticky} s`, { ...data, retryAfterSeconds: sticky })
    : undefined;
}

const isSubject = (record: BindingSpec, want: Want): boolean =>
  record.subinstance === want.subinstance && record.subid === want.subid && record.slot === want.slot;

function findOwn(ledger: Ledger, book: PoolBook, want: Want): BindingSpec | undefined {
  for (const record of ledger.bySubject(want.subinstance, want.subid)) {
    if (record.slot === want.slot && record.network === book.pool.spec.network && book.space.locate(record.address)) return record;
  }
  return undefined;
}

function findSticky(ledger: Ledger, book: PoolBook, want: Want): BindingSpec | undefined {
  for (const record of ledger.releasedOf(want.subinstance, want.subid)) {
    if (record.slot !== want.slot || record.network !== book.pool.spec.network || want.avoid?.has(record.address)) continue;
    if (want.ifName !== undefined && !record.attachments.some(({ ifName }) => ifName === want.ifName)) continue;
    const place = book.space.locate(record.address);
    if (place && !place.reserved) return record;
  }
  return undefined;
}

function findAvailable(book: PoolBook, want: Want): string | undefined {
  if (book.pool.spec.placement === 'Lowest') return book.space.lowest(want.avoid);
  return book.space.fromHome(homeFraction(book.salt, want.seed, want.attempt), want.avoid);
}

function findReusable(book: PoolBook, want: Want): BindingSpec | undefined {
  const notAvoided = (tombstones: Iterable<Tombstone>): BindingSpec | undefined => {
    for (const { binding } of tombstones) if (!want.avoid?.has(binding.address)) return binding;
    return undefined;
  };
  return notAvoided(book.sticky) ?? (book.pool.spec.whenFull === 'Reuse' ? notAvoided(book.cooling) : undefined);
}

/** An available address may still have the record of its last holder, whose time is over. */
function overTombstone(ledger: Ledger, book: PoolBook, address: string, why: Candidate['why']): Candidate {
  const replaces = ledger.releasedAt(book.pool.spec.network, address);
  return replaces ? { address, replaces, why } : { address, why };
}

function refuseInactive(book: PoolBook): Outcome<never> {
  const { name, spec } = book.pool;
  return refuse('PoolNotActive', `pool ${name} gives out no new addresses: its state is ${spec.state}`);
}

function refuseFull(ledger: Ledger, book: PoolBook): Outcome<never> {
  const { name } = book.pool;
  const { total, allocated, reserved, cooling } = book.counts();
  const next = ledger.nextAvailableSeconds(name);
  const detail = `pool ${name} is full: of ${total} addresses ${allocated} are held, ${reserved} reserved, ${cooling} cooling`;
  if (next === undefined) return refuse('PoolFull', detail);
  const retryAfterSeconds = Math.max(1, Math.ceil(next));
  return refuse('PoolFull', `${detail}; the next comes free in ${retryAfterSeconds} s`, { retryAfterSeconds });
}
