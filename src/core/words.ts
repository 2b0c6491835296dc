/**
 * Where the words of one level of TakenOffsets are kept. Up to a /7's worth of words live in typed pages made when
 * first written; beyond that the addresses in use are so thin that each word stands alone in a table. Measured with
 * 1 M random addresses: pages cost 2 MB in a /8, where a Map costs 30 MB; in a /64 a page per address would cost 1 GB.
 */
export interface Words {
  /** 0 where nothing was written. */
  get(position: number): number;
  set(position: number, word: number): void;
}

const PAGE_BITS = 7;
const PAGE = 1 << PAGE_BITS;
const LARGEST_PAGED = 1 << 20;

class PagedWords implements Words {
  readonly #pages: (Int32Array | undefined)[];

  constructor(count: number) {
    this.#pages = new Array<Int32Array | undefined>(Math.ceil(count / PAGE)).fill(undefined);
  }

  get(position: number): number {
    const page = this.#pages[position >> PAGE_BITS];
    return page === undefined ? 0 : page[position & (PAGE - 1)]!;
  }

  set(position: number, word: number): void {
    const page = (this.#pages[position >> PAGE_BITS] ??= new Int32Array(PAGE));
    page[position & (PAGE - 1)] = word;
  }
}

/**
 * An open-addressed table in two typed arrays. Positions reach 2^43, and a Map keeps such a number as an object of its
 * own: with 1 M addresses held in a /64 this takes 20 bytes less an address and an eighth of the time off. Words that
 * became 0 stay until the table is made anew, so one that comes and goes stays where it is.
 */
class SparseWords implements Words {
  #positions = new Float64Array(SMALLEST).fill(NOWHERE);
  #words = new Int32Array(SMALLEST);
  #used = 0;

  get(position: number): number {
    return this.#words[this.#slotOf(position)]!;
  }

  set(position: number, word: number): void {
    const slot = this.#slotOf(position);
    this.#words[slot] = word;
    if (this.#positions[slot] === position) return;
    this.#positions[slot] = position;
    this.#used++;
    if (this.#used * 8 > this.#words.length * 5) this.#rebuild();
  }

  /** Where the position is, or the empty slot, of word 0, where it would be. */
  #slotOf(position: number): number {
    const positions = this.#positions;
    const mask = positions.length - 1;
    let slot = hash(position) & mask;
    while (positions[slot] !== position && positions[slot] !== NOWHERE) slot = (slot + 1) & mask;
    return slot;
  }

  #rebuild(): void {
    const [positions, words] = [this.#positions, this.#words];
    const live = words.reduce((sum, word) => (word === 0 ? sum : sum + 1), 0);
    let capacity = SMALLEST;
    while (capacity < live * 2) capacity *= 2;
    this.#positions = new Float64Array(capacity).fill(NOWHERE);
    this.#words = new Int32Array(capacity);
    this.#used = 0;
    for (let slot = 0; slot < words.length; slot++) if (words[slot] !== 0) this.set(positions[slot]!, words[slot]!);
  }
}

/** Powers of two, so that a mask finds the slot. */
const SMALLEST = 64;
const NOWHERE = -1;

/** Both halves of the number stirred: neighbours and multiples must not meet in one place. */
function hash(position: number): number {
  const low = position >>> 0;
  const high = (position / 0x1_0000_0000) >>> 0;
  let mixed = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d);
  return mixed ^ (mixed >>> 13);
}

export const makeWords = (count: number): Words => (count <= LARGEST_PAGED ? new PagedWords(count) : new SparseWords());
