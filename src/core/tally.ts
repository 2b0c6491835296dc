/** How many records each tenant or node has; who has none is not there. */
import { ChurnMap } from './churn-map.ts';

export class Tally {
  readonly #counts = new ChurnMap<{ count: number }>();

  get(key: string): number {
    return this.#counts.get(key)?.count ?? 0;
  }

  increase(key: string): void {
    const entry = this.#counts.get(key);
    if (entry) entry.count++;
    else this.#counts.set(key, { count: 1 });
  }

  decrease(key: string): void {
    const entry = this.#counts.get(key);
    if (entry && --entry.count === 0) this.#counts.delete(key);
  }

  *entries(): Generator<readonly [string, number]> {
    for (const [key, { count }] of this.#counts.entries()) yield [key, count];
  }
}
