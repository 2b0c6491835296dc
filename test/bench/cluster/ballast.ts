/** A cluster that is full already: bindings of one pool, and the pods that hold them. */
import { binding, type Pod } from './bodies.ts';
import { BINDINGS, inParallel, makePods, makePool, type Stage } from './stage.ts';

export const BALLAST_POOL = 'ballast';
/** Of all that is in it: a node of its own, for one node may not ask for more than a thousand. */
export const BALLAST_NODE = 'elsewhere';

export class Ballast {
  readonly #stage: Stage;
  #bindings = 0;
  #pods = 0;

  private constructor(stage: Stage) {
    this.#stage = stage;
  }

  static async open(stage: Stage): Promise<Ballast> {
    await stage.workloads.makeNode(BALLAST_NODE, '22222222-3333-4444-8555-666666666666');
    await makePool(stage, BALLAST_POOL, '10.64.0.0/12', BALLAST_POOL);
    return new Ballast(stage);
  }

  get bindings(): number {
    return this.#bindings;
  }

  get pods(): number {
    return this.#pods;
  }

  /** So many bindings, and pods for the first of them. */
  async fillTo(bindings: number, pods: number): Promise<void> {
    const names = Array.from({ length: Math.max(0, pods - this.#pods) }, (_, index) => `ballast-${this.#pods + index}`);
    const made: readonly (Pod | undefined)[] = await makePods(this.#stage, names, () => BALLAST_NODE);
    const bodies = Array.from({ length: Math.max(0, bindings - this.#bindings) }, (_, index) => {
      const pod = made[index];
      return binding({ pool: BALLAST_POOL, node: BALLAST_NODE, ...(pod && { pod }) });
    });
    await inParallel(bodies, 64, async (body) => {
      const answer = await this.#stage.server.request('POST', BINDINGS, body);
      // An ADD that was measured may have it: as good.
      if (answer.status !== 201 && answer.status !== 409) throw new Error(answer.text);
    });
    this.#bindings += bodies.length;
    this.#pods += names.length;
  }
}
