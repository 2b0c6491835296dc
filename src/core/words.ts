/**
 * Where the words of one level of TakenOffsets are kept. Up to a /7's worth of words live in typed pages made when
 * first written; beyond that the addresses in use are so thin that each word stands alone in a Map. Measured with
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

/** Words that became 0 stay until they are a third: a Map walks over the former selves of a key that comes and goes (see ChurnMap). */
class SparseWords implements Words {
  readonly #words = new Map<number, number>();
  #zeros = 0;

  get(position: number): number {
    return this.#words.get(position) ?? 0;
  }

  set(position: number, word: number): void {
    const before = this.#words.get(position);
    this.#words.set(position, word);
    if (before === 0) this.#zeros--;
    if (word === 0 && ++this.#zeros > 1024 + this.#words.size / 3) this.#sweep();
  }

  #sweep(): void {
    for (const [position, word] of this.#words) if (word === 0) this.#words.delete(position);
    this.#zeros = 0;
  }
}

export const makeWords = (count: number): Words => (count <= LARGEST_PAGED ? new PagedWords(count) : new SparseWords());
