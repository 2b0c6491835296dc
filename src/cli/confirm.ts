/** Asking before something is let go: only a person on a terminal, and not with --yes or --dry-run. */
import type { Context } from './command.ts';

/** `what` is the question without its question mark. */
export async function confirm({ world, values }: Context, what: string): Promise<boolean> {
  if (values.flag('yes') || values.flag('dry-run') || !world.mayAsk) return true;
  const answer = await world.ask(`${what}? [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

export const dryRunSuffix = ({ values }: Context): string => (values.flag('dry-run') ? ' (dry run)' : '');
