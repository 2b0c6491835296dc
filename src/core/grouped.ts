/**
 * Indexes from text to records. Most keys have one record, so a single one is stored bare; a few share an array, and
 * many share a Set: an index of 1 M subjects then costs one Map entry each, and a node's thousands are removed in O(1).
 */
import { ChurnMap } from './churn-map.ts';

const LARGEST_ARRAY = 8;

export class Grouped<T extends object> {
  readonly #groups = new ChurnMap<T | T[] | Set<T>>();
  #size = 0;

  /** How many records, not keys. */
  get size(): number {
    return this.#size;
  }

  add(key: string, item: T): void {
    this.#size++;
    const group = this.#groups.add(key, item);
    if (group === undefined) return;
    if (group instanceof Set) group.add(item);
    else if (!Array.isArray(group)) this.#groups.set(key, [group, item]);
    else if (group.length < LARGEST_ARRAY) group.push(item);
    else this.#groups.set(key, new Set([...group, item]));
  }

  delete(key: string, item: T): void {
    const group = this.#groups.deleteValue(key, item);
    if (group instanceof Set) {
      if (!group.delete(item)) return;
      if (group.size === 1) this.#groups.set(key, [...group][0]!);
    } else if (Array.isArray(group)) {
      const index = group.indexOf(item);
      if (index < 0) return;
      group.splice(index, 1);
      if (group.length === 1) this.#groups.set(key, group[0]!);
    } else if (group !== item) {
      return;
    }
    this.#size--;
  }

  /** In the order they were added. */
  get(key: string): readonly T[] {
    const group = this.#groups.get(key);
    if (group === undefined) return NONE;
    if (group instanceof Set) return [...group];
    return Array.isArray(group) ? [...group] : [group];
  }

  *values(): Generator<T> {
    for (const group of this.#groups.values()) {
      if (group instanceof Set || Array.isArray(group)) yield* group;
      else yield group;
    }
  }
}

/**
 * By two keys, of which the first alone is a question too: tenant and subject, tag and value. A tenant with a single
 * record is stored bare as well.
 */
export class TwiceGrouped<T extends object> {
  readonly #outer = new ChurnMap<T | Grouped<T>>();
  readonly #innerKey: (item: T, outer: string) => string;

  constructor(innerKey: (item: T, outer: string) => string) {
    this.#innerKey = innerKey;
  }

  add(outer: string, item: T): void {
    let group = this.#outer.add(outer, item);
    if (group === undefined) return;
    if (!(group instanceof Grouped)) {
      const first = group;
      group = new Grouped<T>();
      group.add(this.#innerKey(first, outer), first);
      this.#outer.set(outer, group);
    }
    group.add(this.#innerKey(item, outer), item);
  }

  delete(outer: string, item: T): void {
    const group = this.#outer.deleteValue(outer, item);
    if (!(group instanceof Grouped)) return;
    group.delete(this.#innerKey(item, outer), item);
    if (group.size === 0) this.#outer.delete(outer);
  }

  get(outer: string, inner: string): readonly T[] {
    const group = this.#outer.get(outer);
    if (group === undefined) return NONE;
    if (group instanceof Grouped) return group.get(inner);
    return this.#innerKey(group, outer) === inner ? [group] : NONE;
  }

  getAll(outer: string): readonly T[] {
    const group = this.#outer.get(outer);
    if (group === undefined) return NONE;
    return group instanceof Grouped ? [...group.values()] : [group];
  }

  get size(): number {
    let size = 0;
    for (const group of this.#outer.values()) size += group instanceof Grouped ? group.size : 1;
    return size;
  }
}

const NONE: readonly never[] = Object.freeze([]);
