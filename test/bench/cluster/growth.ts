/**
 * One ADD with more and more bindings of its own pool beside it: as fast as with none. The steps are minutes apart, and
 * the API server has to keep more too: so the relay is measured in turn at each step, and what an ADD takes is judged by
 * what one create takes at that time.
 */
import { measureRounds, median, medianRatio, table } from '../measure.ts';
import { BALLAST_NODE, BALLAST_POOL, type Ballast } from './ballast.ts';
import { adds, bindings, type Pod } from './bodies.ts';
import { block } from './block.ts';
import type { Served, Stage } from './stage.ts';

const MOST = 1.5;
const CALLS = 20;

interface Step {
  readonly bindings: number;
  /** Milliseconds, and how often the relay's. */
  readonly add: number;
  readonly create: number;
  readonly toRelay: number;
}

export class Growth {
  readonly #stage: Stage;
  readonly #relay: Served;
  readonly #steps: Step[] = [];

  constructor(stage: Stage, relay: Served) {
    this.#stage = stage;
    this.#relay = relay;
  }

  async measure(controller: Served, ballast: Ballast, pods: readonly Pod[]): Promise<void> {
    const [ofController, ofRelay]: [number[], number[]] = [[], []];
    // In turn: a pod may have 32 interfaces.
    const some = (round: number): readonly Pod[] => {
      const first = (round * CALLS) % (pods.length - CALLS);
      return pods.slice(first, first + CALLS);
    };
    const p50 = async (served: Served, bodies: readonly object[]): Promise<number> => median((await block(served, bodies, 1)).milliseconds);
    const measure = async (round: number): Promise<void> => {
      ofController.push(await p50(controller, adds(some(round), `g${this.#steps.length}-${round}`, { pools: [BALLAST_POOL] })));
      ofRelay.push(await p50(this.#relay, bindings(CALLS, 'relay', BALLAST_NODE)));
    };
    const step = (): Step => ({
      bindings: ballast.bindings,
      add: median(ofController),
      create: median(ofRelay),
      toRelay: medianRatio(ofController, ofRelay),
    });
    await measure(0);
    [ofController, ofRelay].forEach((times) => times.pop());
    await measureRounds({
      rounds: 6,
      moreSeconds: 3, // a node may have a thousand addresses
      round: (round) => measure(round + 1),
      isHeld: () => this.#steps.length === 0 || step().toRelay / this.#steps[0]!.toRelay <= MOST,
    });
    this.#steps.push(step());
  }

  report(): void {
    const [none, most] = [this.#steps[0]!, this.#steps.at(-1)!];
    console.log(
      `### One ADD with more and more bindings in its pool\n\n${table(
        ['bindings', 'p50', "the relay's", ''],
        this.#steps.map(({ bindings: count, add, create, toRelay }) => [
          count,
          `${add.toFixed(1)} ms`,
          `${create.toFixed(1)} ms`,
          `${toRelay.toFixed(2)}×`,
        ]),
      )}\n`,
    );
    this.#stage.bounds.push({
      what: `one ADD with ${most.bindings} bindings in its pool to with none, each beside the relay`,
      measured: most.toRelay / none.toRelay,
      most: MOST,
    });
  }
}
