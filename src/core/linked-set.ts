/**
 * A set that keeps its items in order of age and gives up its oldest in O(1). A Map keeps order too, but finding its first entry walks
 * over the deleted ones before it: O(n) for a queue that stays full.
 */
interface Node<T> {
  readonly item: T;
  previous: Node<T> | undefined;
  next: Node<T> | undefined;
}

export class LinkedSet<T> {
  readonly #nodes = new Map<T, Node<T>>();
  #first: Node<T> | undefined;
  #last: Node<T> | undefined;
  readonly #age: (a: T, b: T) => number;

  /** @param age negative when `a` is older than `b` */
  constructor(age: (a: T, b: T) => number) {
    this.#age = age;
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Items mostly come in order; one that is older than the last goes back over the younger ones. */
  add(item: T): void {
    if (this.#nodes.has(item)) return;
    let previous = this.#last;
    while (previous && this.#age(item, previous.item) < 0) previous = previous.previous;
    const node: Node<T> = { item, previous, next: previous ? previous.next : this.#first };
    if (previous) previous.next = node;
    else this.#first = node;
    if (node.next) node.next.previous = node;
    else this.#last = node;
    this.#nodes.set(item, node);
  }

  delete(item: T): boolean {
    const node = this.#nodes.get(item);
    if (!node) return false;
    this.#nodes.delete(item);
    if (node.previous) node.previous.next = node.next;
    else this.#first = node.next;
    if (node.next) node.next.previous = node.previous;
    else this.#last = node.previous;
    return true;
  }

  has(item: T): boolean {
    return this.#nodes.has(item);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let node = this.#first; node; node = node.next) yield node.item;
  }
}
