/** The named points of a commit, and a hook that ends the process with SIGKILL at the n-th pass of one. */
import type { Step } from '../../src/sqlite/step.ts';

export const STEPS: readonly Step[] = ['submitted', 'begun', 'applied', 'before-commit', 'committed', 'delivered', 'answered'];

export function killAt(step: string, pass: number): (reached: Step) => void {
  let passes = 0;
  return (reached) => {
    if (reached === step && ++passes === pass) process.kill(process.pid, 'SIGKILL');
  };
}

/** How many kills a test makes: 50, or BERTH_CRASH_KILLS. */
export const kills = (): number => Number(process.env['BERTH_CRASH_KILLS'] ?? 50);

/** Steps in turn, passes by a fixed pseudo-random sequence between 1 and 24: the same kills every time. */
export function killPlan(count: number): readonly { readonly step: Step; readonly pass: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    step: STEPS[index % STEPS.length] as Step,
    pass: 1 + ((Math.imul(index + 1, 2_654_435_761) >>> 8) % 24),
  }));
}
