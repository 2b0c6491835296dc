/** How far two medians are apart, and how sure that is. */
import { median } from '../../test/bench/measure.ts';

export interface Difference {
  readonly medians: readonly [number, number];
  readonly difference: number;
  /** 95 of 100 such measurements would have the difference in here. */
  readonly interval: readonly [number, number];
}

const RESAMPLES = 2000;

/** By the bootstrap: medians of samples drawn from the samples (Efron 1979). */
export function differenceOfMedians(one: readonly number[], other: readonly number[], random: () => number): Difference {
  const draw = (values: readonly number[]): number[] => values.map(() => values[Math.floor(random() * values.length)]!);
  const differences = Array.from({ length: RESAMPLES }, () => median(draw(one)) - median(draw(other))).toSorted((a, b) => a - b);
  return {
    medians: [median(one), median(other)],
    difference: median(one) - median(other),
    interval: [differences[Math.floor(RESAMPLES * 0.025)]!, differences[Math.ceil(RESAMPLES * 0.975) - 1]!],
  };
}

export const describeDifference = (what: string, names: readonly [string, string], { medians, difference, interval }: Difference): string =>
  `${what}, medians: ${names.map((name, index) => `${name} ${Math.round(medians[index]!)} ms`).join(', ')}; ` +
  `difference ${Math.round(difference)} ms (95 %: ${interval.map(Math.round).join(' to ')})`;
