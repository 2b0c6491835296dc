/**
 * A pass over 100,000 records in one go is half a second in which no call is answered, every ten seconds. So it lets the
 * others go on after every few.
 */
import type { Timers } from '../../core/clock.ts';

/** Some milliseconds' worth. */
const STEPS = 500;

export class Breath {
  readonly #timers: Pick<Timers, 'after'>;
  #steps = 0;

  constructor(timers: Pick<Timers, 'after'>) {
    this.#timers = timers;
  }

  /** To be asked at each step. */
  isDue(): boolean {
    return ++this.#steps % STEPS === 0;
  }

  take(): Promise<void> {
    return new Promise((resolve) => this.#timers.after(0, resolve));
  }
}
