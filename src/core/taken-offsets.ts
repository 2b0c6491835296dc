/**
 * Which offsets of a range are taken, and "the first free one from here" in a handful of word operations.
 *
 * A sparse trie of 32-bit words: a bit in the bottom level is an address; a word that is full sets its bit in the
 * level above. A search that finds its word full goes up until a word has room and comes down again, so it costs
 * at most two words a level (ten levels for 2^48 addresses), whatever the fill.
 */
import { makeWords, type Words } from './words.ts';

export class TakenOffsets {
  readonly #size: number;
  readonly #levels: Words[] = [];
  #count = 0;

  /** @param size number of offsets, at most 2^48 */
  constructor(size: number) {
    this.#size = size;
    let words = Math.ceil(size / 32);
    for (;;) {
      this.#levels.push(makeWords(words));
      if (words <= 1) return;
      words = Math.ceil(words / 32);
    }
  }

  get count(): number {
    return this.#count;
  }

  has(offset: number): boolean {
    return ((this.#levels[0]!.get(Math.floor(offset / 32)) >>> (offset % 32)) & 1) === 1;
  }

  add(offset: number): void {
    let index = offset;
    for (let level = 0; level < this.#levels.length; level++) {
      const words = this.#levels[level]!;
      const position = Math.floor(index / 32);
      const before = words.get(position);
      const after = before | (1 << (index % 32));
      if (after === before) return;
      if (level === 0) this.#count++;
      words.set(position, after);
      if (after !== -1) return;
      index = position;
    }
  }

  delete(offset: number): void {
    let index = offset;
    for (let level = 0; level < this.#levels.length; level++) {
      const words = this.#levels[level]!;
      const position = Math.floor(index / 32);
      const before = words.get(position);
      const after = before & ~(1 << (index % 32));
      if (after === before) return;
      if (level === 0) this.#count--;
      words.set(position, after);
      if (before !== -1) return;
      index = position;
    }
  }

  /** The lowest free offset that is not below `from`; -1 when there is none. */
  firstFreeFrom(from: number): number {
    if (from >= this.#size) return -1;
    let index = from;
    for (let level = 0; level < this.#levels.length; level++) {
      const position = Math.floor(index / 32);
      const free = ~this.#levels[level]!.get(position) & (-1 << (index % 32));
      if (free !== 0) return this.#descend(level, position * 32 + lowestBit(free));
      index = position + 1;
    }
    return -1;
  }

  #descend(level: number, found: number): number {
    let index = found;
    for (let below = level - 1; below >= 0; below--) index = index * 32 + lowestBit(~this.#levels[below]!.get(index));
    // The bits behind the last offset are never set, so the search may end there.
    return index < this.#size ? index : -1;
  }
}

const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);
