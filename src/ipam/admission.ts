/**
 * A bounded door: so many calls at work, so many waiting, the rest refused at once with a time to come back, so that a
 * mass restart degrades instead of collapsing. ADD goes first, but every fourth place is a DEL's: on a full pool it is
 * the DELs that free the addresses. Who has hung up while waiting is dropped before any work is done for them.
 */
import { refuse, type Outcome } from '../core/refusal.ts';

export type Kind = 'add' | 'del';

export interface AdmissionLimits {
  readonly atWork: number;
  readonly waiting: number;
}

const DEL_EVERY = 4;
const COME_BACK_SECONDS = 1;

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #waiting: Record<Kind, (() => void)[]> = { add: [], del: [] };
  #atWork = 0;
  #turn = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  async run<T>(kind: Kind, gone: () => boolean, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    if (this.#atWork >= this.#limits.atWork) {
      if (this.#waiting[kind].length >= this.#limits.waiting) {
        return refuse('Overloaded', `${this.#limits.waiting} calls are waiting already`, { retryAfterSeconds: COME_BACK_SECONDS });
      }
      // Whoever finishes hands its place over, so the count stays.
      await new Promise<void>((resolve) => this.#waiting[kind].push(resolve));
    } else {
      this.#atWork++;
    }
    try {
      return gone() ? refuse('Unavailable', 'the caller went away') : await work();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#atWork--;
      else next();
    }
  }

  waiting(): Readonly<Record<Kind, number>> {
    return { add: this.#waiting.add.length, del: this.#waiting.del.length };
  }

  #next(): (() => void) | undefined {
    const { add, del } = this.#waiting;
    this.#turn = (this.#turn + 1) % DEL_EVERY;
    return this.#turn === 0 ? (del.shift() ?? add.shift()) : (add.shift() ?? del.shift());
  }
}
