/** All chance of a world comes from its seed. */
import { seededRandom } from '../support/cluster-client.ts';

export interface Dice {
  /** 0 to 1 */
  (): number;
  chance(probability: number): boolean;
  /** A whole number from 0 to bound - 1. */
  below(bound: number): number;
  between(least: number, most: number): number;
  /** Undefined of an empty list. */
  pick<T>(list: readonly T[]): T | undefined;
}

export function diceOf(seed: number): Dice {
  const roll = seededRandom(seed);
  const below = (bound: number): number => Math.floor(roll() * bound);
  return Object.assign(() => roll(), {
    chance: (probability: number) => roll() < probability,
    below,
    between: (least: number, most: number) => least + roll() * (most - least),
    pick: <T>(list: readonly T[]): T | undefined => list[below(list.length)],
  });
}
