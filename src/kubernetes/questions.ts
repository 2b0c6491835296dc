/**
 * Questions to the API server about tokens. Whoever reaches a port may send bad ones, each another one: they must not become
 * as many calls, nor keep those of other addresses from being asked about.
 */
import { refuse, type Outcome } from '../core/refusal.ts';

export interface MostQuestions {
  readonly atOnce: number;
  readonly ofOneSource: number;
}

export class Questions {
  readonly #most: MostQuestions;
  readonly #bySource = new Map<string, number>();
  #underWay = 0;

  constructor(most: MostQuestions) {
    this.#most = most;
  }

  /** Overloaded; undefined: there is room for one more. @param source the address that the token came from */
  refusal(source: string): ReturnType<typeof refuse> | undefined {
    const { atOnce, ofOneSource } = this.#most;
    if (this.#underWay >= atOnce) return refuse('Overloaded', `${atOnce} tokens are being verified already.`);
    if ((this.#bySource.get(source) ?? 0) >= ofOneSource) {
      return refuse('Overloaded', `${ofOneSource} other tokens of ${source} are being verified already.`);
    }
    return undefined;
  }

  /** What `ask` says, or Overloaded. */
  async put<T>(source: string, ask: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const refusal = this.refusal(source);
    if (refusal !== undefined) return refusal;
    this.#count(source, 1);
    try {
      return await ask();
    } finally {
      this.#count(source, -1);
    }
  }

  #count(source: string, change: number): void {
    this.#underWay += change;
    const now = (this.#bySource.get(source) ?? 0) + change;
    if (now > 0) this.#bySource.set(source, now);
    else this.#bySource.delete(source);
  }
}
