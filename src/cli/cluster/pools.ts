/** Pools in a cluster: what the controllers say of them, and changes that lose nothing. */
import type { Backend } from '../../client/backend.ts';
import type { PoolSpec } from '../../core/pool-spec.ts';
import { normalisePool } from '../../core/pool.ts';
import type { Context } from '../../ipam/context.ts';
import { applyPool, deletePool } from '../../ipam/pools.ts';
import { sameSpec } from '../../ipam/same-spec.ts';
import type { AddressPool, PoolSpecInput, PoolStatus } from '../../protocol.ts';
import { toPoolDocument, toPoolStatus } from '../../server/documents.ts';
import { refused } from './explaining-client.ts';
import { reached, take } from './reached.ts';
import type { PoolRecord, Records } from './records.ts';

export interface PoolsWorld {
  readonly records: Records;
  /** These pools, with all bindings or none: where no range changes, none are needed. */
  readonly judge: (pools: readonly PoolRecord[], bindings: 'all' | 'none') => Promise<Context>;
}

/** Each write of a pool's status, every few seconds, makes it another version. */
const ATTEMPTS = 5;

export function clusterPools({ records, judge }: PoolsWorld): Pick<Backend, 'listPools' | 'getPool' | 'applyPool' | 'deletePool'> {
  /** With the counts of the controllers, else those of the context. */
  const show = (record: PoolRecord, context?: Context): AddressPool => {
    const document = toPoolDocument(record);
    const isThere = context?.view.pool(record.name) !== undefined;
    const status = statusOf(record) ?? (isThere ? toPoolStatus(context.view.ledger.counts(record.name)) : undefined);
    return { ...document, metadata: { ...document.metadata, generation: record.generation }, ...(status && { status }) };
  };
  /** Undefined: somebody else has written meanwhile, if only the status. */
  const applyOnce = async ({ metadata: { name, generation, resourceVersion }, spec }: AddressPool, dryRun: boolean) => {
    const pools = await reached(() => records.pools());
    const current = pools.find((pool) => pool.name === name) ?? (await reached(() => records.pool(name)));
    if (generation !== undefined && current?.generation !== generation)
      throw refused('Conflict', `pool ${name} was changed since it was read (generation ${generation}); read it again`);
    const isMoved = current !== undefined && !hasSameRanges(name, current.spec, spec);
    const isCounted = isMoved || (current !== undefined && current.status === undefined);
    const context = await judge(pools, isCounted ? 'all' : 'none');
    const version = generation === undefined ? resourceVersion : undefined;
    const outcome = await reached(() => applyPool(context, name, spec, { dryRun, ...(version !== undefined && { version }) }));
    if (!outcome.ok && outcome.refusal.reason === 'Conflict' && version === undefined) return undefined;
    const { stored, change } = take(outcome);
    const { status } = current ?? {};
    // The API server counts on by one with each change of the spec; a new object has 1.
    const now = {
      name,
      uid: stored.uid,
      version: stored.version,
      spec: stored.spec,
      generation: (current?.generation ?? 0) + (change === 'unchanged' ? 0 : 1),
      ...(status && !isMoved && { status }),
    };
    return { pool: show(now, isCounted ? context : undefined), change };
  };
  return {
    async listPools() {
      const pools = (await reached(() => records.pools())).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const context = await judge(pools, pools.some(({ status }) => status === undefined) ? 'all' : 'none');
      return { items: pools.map((pool) => show(pool, context)) };
    },
    async getPool(name) {
      const pool = await reached(() => records.pool(name));
      if (pool === undefined) throw refused('UnknownPool', `there is no pool "${name}"`);
      return show(pool, pool.status === undefined ? await judge([pool], 'all') : undefined);
    },
    async applyPool(pool, { dryRun = false } = {}) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const applied = await applyOnce(pool, dryRun);
        if (applied !== undefined) return applied;
      }
      throw refused('Conflict', `pool ${pool.metadata.name} is being changed by somebody else; try again`);
    },
    async deletePool(name, { force = false, dryRun = false } = {}) {
      const context = await judge(await reached(() => records.pools()), 'all');
      return toPoolDocument(take(await reached(() => deletePool(context, name, { force, dryRun }))));
    },
  };
}

function statusOf({ status }: PoolRecord): PoolStatus | undefined {
  if (status === undefined) return undefined;
  const { total = '0', allocated = '0', reserved = '0', cooling = '0', available = '0' } = status;
  return { total, allocated, reserved, cooling, available };
}

/** Which addresses there are to give; a spec that makes no sense is the engine's to refuse. */
function hasSameRanges(name: string, old: PoolSpec, input: PoolSpecInput): boolean {
  const spec = normalisePool(name, input);
  if (!spec.ok) return true;
  const shape = ({ ranges, reserved, gateway, subnet }: PoolSpec) =>
    JSON.parse(JSON.stringify({ ranges, reserved, gateway, subnet })) as unknown;
  return sameSpec(shape(old), shape(spec.value));
}
