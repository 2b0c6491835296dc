/**
 * The stupider twin: a world of 256 addresses or fewer, an array of booleans for each question, and a walk for every answer.
 * What it does is the specification of IpPool with placement Lowest.
 */
export interface Subject {
  readonly subinstance: string;
  readonly subid: string;
  readonly slot: number;
}

interface Held extends Subject {
  readonly expiresAt: number | undefined;
  /** When the lease was given, counted in leases: those that end together go in this order. */
  readonly lease: number;
}

interface Released extends Subject {
  readonly at: number;
  readonly order: number;
}

export interface TwinOptions {
  readonly cooldownSeconds: number;
  readonly stickySeconds: number;
  readonly whenFull: 'Reuse' | 'Wait';
  readonly perSubinstance: number | undefined;
}

export type Answer = { readonly index: number } | { readonly code: string };

export class BooleanPool {
  readonly inPool: boolean[];
  readonly reserved: boolean[];
  readonly held: (Held | undefined)[];
  readonly released: (Released | undefined)[];
  /** Seconds. */
  now = 0;
  readonly #options: TwinOptions;
  readonly #world: readonly number[];
  #order = 0;
  #leases = 0;

  constructor(options: TwinOptions, size = 256) {
    this.#options = options;
    this.#world = Array.from({ length: size }, (_, index) => index);
    this.inPool = this.#world.map(() => false);
    this.reserved = this.#world.map(() => false);
    this.held = this.#world.map(() => undefined);
    this.released = this.#world.map(() => undefined);
  }

  addRange(first: number, last: number): string | undefined {
    if (first > last) return 'InvalidRange';
    const range = this.#world.slice(first, last + 1);
    if (range.some((index) => this.inPool[index])) return 'InvalidRange';
    for (const index of range) this.inPool[index] = true;
    return undefined;
  }

  removeRange(first: number, last: number): string | undefined {
    if (first > last) return 'InvalidRange';
    const range = this.#world.slice(first, last + 1);
    if (range.some((index) => !this.inPool[index])) return 'IpNotFound';
    if (range.some((index) => this.held[index])) return 'InvalidRange';
    for (const index of range) {
      this.inPool[index] = this.reserved[index] = false;
      this.released[index] = undefined;
    }
    return undefined;
  }

  reserve(index: number, value: boolean): string | undefined {
    if (!this.inPool[index]) return 'IpNotFound';
    if (value && this.held[index]) return 'IpAlreadyAllocated';
    this.reserved[index] = value;
    return undefined;
  }

  allocate(subject: Subject, leaseSeconds: number | undefined): Answer {
    return this.#withRoom(() => this.#allocate(subject, leaseSeconds));
  }

  allocateSpecific(index: number, subinstance: string, subid: string, slot: number | undefined, leaseSeconds: number | undefined): Answer {
    return this.#withRoom(() => this.#allocateSpecific(index, subinstance, subid, slot, leaseSeconds));
  }

  /** Who is refused is asked again when leases have ended: they are let go when somebody needs them. */
  #withRoom(ask: () => Answer): Answer {
    const answer = ask();
    const needsRoom = 'code' in answer && ['PoolFull', 'IpAlreadyAllocated', 'IpNotAvailable'].includes(answer.code);
    return needsRoom && this.expire().length > 0 ? ask() : answer;
  }

  #allocate(subject: Subject, leaseSeconds: number | undefined): Answer {
    const own = this.#ownIndex(subject);
    if (own >= 0 && !this.#hasEnded(this.held[own]!)) return { index: own };
    const index = own >= 0 ? own : this.#choose(subject);
    if (index < 0) return { code: 'PoolFull' };
    return this.#hold(index, subject, leaseSeconds, own >= 0);
  }

  #allocateSpecific(index: number, subinstance: string, subid: string, slot: number | undefined, leaseSeconds: number | undefined): Answer {
    const holder = this.held[index];
    const isOwn = holder !== undefined && holder.subinstance === subinstance && holder.subid === subid;
    if (isOwn && (slot === undefined || slot === holder.slot) && !this.#hasEnded(holder)) return { index };
    let free = 0;
    while (this.#ownIndex({ subinstance, subid, slot: free }) >= 0) free++;
    const subject = { subinstance, subid, slot: slot ?? (isOwn ? holder.slot : free) };
    const other = this.#ownIndex(subject);
    if (!this.inPool.includes(true)) return { code: other >= 0 && other !== index ? 'IpNotAvailable' : 'IpNotFound' };
    if (other >= 0 && other !== index) return { code: 'IpNotAvailable' };
    const code = this.#refuseSpecific(index, subject);
    if (code !== undefined) return { code };
    return this.#hold(index, subject, leaseSeconds, this.held[index] !== undefined);
  }

  release(matches: (held: Held, index: number) => boolean): number[] {
    const indexes = this.#world.filter((index) => this.held[index] && matches(this.held[index], index));
    for (const index of indexes) {
      const { subinstance, subid, slot } = this.held[index]!;
      this.held[index] = undefined;
      if (this.#options.cooldownSeconds + this.#options.stickySeconds === 0) continue;
      this.released[index] = { subinstance, subid, slot, at: this.now, order: this.#order++ };
      for (const other of this.#world) if (this.released[other] && !this.isKept(other)) this.released[other] = undefined;
    }
    return indexes;
  }

  renew(index: number, leaseSeconds: number): string | undefined {
    const held = this.held[index];
    if (!held) return 'BindingNotFound';
    this.held[index] = { ...held, expiresAt: this.now + leaseSeconds, lease: this.#leases++ };
    return undefined;
  }

  expire(): number[] {
    const ended = this.#world.filter((index) => this.held[index] && this.#hasEnded(this.held[index]));
    ended.sort((a, b) => this.held[a]!.expiresAt! - this.held[b]!.expiresAt! || this.held[a]!.lease - this.held[b]!.lease);
    return ended.flatMap((one) => this.release((_, index) => index === one));
  }

  isKept(index: number): boolean {
    return this.#isCooling(index) || this.#isSticky(index);
  }

  isAvailable(index: number): boolean {
    return this.inPool[index]! && !this.reserved[index] && !this.held[index] && !this.isKept(index);
  }

  #isCooling(index: number): boolean {
    const released = this.released[index];
    return released !== undefined && this.now < released.at + this.#options.cooldownSeconds;
  }

  #isSticky(index: number): boolean {
    const released = this.released[index];
    return released !== undefined && !this.#isCooling(index) && this.now < released.at + this.#options.stickySeconds;
  }

  #hasEnded(held: Held): boolean {
    return held.expiresAt !== undefined && held.expiresAt <= this.now;
  }

  #ownIndex(subject: Subject): number {
    return this.held.findIndex((held) => held !== undefined && isSame(held, subject));
  }

  #oldest(indexes: number[]): number {
    return indexes.sort((a, b) => this.released[a]!.order - this.released[b]!.order)[0] ?? -1;
  }

  #choose(subject: Subject): number {
    const usable = this.#world.filter((index) => this.inPool[index] && !this.reserved[index] && !this.held[index]);
    const last = usable.filter((index) => this.released[index] && isSame(this.released[index], subject));
    if (last.length > 0) return last.sort((a, b) => this.released[b]!.order - this.released[a]!.order)[0]!;
    const available = usable.find((index) => this.isAvailable(index));
    if (available !== undefined) return available;
    const sticky = this.#oldest(usable.filter((index) => this.#isSticky(index)));
    if (sticky >= 0 || this.#options.whenFull === 'Wait') return sticky;
    return this.#oldest(usable.filter((index) => this.#isCooling(index)));
  }

  #refuseSpecific(index: number, subject: Subject): string | undefined {
    if (!this.inPool[index]) return 'IpNotFound';
    const held = this.held[index];
    if (held) return isSame(held, subject) ? undefined : 'IpAlreadyAllocated';
    if (this.reserved[index]) return 'IpNotAvailable';
    if (this.released[index] && isSame(this.released[index], subject)) return undefined;
    return this.isKept(index) ? 'IpNotAvailable' : undefined;
  }

  #hold(index: number, subject: Subject, leaseSeconds: number | undefined, isOwn: boolean): Answer {
    const limit = this.#options.perSubinstance;
    const count = this.held.filter((held) => held?.subinstance === subject.subinstance).length;
    if (!isOwn && limit !== undefined && count >= limit) return { code: 'IpNotAvailable' };
    this.held[index] = { ...subject, expiresAt: leaseSeconds === undefined ? undefined : this.now + leaseSeconds, lease: this.#leases++ };
    this.released[index] = undefined;
    return { index };
  }
}

const isSame = (a: Subject, b: Subject): boolean => a.subinstance === b.subinstance && a.subid === b.subid && a.slot === b.slot;
