/** Read, change, write back: a pool somebody else changed meanwhile is read again, never overwritten. */
import type { Backend } from '../client/backend.ts';
import type { AppliedPool } from '../client/client.ts';
import { RefusedError } from '../client/errors.ts';
import type { PoolSpecInput } from '../protocol.ts';

const ATTEMPTS = 5;

/** Throws RefusedError with UnknownPool, with what the controller has against the change, or with Conflict after five attempts. */
export async function updatePool(
  client: Backend,
  name: string,
  change: (spec: PoolSpecInput) => PoolSpecInput,
  dryRun: boolean,
): Promise<AppliedPool> {
  for (let attempt = 1; ; attempt++) {
    const { status: _status, ...pool } = await client.getPool(name);
    try {
      return await client.applyPool({ ...pool, spec: change(pool.spec) }, { dryRun });
    } catch (error) {
      const again = error instanceof RefusedError && error.problem.reason === 'Conflict' && attempt < ATTEMPTS;
      if (!again) throw error;
    }
  }
}
