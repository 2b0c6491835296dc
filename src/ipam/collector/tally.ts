/** What the collector has done and what it waits for, for who watches it (LESSONS 22: one that is stuck must be seen). */
import type { Clock } from '../../core/clock.ts';
import type { CollectReport } from '../../protocol.ts';

/** Why an address stays although its holder looks gone: a word for metrics, a sentence for people. */
export const HOLD_REASONS = {
  Brake: 'held by the brake: too many are missing at once; approve, or wait',
  InUse: 'a live pod has it in status.podIPs',
  NodeGone: 'its node is gone, and may come back',
  GracePeriod: 'its pod is gone, its grace period is not over',
  NodeNotReady: 'its node is not ready',
  NoLease: 'its node has no lease',
  LeaseNotRenewed: 'its node has not renewed its lease since',
} as const;

export type HoldReason = keyof typeof HOLD_REASONS;

/** What proved the end of a holder. `lease`: that of a binding that ends by itself. */
export const PROOFS = ['pod', 'node', 'boot', 'lease'] as const;
export type Proof = (typeof PROOFS)[number];

export interface Collecting {
  readonly leads: boolean;
  /** Since the last pass ended, or since this replica did not lead. */
  readonly passAgeSeconds: number;
  /** Addresses whose holder looked gone in the last pass: released in it, or held back. */
  readonly candidates: number;
  /** As of the last pass. */
  readonly held: Readonly<Record<HoldReason, number>>;
  /** How long the brake has been holding something back; 0: nothing. */
  readonly brakedSeconds: number;
  /** Since the start. */
  readonly released: Readonly<Record<Proof, number>>;
  readonly adopted: number;
}

const REASONS = Object.keys(HOLD_REASONS) as HoldReason[];

export class Tally {
  readonly #clock: Clock;
  readonly #released = { pod: 0, node: 0, boot: 0, lease: 0 };
  #adopted = 0;
  #passedAt: number;
  #brakedAt: number | undefined;
  #last: Pick<Collecting, 'leads' | 'candidates' | 'held'>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#passedAt = clock.monotonic();
    this.#last = { leads: false, candidates: 0, held: countHeld([]) };
  }

  released(proof: Proof): void {
    this.#released[proof]++;
  }

  adopted(): void {
    this.#adopted++;
  }

  /** A pass came to its end. */
  passed({ released, held }: CollectReport): void {
    this.#passedAt = this.#clock.monotonic();
    this.#last = { leads: true, candidates: released.length + held.length, held: countHeld(held) };
    this.#brakedAt = this.#last.held.Brake > 0 ? (this.#brakedAt ?? this.#passedAt) : undefined;
  }

  /** It was time for a pass, and another replica makes it. */
  idle(): void {
    this.#passedAt = this.#clock.monotonic();
    this.#last = { leads: false, candidates: 0, held: countHeld([]) };
    this.#brakedAt = undefined;
  }

  read(): Collecting {
    const since = (at: number): number => (this.#clock.monotonic() - at) / 1000;
    const brakedSeconds = this.#brakedAt === undefined ? 0 : since(this.#brakedAt);
    return { ...this.#last, passAgeSeconds: since(this.#passedAt), brakedSeconds, released: { ...this.#released }, adopted: this.#adopted };
  }
}

const countHeld = (held: CollectReport['held']): Record<HoldReason, number> =>
  Object.fromEntries(REASONS.map((word) => [word, held.filter(({ reason }) => reason === HOLD_REASONS[word]).length])) as Record<
    HoldReason,
    number
  >;
