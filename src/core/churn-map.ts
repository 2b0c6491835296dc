/**
 * A Map from text whose keys may come and go as often as they like.
 *
 * V8's Map leaves a deleted entry in its bucket until the whole table is rebuilt, so adding and deleting the same key
 * walks over all its former selves: with 65,536 entries, 100 µs an operation instead of 0.1. And that is just what an
 * address pool does: the lowest free address is dealt, returned and dealt again. Here a deleted key stays as a vacancy
 * that its next coming fills; the oldest vacancies are deleted for good, so there is at most one for four entries.
 */
export class ChurnMap<V extends object> {
  /** A number is a vacancy: when the key was deleted. */
  readonly #entries = new Map<string, V | number>();
  /** Deleted keys, oldest first from `#head` on; the key at index i was deleted at `#start + i`. */
  #vacated: string[] = [];
  #head = 0;
  #start = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    return typeof value === 'number' ? undefined : value;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Returns what was there before. */
  set(key: string, value: V): V | undefined {
    const before = this.get(key);
    if (before === undefined) this.#size++;
    this.#entries.set(key, value);
    return before;
  }

  /** Returns what was there before. */
  delete(key: string): V | undefined {
    const before = this.get(key);
    if (before === undefined) return undefined;
    this.#size--;
    this.#entries.set(key, this.#start + this.#vacated.length);
    this.#vacated.push(key);
    if (this.#vacated.length - this.#head > (this.#size >> 2) + 16) this.#forgetOldest();
    return before;
  }

  *values(): Generator<V> {
    for (const value of this.#entries.values()) if (typeof value !== 'number') yield value;
  }

  *entries(): Generator<readonly [string, V]> {
    for (const [key, value] of this.#entries) if (typeof value !== 'number') yield [key, value];
  }

  #forgetOldest(): void {
    // Two at a time, so that the list also shrinks when entries are only deleted.
    for (let step = 0; step < 2 && this.#head < this.#vacated.length; step++) {
      const key = this.#vacated[this.#head]!;
      if (this.#entries.get(key) === this.#start + this.#head) this.#entries.delete(key);
      this.#head++;
    }
    if (this.#head * 2 < this.#vacated.length) return;
    this.#vacated = this.#vacated.slice(this.#head);
    this.#start += this.#head;
    this.#head = 0;
  }
}
