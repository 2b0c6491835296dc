/**
 * The library's face: one pool of addresses of both families, in memory, in one process. The engine behind it is the
 * controller's (ledger.ts, choose.ts). Text is canonical on the way out and any correct spelling on the way in; a
 * refusal is an IpPoolError. Nothing ticks: leases end at expire(), or when their address is needed.
 */
import { canonicalAddress } from './address.ts';
import { parseParts, valueOf } from './address-parts.ts';
import type { BindingSpec, Family, Resource, ResourceKind } from './binding.ts';
import { isBound } from './binding.ts';
import { chooseAddress, type Want } from './choose.ts';
import type { Clock } from './clock.ts';
import { IpPoolError, unwrap } from './ip-pool-error.ts';
import { checkAllocateOptions, checkListener, checkOptions, checkSubject } from './ip-pool-arguments.ts';
import { FAMILIES, IpPoolRanges, textOf, type Policy } from './ip-pool-ranges.ts';
import { readSnapshot, type IpPoolSnapshot } from './ip-pool-snapshot.ts';
import {
  toBinding,
  type AllocateOptions,
  type Binding,
  type Change,
  type IpPoolEvents,
  type IpPoolOptions,
  type IpPoolStats,
  type TryAllocated,
} from './ip-pool-types.ts';
import { Ledger } from './ledger.ts';
import { Listeners } from './listeners.ts';
import { DEFAULT_NETWORK } from './pool.ts';
import { parseCidr, parseRange, quote, type Range } from './range.ts';
import { done, refuse, type Outcome, type RefusalReason } from './refusal.ts';
import { normaliseMac, normaliseResource } from './resource.ts';
import { makeSystemClock } from './system-clock.ts';

const NO_ATTACHMENTS: BindingSpec['attachments'] = Object.freeze([]);

/** The refusals that may turn into a yes when leases that have ended are let go. */
const NEED_ROOM: ReadonlySet<RefusalReason> = new Set<RefusalReason>(['PoolFull', 'IpAlreadyAllocated', 'IpNotAvailable', 'LimitReached']);

export class IpPool {
  readonly name: string;
  readonly #policy: Policy;
  readonly #perSubinstance: number | undefined;
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #ranges: IpPoolRanges;
  readonly #listeners = new Listeners<IpPoolEvents>();

  /** Throws InvalidRequest for a name or an option that makes no sense. */
  constructor(name: string, options: IpPoolOptions = {}) {
    unwrap(checkOptions(name, options));
    this.name = name;
    this.#policy = {
      placement: options.placement ?? 'Lowest',
      cooldownSeconds: options.cooldownSeconds ?? 0,
      whenFull: options.whenFull ?? 'Reuse',
      stickySeconds: options.stickySeconds ?? 0,
    };
    this.#perSubinstance = options.limits?.perSubinstance;
    this.#clock = options.clock ?? makeSystemClock();
    this.#ledger = new Ledger(this.#clock);
    this.#ranges = new IpPoolRanges(this.#ledger, name, this.#policy);
  }

  /**
   * Adds every address from `first` to `last`. A range that touches another becomes one with it.
   * Throws InvalidIpAddress, and InvalidRange for a reversed range, mixed families or an overlap.
   */
  addRange(first: string, last: string): void {
    this.#addRange(unwrap(parseRange(first, last)));
  }

  /** Adds every address of the CIDR, its first and last included. Throws as addRange, and InvalidSubnet. */
  addCidrRange(cidr: string): void {
    this.#addRange(unwrap(parseCidr(cidr)));
  }

  /**
   * Takes out every address from `first` to `last`; what is left of a range stays. Reservations in it are forgotten.
   * Throws InvalidRange when one of them is held, IpNotFound when they are not all in the pool.
   */
  removeRange(first: string, last: string): void {
    const range = unwrap(parseRange(first, last));
    unwrap(this.#ranges.remove(range));
    this.#changed({ kind: 'rangeRemoved', ...textOf(range) });
  }

  /** Never hands the address out. Again is the same. Throws IpNotFound, and IpAlreadyAllocated while it is held. */
  reserveIp(ip: string): void {
    if (unwrap(this.#ranges.reserve(ip))) this.#changed({ kind: 'reserved', address: canonicalAddress(ip)! });
  }

  unreserveIp(ip: string): void {
    if (unwrap(this.#ranges.unreserve(ip))) this.#changed({ kind: 'unreserved', address: canonicalAddress(ip)! });
  }

  /**
   * An address for the subject: the one it has in that slot and family (whose binding stays as it is), else the one it
   * had last if that is still kept, else a new one. Throws PoolFull, and IpNotAvailable when the tenant is at its limit.
   */
  allocate(subinstance: string, subid: string, resource: Resource, options: AllocateOptions = {}): string {
    return unwrap(this.#allocate(subinstance, subid, resource, options));
  }

  /** allocate() for callers to whom "no" is an answer and not an error. */
  tryAllocate(subinstance: string, subid: string, resource: Resource, options: AllocateOptions = {}): TryAllocated {
    const outcome = this.#allocate(subinstance, subid, resource, options);
    if (outcome.ok) return { address: outcome.value };
    const { code, message, retryAfterSeconds } = new IpPoolError(outcome.refusal);
    return { refusal: { code, detail: message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) } };
  }

  /**
   * Exactly this address, in canonical text; nothing happens when the subject holds it already. Without a `slot` it
   * takes the subject's lowest free one, so a subject may collect addresses. Throws InvalidIpAddress, IpNotFound,
   * IpAlreadyAllocated (with the holder), and IpNotAvailable: reserved, cooling, kept for another, slot taken, limit.
   */
  allocateSpecific(
    ip: string,
    subinstance: string,
    subid: string,
    resource: Resource,
    options: Omit<AllocateOptions, 'family'> = {},
  ): string {
    return unwrap(this.#allocateSpecific(ip, subinstance, subid, resource, options));
  }

  /** Throws BindingNotFound when nobody holds it. Returns what was released. */
  releaseByIp(ip: string): Binding {
    return this.#release(unwrap(this.#held(ip)), 'released');
  }

  /** Releases every address of the subject. Throws BindingNotFound when it has none. */
  releaseBySubid(subinstance: string, subid: string): Binding[] {
    const held = this.#ledger.bySubject(subinstance, subid);
    if (held.length === 0) throw new IpPoolError(notFound(`${subinstance}/${subid} holds no address of pool ${this.name}`));
    return this.#releaseEach(held, 'released');
  }

  /** Releases every address of a tenant; none is fine, so that a clean-up can be repeated. */
  releaseBySubinstance(subinstance: string): Binding[] {
    return this.#releaseEach(this.#ledger.bySubinstance(subinstance), 'released');
  }

  /** The subject's address; of several the one in the lowest slot, IPv4 first. */
  findBySubid(subinstance: string, subid: string): string | undefined {
    return this.#ledger.bySubject(subinstance, subid)[0]?.address;
  }

  /** All of the subject's addresses, in the order of their slots. */
  findAllBySubid(subinstance: string, subid: string): string[] {
    return addressesOf(this.#ledger.bySubject(subinstance, subid));
  }

  /** The address of a MAC (in any spelling), VM, container, pod or custom resource; of several the one it got first. */
  findByResource(type: ResourceKind, value: string): string | undefined {
    const canonical = type === 'mac' ? normaliseMac(value) : value;
    return canonical === undefined ? undefined : this.#ledger.byResource(type, canonical)[0]?.address;
  }

  /** A tenant's addresses, in the order of the addresses. */
  listBySubinstance(subinstance: string): string[] {
    return sortAddresses(addressesOf(this.#ledger.bySubinstance(subinstance)));
  }

  /** The addresses whose tags have the key, with that value if one is given; in the order of the addresses. */
  findByTag(key: string, value?: string): string[] {
    return sortAddresses(addressesOf(this.#ledger.byTag(key, value)));
  }

  /** Who holds the address; undefined when nobody does. */
  getBinding(ip: string): Binding | undefined {
    const held = this.#held(ip);
    return held.ok ? toBinding(held.value) : undefined;
  }

  /** The binding ends `leaseSeconds` from now, whether it had a lease before or not. Throws BindingNotFound. */
  renew(ip: string, leaseSeconds: number): Binding {
    const held = unwrap(this.#held(ip));
    unwrap(checkAllocateOptions({ leaseSeconds }));
    const renewed = { ...held, expiresAt: this.#clock.now() + leaseSeconds * 1000 };
    this.#ledger.put(renewed);
    if (!this.#listeners.isEmpty) this.#changed({ kind: 'renewed', binding: toBinding(renewed) });
    return toBinding(renewed);
  }

  /** Releases the bindings whose lease has ended, and returns them. Costs nothing when there are none. */
  expire(): Binding[] {
    return this.#releaseEach(this.#ledger.expired(this.#clock.now()), 'expired');
  }

  /** Exact, however large the pool. */
  stats(): IpPoolStats {
    const [ipv4, ipv6] = FAMILIES.map((family) => this.#ledger.counts(this.#ranges.ledgerName(family)));
    const sum = (figure: keyof IpPoolStats): bigint => ipv4![figure] + ipv6![figure];
    return { total: sum('total'), allocated: sum('allocated'), reserved: sum('reserved'), available: sum('available') };
  }

  /**
   * Calls back after each change. A listener that throws does not undo it, and does not reach the caller: the error
   * surfaces as an unhandled rejection. A listener may use the pool; what it changes is told afterwards. The returned
   * function ends it.
   */
  on<Name extends 'allocated' | 'released' | 'expired' | 'changed'>(
    event: Name,
    listener: (event: IpPoolEvents[Name]) => void,
  ): () => void {
    unwrap(checkListener(event, listener));
    return this.#listeners.add(event, listener);
  }

  /** The pool against itself, every index and count rebuilt from its bindings: no finding is health. Costs as much as there are bindings. */
  verify(): readonly string[] {
    return this.#ledger.verify();
  }

  /** Everything but the clock and the listeners, as plain JSON. */
  toJSON(): IpPoolSnapshot {
    return {
      version: 1,
      name: this.name,
      options: { ...this.#policy, ...(this.#perSubinstance !== undefined && { limits: { perSubinstance: this.#perSubinstance } }) },
      ranges: this.#ranges.ranges.map(textOf),
      reserved: this.#ranges.reserved.map(textOf),
      bindings: [...this.#ledger.all()].map(({ network: _network, pool: _pool, attachments: _attachments, ...binding }) => binding),
    };
  }

  /**
   * A pool from toJSON()'s result or its text. Cooling starts anew. Throws IpPoolError for anything else, before
   * anything is made: another version, overlapping ranges, an address outside them, two holders of one address.
   */
  static fromJSON(json: unknown, { clock }: Pick<IpPoolOptions, 'clock'> = {}): IpPool {
    const snapshot = unwrap(readSnapshot(json));
    const pool = new IpPool(snapshot.name, { ...snapshot.options, ...(clock && { clock }) });
    pool.#ranges.restore(snapshot.ranges, snapshot.reserved);
    for (const binding of snapshot.bindings) {
      pool.#ledger.put({
        ...binding,
        network: DEFAULT_NETWORK,
        pool: pool.#ranges.ledgerName(familyOf(binding.address)),
        attachments: NO_ATTACHMENTS,
      });
    }
    return pool;
  }

  // Inside

  #addRange(range: Range): void {
    unwrap(this.#ranges.add(range));
    this.#changed({ kind: 'rangeAdded', ...textOf(range) });
  }

  #allocate(subinstance: string, subid: string, resource: Resource, options: AllocateOptions): Outcome<string> {
    const first = this.#allocateOnce(subinstance, subid, resource, options);
    return this.#hasMadeRoom(first) ? this.#allocateOnce(subinstance, subid, resource, options) : first;
  }

  #allocateSpecific(ip: string, subinstance: string, subid: string, resource: Resource, options: AllocateOptions): Outcome<string> {
    const first = this.#allocateSpecificOnce(ip, subinstance, subid, resource, options);
    return this.#hasMadeRoom(first) ? this.#allocateSpecificOnce(ip, subinstance, subid, resource, options) : first;
  }

  /**
   * Leases that have ended make room when there is need. Whoever asked then asks anew from the beginning: a listener
   * that heard of the end may have allocated, for the same subject too.
   */
  #hasMadeRoom(outcome: Outcome<string>): boolean {
    return !outcome.ok && NEED_ROOM.has(outcome.refusal.reason) && this.expire().length > 0;
  }

  #allocateOnce(subinstance: string, subid: string, resource: Resource, options: AllocateOptions): Outcome<string> {
    const subject = this.#checkCall(subinstance, subid, resource, options);
    if (!subject.ok) return subject;
    const family = options.family ?? (this.#ranges.has('IPv4') || !this.#ranges.has('IPv6') ? 'IPv4' : 'IPv6');
    const slot = options.slot ?? 0;
    const own = this.#ownOf(subinstance, subid, slot, family);
    if (own && !this.#hasEnded(own)) return done(own.address);
    const want: Want = { subinstance, subid, slot, family, seed: `${subinstance}/${subid}`, attempt: 0, useSubjectsOwn: own !== undefined };
    return this.#choose(want, subject.value, options);
  }

  #allocateSpecificOnce(ip: string, subinstance: string, subid: string, resource: Resource, options: AllocateOptions): Outcome<string> {
    const subject = this.#checkCall(subinstance, subid, resource, options);
    if (!subject.ok) return subject;
    const address = canonicalAddress(ip);
    if (address === undefined) return refuse('InvalidIpAddress', `${quote(ip)} is not an IP address`);
    const holder = this.#ledger.get(DEFAULT_NETWORK, address);
    const isOwn = holder && isBound(holder) && holder.subinstance === subinstance && holder.subid === subid;
    if (isOwn && (options.slot === undefined || options.slot === holder.slot) && !this.#hasEnded(holder)) return done(address);
    const family = familyOf(address);
    const slot = options.slot ?? (isOwn ? holder.slot : this.#lowestFreeSlot(subinstance, subid, family));
    const other = this.#ownOf(subinstance, subid, slot, family);
    if (other && other.address !== address) {
      return refuse('IpNotAvailable', `${subinstance}/${subid} already holds ${other.address} in slot ${slot}`, { address: other.address });
    }
    const want: Want = { subinstance, subid, slot, family, seed: '', attempt: 0, requested: address, useSubjectsOwn: true };
    return this.#choose(want, subject.value, options);
  }

  #checkCall(subinstance: string, subid: string, resource: Resource, options: AllocateOptions): Outcome<Resource> {
    const subject = checkSubject(subinstance, subid);
    if (!subject.ok) return subject;
    const checked = checkAllocateOptions(options);
    return checked.ok ? normaliseResource(resource) : checked;
  }

  #choose(want: Want, resource: Resource, options: AllocateOptions): Outcome<string> {
    const pool = this.#ranges.ledgerName(want.family);
    if (!this.#ranges.has(want.family)) {
      return want.requested === undefined
        ? refuse('PoolFull', `pool ${this.name} has no ${want.family} addresses`)
        : refuse('IpNotFound', `${want.requested} is outside every range of pool ${this.name}`, { address: want.requested });
    }
    const chosen = chooseAddress(this.#ledger, pool, want);
    if (!chosen.ok) return chosen;
    const { address, why } = chosen.value;
    if (why !== 'own') {
      const limit = this.#checkLimit(want.subinstance);
      if (!limit.ok) return limit;
    }
    const now = this.#clock.now();
    const binding: BindingSpec = {
      address,
      pool,
      network: DEFAULT_NETWORK,
      subinstance: want.subinstance,
      subid: want.subid,
      slot: want.slot,
      resource,
      attachments: NO_ATTACHMENTS,
      ...(options.tags && { tags: Object.freeze({ ...options.tags }) }),
      boundAt: now,
      ...(options.leaseSeconds !== undefined && { expiresAt: now + options.leaseSeconds * 1000 }),
      cooldownSeconds: this.#policy.cooldownSeconds,
      stickySeconds: this.#policy.stickySeconds,
    };
    this.#ledger.put(binding);
    if (!this.#listeners.isEmpty) this.#announce('allocated', toBinding(binding));
    return done(address);
  }

  #checkLimit(subinstance: string): Outcome<void> {
    const limit = this.#perSubinstance;
    if (limit === undefined) return done(undefined);
    const held = FAMILIES.reduce((sum, family) => sum + this.#ledger.heldBy(this.#ranges.ledgerName(family), { subinstance }), 0);
    if (held < limit) return done(undefined);
    return refuse('LimitReached', `${subinstance} holds ${held} addresses of pool ${this.name}, and its limit is ${limit}`);
  }

  #ownOf(subinstance: string, subid: string, slot: number, family: Family): BindingSpec | undefined {
    return this.#ledger.bySubject(subinstance, subid).find((binding) => binding.slot === slot && familyOf(binding.address) === family);
  }

  #lowestFreeSlot(subinstance: string, subid: string, family: Family): number {
    const own = this.#ledger.bySubject(subinstance, subid).filter((binding) => familyOf(binding.address) === family);
    const taken = new Set(own.map((binding) => binding.slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  #hasEnded(binding: BindingSpec): boolean {
    return binding.expiresAt !== undefined && binding.expiresAt <= this.#clock.now();
  }

  /** The bound record of an address in any spelling. Refuses InvalidIpAddress and BindingNotFound. */
  #held(ip: string): Outcome<BindingSpec> {
    const direct = this.#ledger.get(DEFAULT_NETWORK, ip);
    if (direct && isBound(direct)) return done(direct);
    const address = canonicalAddress(ip);
    if (address === undefined) return refuse('InvalidIpAddress', `${quote(ip)} is not an IP address`);
    const binding = this.#ledger.get(DEFAULT_NETWORK, address);
    return binding && isBound(binding) ? done(binding) : { ok: false, refusal: notFound(`nobody holds ${address}`, address) };
  }

  /**
   * Each as it is when its turn comes: a listener that hears of one may release, renew or deal out the next, and what
   * another holds by then is not let go.
   */
  #releaseEach(bindings: readonly BindingSpec[], event: 'released' | 'expired'): Binding[] {
    const released: Binding[] = [];
    for (const { address, subinstance, subid } of bindings) {
      const binding = this.#ledger.get(DEFAULT_NETWORK, address);
      if (!binding || !isBound(binding) || binding.subinstance !== subinstance || binding.subid !== subid) continue;
      if (event === 'released' || this.#hasEnded(binding)) released.push(this.#release(binding, event));
    }
    return released;
  }

  #release(binding: BindingSpec, event: 'released' | 'expired'): Binding {
    const releasedAt = this.#clock.now();
    if (binding.cooldownSeconds === 0 && binding.stickySeconds === 0) {
      this.#ledger.remove(DEFAULT_NETWORK, binding.address);
    } else {
      this.#ledger.put({ ...binding, releasedAt });
      for (const over of this.#ledger.forgettable()) this.#ledger.remove(DEFAULT_NETWORK, over.address);
    }
    const result = toBinding(binding, releasedAt);
    if (!this.#listeners.isEmpty) this.#announce(event, result);
    return result;
  }

  #announce(kind: 'allocated' | 'released' | 'expired', binding: Binding): void {
    this.#listeners.emit([kind, binding], ['changed', { kind, binding }]);
  }

  #changed(change: Change): void {
    this.#listeners.emit(['changed', change]);
  }
}

const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4');

const addressesOf = (bindings: readonly BindingSpec[]): string[] => bindings.map((binding) => binding.address);

const notFound = (detail: string, address?: string) =>
  ({ reason: 'BindingNotFound', detail, ...(address !== undefined && { address }) }) as const;

/** IPv4 first, then by value. */
function sortAddresses(addresses: string[]): string[] {
  const keyed = addresses.map((address) => ({ address, isIPv6: address.includes(':'), value: valueOf(parseParts(address)!) }));
  keyed.sort((a, b) => Number(a.isIPv6) - Number(b.isIPv6) || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  return keyed.map(({ address }) => address);
}
