/**
 * What a pass does about a store that refuses. One record that cannot be written (edited by hand, or against newer
 * rules) must not hold up all that come after it; several in a row are an outage, and the next pass will do.
 */
import { StoreAmbiguous, StoreUnavailable } from '../../store/store.ts';
import type { Log } from '../ports.ts';

const MOST_IN_A_ROW = 5;

export class Failures {
  readonly #log: Log;
  #inARow = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Does the work for one address; true when it is time to end the pass. */
  async endPassAfter(address: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#inARow = 0;
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !(error instanceof StoreAmbiguous)) throw error;
      this.#inARow++;
      this.#log.warn({ address, detail: error.message }, 'a background pass could not do an address');
    }
    return this.#inARow >= MOST_IN_A_ROW;
  }
}

/** From behind the one at which the last pass ended: five that are never written must not hold up those behind them for ever. */
export function goOnAfter<T>(items: readonly T[], isLast: (item: T) => boolean): readonly T[] {
  const next = items.findIndex(isLast) + 1;
  return next === 0 ? items : [...items.slice(next), ...items.slice(0, next)];
}
