/** A failed run for a person. */
import type { Report } from './simulate.ts';

const LAST_LINES = 25;

export function showViolation({ seed, setting, violation, trace }: Report, bug?: string): string {
  const { invariant, detail, at } = violation!;
  return [
    ...trace.slice(-LAST_LINES).map((line) => `  ${line.slice(0, 220)}`),
    `seed ${seed} ${JSON.stringify(setting)}`,
    `after ${Math.round(at / 1000)} s: ${invariant}: ${detail}`,
    `again, with its trace: npm run simulate -- ${bug === undefined ? '' : `--bug ${bug} `}--seed ${seed} --trace`,
  ].join('\n');
}
