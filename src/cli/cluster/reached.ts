/** What the layers below say, as the commands know it: an outage, or a refusal. */
import { RefusedError, UnreachableError } from '../../client/errors.ts';
import type { Outcome } from '../../core/refusal.ts';
import { ApiUnreachable } from '../../kubernetes/status.ts';
import { toProblem } from '../../server/problem.ts';
import { StoreAmbiguous, StoreUnavailable } from '../../store/store.ts';

export async function reached<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asUnreachable(error);
  }
}

export function asUnreachable(error: unknown): unknown {
  if (error instanceof StoreAmbiguous) return new UnreachableError('cut', error.message, true);
  if (error instanceof StoreUnavailable) return new UnreachableError('cut', error.message);
  return error instanceof ApiUnreachable ? new UnreachableError('cut', error.message, error.sent) : error;
}

export function take<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new RefusedError(toProblem(outcome.refusal));
  return outcome.value;
}
