/** The one table from what happened to an exit code (DESIGN section 10). */
import type { RefusalReason } from '../protocol.ts';

export const DONE = 0;
export const REFUSED = 1;
export const USAGE = 2;
export const OUT_OF_REACH = 3;
export const NOTHING_FOUND = 4;
/** As shells count: 128 + the signal's number, which is the reason of the abort; Ctrl-C unless it says otherwise. */
export const interruptedCode = ({ reason }: AbortSignal): number => (typeof reason === 'number' ? reason : 130);

const OTHER_THAN_REFUSED: Partial<Record<RefusalReason, number>> = {
  BindingNotFound: NOTHING_FOUND,
  UnknownPool: NOTHING_FOUND,
  Overloaded: OUT_OF_REACH,
  Unavailable: OUT_OF_REACH,
};

export const exitCodeOf = (reason: RefusalReason): number => OTHER_THAN_REFUSED[reason] ?? REFUSED;
