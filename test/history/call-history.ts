/** What callers of a real cluster ask and are told, as it happens. An ADD whose answer nobody heard stays without one. */
import type { Hold } from './history.ts';

type Written = { -readonly [Key in keyof Hold]: Hold[Key] };

export interface Asked {
  answered(address: string): void;
  /** It is about to be given up, so that somebody else may have it from now on. */
  ended(): void;
}

export class CallHistory {
  readonly #holds: Written[] = [];
  readonly #now: () => number;

  /** @param now in milliseconds, never backwards; one for all callers */
  constructor(now: () => number) {
    this.#now = now;
  }

  get holds(): readonly Hold[] {
    return this.#holds;
  }

  asked(container: string, holder: string): Asked {
    const hold: Written = { container, holder, invoked: this.#now(), addresses: [] };
    this.#holds.push(hold);
    return {
      answered: (address) => {
        hold.answered = this.#now();
        hold.addresses = [address];
      },
      ended: () => void (hold.ended ??= this.#now()),
    };
  }
}
