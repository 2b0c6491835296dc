/** A pool's limits. Exact on one replica; across replicas soft by what is in flight elsewhere (DESIGN section 4). */
import type { Ledger } from './ledger.ts';
import { done, refuse, type Outcome } from './refusal.ts';

export interface Asker {
  readonly subinstance: string;
  readonly node?: string;
  readonly podUid?: string;
}

/** Whether the asker may have one more address of the pool. Refuses LimitReached, with the limit and what is held. */
export function checkLimits(ledger: Ledger, pool: string, asker: Asker): Outcome<void> {
  const limits = ledger.pool(pool)?.spec.limits;
  if (!limits) return done(undefined);
  const rows = [
    [limits.perSubinstance, { subinstance: asker.subinstance }, `subinstance ${asker.subinstance}`],
    [limits.perNode, asker.node === undefined ? undefined : { node: asker.node }, `node ${asker.node}`],
    [limits.perPod, asker.podUid === undefined ? undefined : { podUid: asker.podUid }, `pod ${asker.podUid}`],
  ] as const;
  for (const [limit, who, name] of rows) {
    if (limit === undefined || who === undefined) continue;
    const held = ledger.heldBy(pool, who);
    if (held >= limit) return refuse('LimitReached', `${name} holds ${held} addresses of pool ${pool}, and its limit is ${limit}`);
  }
  return done(undefined);
}
