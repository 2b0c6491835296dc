/**
 * A binary heap of what happens when. Items are not removed when they are overtaken: the owner asks whether one still
 * counts, and stale ones are swept once they are the majority.
 */
interface Entry<T> {
  readonly at: number;
  /** What is due at the same time comes in the order it was added. */
  readonly sequence: number;
  readonly item: T;
}

const compareEntries = (a: Entry<unknown>, b: Entry<unknown>): number => a.at - b.at || a.sequence - b.sequence;

export class Deadlines<T> {
  #heap: Entry<T>[] = [];
  #live = 0;
  #sequence = 0;
  readonly #counts: (item: T, at: number) => boolean;

  /** @param counts whether an item is still due at that time */
  constructor(counts: (item: T, at: number) => boolean) {
    this.#counts = counts;
  }

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  push(at: number, item: T): void {
    this.#live++;
    this.#heap.push({ at, sequence: this.#sequence++, item });
    this.#up(this.#heap.length - 1);
  }

  /** One item was overtaken: it no longer counts. */
  forgot(): void {
    this.#live--;
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#live) this.#sweep();
  }

  /** When the next item that still counts is due. */
  next(): number | undefined {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (this.#counts(first.item, first.at)) return first.at;
      this.#pop();
    }
    return undefined;
  }

  /** Takes out the items that were due by `now`, earliest first. */
  *takeUntil(now: number): Generator<T> {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > now) return;
      this.#pop();
      if (!this.#counts(first.item, first.at)) continue;
      this.#live--;
      yield first.item;
    }
  }

  /** The items that are due by `now`, and stay; costs as much as there are such items. */
  dueBy(now: number): T[] {
    const due: Entry<T>[] = [];
    const pending = [0];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      const entry = this.#heap[index];
      if (entry === undefined || entry.at > now) continue;
      if (this.#counts(entry.item, entry.at)) due.push(entry);
      pending.push(2 * index + 1, 2 * index + 2);
    }
    return due.sort(compareEntries).map((entry) => entry.item);
  }

  #sweep(): void {
    const kept = this.#heap.filter((entry) => this.#counts(entry.item, entry.at)).sort(compareEntries);
    // A sorted array is a heap.
    this.#heap = kept;
    this.#live = kept.length;
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(start: number): void {
    let index = start;
    const entry = this.#heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (compareEntries(this.#heap[parent]!, entry) < 0) break;
      this.#heap[index] = this.#heap[parent]!;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  #down(start: number): void {
    let index = start;
    const entry = this.#heap[index]!;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && compareEntries(this.#heap[child + 1]!, this.#heap[child]!) < 0) child++;
      if (compareEntries(this.#heap[child]!, entry) > 0) break;
      this.#heap[index] = this.#heap[child]!;
      index = child;
    }
    this.#heap[index] = entry;
  }
}
