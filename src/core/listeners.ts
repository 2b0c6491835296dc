type Emitted<Events> = { [Name in keyof Events]: readonly [name: Name, event: Events[Name]] }[keyof Events];

/**
 * Who wants to know of changes. A listener that throws disturbs neither the pool nor the other listeners; what one
 * changes by itself is told after what it was told, so that everybody hears of everything in the order it happened.
 */
export class Listeners<Events extends Record<string, unknown>> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();
  readonly #pending: Emitted<Events>[] = [];
  #isTelling = false;

  /** Whether anybody listens to anything: the common case is nobody, and costs nothing. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    // A wrapper of its own, so that adding one function twice and removing it once leaves one.
    const own = (event: Events[Name]): void => listener(event);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    };
  }

  /** What is told of one change. */
  emit(...events: readonly Emitted<Events>[]): void {
    this.#pending.push(...events);
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#pending.shift(); next; next = this.#pending.shift()) this.#deliver(next);
    this.#isTelling = false;
  }

  #deliver([name, event]: Emitted<Events>): void {
    const listeners = this.#listeners.get(name) ?? new Set<never>();
    for (const listener of [...listeners]) {
      // One before it may have ended it.
      if (!listeners.has(listener)) continue;
      try {
        listener(event as never);
      } catch (error) {
        // Reported as an unhandled rejection: visible, and the caller still gets the address that is allocated now.
        void Promise.reject(error);
      }
    }
  }
}
