/**
 * Indexes from text to records. Most keys have one record, so a single one is stored bare; a few share an array, and
 * many share a Set: an index of 1 M subjects then costs one Map entry each, and a node's thousands are removed in O(1).
 */
const LARGEST_ARRAY = 8;

export class Grouped<T extends object> {
  readonly #groups = new Map<string, T | T[] | Set<T>>();
  #size = 0;

  /** How many records, not keys. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  add(key: string, item: T): void {
    this.#size++;
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, item);
    else if (group instanceof Set) group.add(item);
    else if (!Array.isArray(group)) this.#groups.set(key, [group, item]);
    else if (group.length < LARGEST_ARRAY) group.push(item);
    else this.#groups.set(key, new Set([...group, item]));
  }

  /** The item must be there. */
  delete(key: string, item: T): void {
    const group = this.#groups.get(key);
    if (group === item) {
      this.#groups.delete(key);
    } else if (group instanceof Set) {
      if (!group.delete(item)) return;
      if (group.size === 1) this.#groups.set(key, [...group][0]!);
    } else if (Array.isArray(group)) {
      const index = group.indexOf(item);
      if (index < 0) return;
      group.splice(index, 1);
      if (group.length === 1) this.#groups.set(key, group[0]!);
    } else {
      return;
    }
    this.#size--;
  }

  /** In the order they were added. */
  get(key: string): readonly T[] {
    const group = this.#groups.get(key);
    if (group === undefined) return [];
    if (group instanceof Set) return [...group];
    return Array.isArray(group) ? [...group] : [group];
  }

  /** The one record of a key, without an array around it; undefined when there are none or several. */
  single(key: string): T | undefined {
    const group = this.#groups.get(key);
    return group === undefined || group instanceof Set || Array.isArray(group) ? undefined : group;
  }

  has(key: string): boolean {
    return this.#groups.has(key);
  }

  *values(): Iterable<T> {
    for (const group of this.#groups.values()) {
      if (group instanceof Set || Array.isArray(group)) yield* group;
      else yield group;
    }
  }
}

/** By two keys, of which the first alone is a question too: tenant and subject, tag and value. */
export class TwiceGrouped<T extends object> {
  readonly #outer = new Map<string, Grouped<T>>();

  add(outer: string, inner: string, item: T): void {
    let group = this.#outer.get(outer);
    if (group === undefined) this.#outer.set(outer, (group = new Grouped<T>()));
    group.add(inner, item);
  }

  delete(outer: string, inner: string, item: T): void {
    const group = this.#outer.get(outer);
    group?.delete(inner, item);
    if (group?.isEmpty) this.#outer.delete(outer);
  }

  get(outer: string, inner: string): readonly T[] {
    return this.#outer.get(outer)?.get(inner) ?? [];
  }

  inner(outer: string): Grouped<T> | undefined {
    return this.#outer.get(outer);
  }

  getAll(outer: string): readonly T[] {
    const group = this.#outer.get(outer);
    return group ? [...group.values()] : [];
  }

  get size(): number {
    let size = 0;
    for (const group of this.#outer.values()) size += group.size;
    return size;
  }
}
