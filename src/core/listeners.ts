/** Who wants to know of changes. A listener that throws disturbs neither the pool nor the other listeners. */
export class Listeners<Events extends Record<string, unknown>> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

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

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])] as ((event: Events[Name]) => void)[]) {
      try {
        listener(event);
      } catch (error) {
        // Reported as an unhandled rejection: visible, and the caller still gets the address that is allocated now.
        void Promise.reject(error);
      }
    }
  }
}
