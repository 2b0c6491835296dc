/** See ChurnMap. */
const MOST_VACANCIES = 1024;

/**
 * A Map from text whose keys may come and go as often as they like.
 *
 * V8's Map leaves a deleted entry in its bucket until the whole table is rebuilt, so adding and deleting the same key
 * walks over all its former selves: with 65,536 entries, 100 µs an operation instead of 0.1. And that is just what an
 * address pool does: the lowest free address is dealt, returned and dealt again. Here a deleted key stays as a vacancy
 * that its next coming fills; the oldest vacancies are deleted for good. There is at most one for four entries, so that
 * memory follows the entries, and a thousand in all, so that what is deleted for good is still in the processor's
 * cache: with 1 M entries a key then has at most 512 former selves before its table is rebuilt.
 */
export class ChurnMap<V extends object> {
  /** A number is a vacancy: when the key was deleted. */
  readonly #entries = new Map<string, V | number>();
  /** Deleted keys, oldest first from `#head` on; the key at index i was deleted at `#start + i`, and is gone from here when it came again. */
  #vacated: (string | undefined)[] = [];
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
    const before = this.#entries.get(key);
    this.#entries.set(key, value);
    if (typeof before === 'object') return before;
    this.#entered(before);
    return undefined;
  }

  /** Sets what is not there yet; what is there stays, and is returned. */
  add(key: string, value: V): V | undefined {
    const before = this.#entries.get(key);
    if (typeof before === 'object') return before;
    this.#entries.set(key, value);
    this.#entered(before);
    return undefined;
  }

  /** Returns what was there before. */
  delete(key: string): V | undefined {
    const before = this.get(key);
    if (before !== undefined) this.#vacate(key);
    return before;
  }

  /** Deletes that value and no other; returns what was there before. */
  deleteValue(key: string, value: V): V | undefined {
    const before = this.get(key);
    if (before === value) this.#vacate(key);
    return before;
  }

  *values(): Generator<V> {
    for (const value of this.#entries.values()) if (typeof value !== 'number') yield value;
  }

  *entries(): Generator<readonly [string, V]> {
    for (const [key, value] of this.#entries) if (typeof value !== 'number') yield [key, value];
  }

  #entered(vacancy: number | undefined): void {
    this.#size++;
    if (vacancy !== undefined) this.#vacated[vacancy - this.#start] = undefined;
  }

  #vacate(key: string): void {
    this.#size--;
    this.#entries.set(key, this.#start + this.#vacated.length);
    this.#vacated.push(key);
    if (this.#vacated.length - this.#head > Math.min(this.#size >> 2, MOST_VACANCIES) + 16) this.#forgetOldest();
  }

  #forgetOldest(): void {
    // Two at a time, so that the list also shrinks when entries are only deleted.
    for (let step = 0; step < 2 && this.#head < this.#vacated.length; step++) {
      const key = this.#vacated[this.#head++];
      if (key !== undefined) this.#entries.delete(key);
    }
    if (this.#head * 2 < this.#vacated.length) return;
    this.#vacated = this.#vacated.slice(this.#head);
    this.#start += this.#head;
    this.#head = 0;
  }
}
