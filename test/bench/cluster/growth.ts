/** One ADD with more and more bindings of its own pool beside it: as fast as with none. */
import { median, table } from '../measure.ts';
import { BALLAST_POOL, type Ballast } from './ballast.ts';
import { adds, type Pod } from './bodies.ts';
import { block } from './block.ts';
import type { Served, Stage } from './stage.ts';

export class Growth {
  readonly #stage: Stage;
  readonly #rows: { readonly bindings: number; readonly p50: number }[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async measure(controller: Served, ballast: Ballast, pods: readonly Pod[]): Promise<void> {
    const latencies: number[] = [];
    for (let round = -1; round < 3; round++) {
      const bodies = adds(pods.slice(0, 60), `g${this.#rows.length}-${round + 1}`, { pools: [BALLAST_POOL] });
      const { milliseconds } = await block(controller, bodies, 1);
      if (round >= 0) latencies.push(...milliseconds);
    }
    this.#rows.push({ bindings: ballast.bindings, p50: median(latencies) });
  }

  report(): void {
    const [none, most] = [this.#rows[0]!, this.#rows.at(-1)!];
    console.log(
      `### One ADD with more and more bindings in its pool\n\n${table(
        ['bindings', 'p50'],
        this.#rows.map(({ bindings, p50 }) => [bindings, `${p50.toFixed(1)} ms`]),
      )}\n`,
    );
    this.#stage.bounds.push({
      what: `one ADD with ${most.bindings} bindings in its pool to with none`,
      measured: most.p50 / none.p50,
      most: 1.5,
    });
  }
}
