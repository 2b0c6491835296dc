/**
 * One queue per key: calls about one attachment (or one subject) run one after the other in this replica. It spares
 * them lost races against themselves; correctness does not need it, the store's compare-and-swap does that.
 */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    let release!: () => void;
    const mine = new Promise<void>((resolve) => (release = resolve));
    const tail = before === undefined ? mine : before.then(() => mine);
    this.#tails.set(key, tail);
    if (before !== undefined) await before;
    try {
      return await work();
    } finally {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
