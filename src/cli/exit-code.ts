/** The one table from what happened to an exit code (DESIGN section 10). */
import type { RefusalReason } from '../protocol.ts';

export const DONE = 0;
export const REFUSED = 1;
export const USAGE = 2;
export const OUT_OF_REACH = 3;
export const NOTHING_FOUND = 4;
/** 128 + SIGINT, as shells count. */
export const INTERRUPTED = 130;

const OTHER_THAN_REFUSED: Partial<Record<RefusalReason, number>> = {
  BindingNotFound: NOTHING_FOUND,
  UnknownPool: NOTHING_FOUND,
  Overloaded: OUT_OF_REACH,
  Unavailable: OUT_OF_REACH,
};

export const exitCodeOf = (reason: RefusalReason): number => OTHER_THAN_REFUSED[reason] ?? REFUSED;
