/** Pools as documents: list, get, put, delete. */
import { z } from 'zod';
import { refuse } from '../core/refusal.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import type { Operations } from '../ipam/operations.ts';
import type { AddressPool, Stats } from '../protocol.ts';
import type { Stored } from '../store/store.ts';
import { poolList, stats } from './answer-schemas.ts';
import { toPoolDocument, toPoolStatus } from './documents.ts';
import { addressPool } from './pool-schema.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';
import { poolName } from './schemas.ts';

const flag = z.enum(['true', 'false']).exactOptional();
const params = { name: poolName };

export const poolRoutes: readonly Route[] = [
  route({
    verb: 'pool-list',
    method: 'GET',
    path: '/v1/pools',
    face: 'management',
    writes: false,
    summary: 'Every pool with its counts, by name',
    answer: poolList,
    run: ({ operations }) => ({ ok: true, value: { items: operations.pools().map((stored) => withStatus(operations, stored)) } }),
  }),
  route({
    verb: 'pool-get',
    method: 'GET',
    path: '/v1/pools/{name}',
    face: 'management',
    writes: false,
    summary: 'One pool with its counts',
    params,
    answer: addressPool,
    run: ({ operations, params: [name = ''] }) => {
      const outcome = operations.pool(name);
      return outcome.ok ? { ok: true, value: withStatus(operations, outcome.value) } : outcome;
    },
  }),
  route({
    verb: 'pool-put',
    method: 'PUT',
    path: '/v1/pools/{name}',
    face: 'management',
    writes: true,
    summary:
      'Create or update a pool; with metadata.resourceVersion only if nobody changed it since. The header berth-change says which it was',
    params,
    query: z.strictObject({ dryRun: flag }),
    body: addressPool,
    answer: addressPool,
    run: async ({ operations, params: [name = ''], query, body }) => {
      const { metadata, spec } = body;
      if (metadata.name !== name) return refuse('InvalidRequest', `metadata.name is "${metadata.name}" but the path names "${name}".`);
      const dryRun = query['dryRun'] === 'true';
      const version = metadata.resourceVersion;
      const outcome = await operations.applyPool(name, spec, { dryRun, ...(version !== undefined && { version }) });
      if (!outcome.ok) return { ...outcome, facts: { pool: name } };
      const { stored, change } = outcome.value;
      return {
        ok: true,
        value: withStatus(operations, stored),
        status: change === 'created' && !dryRun ? 201 : 200,
        headers: { 'berth-change': change },
        facts: { pool: name, change, dryRun },
      };
    },
  }),
  route({
    verb: 'pool-delete',
    method: 'DELETE',
    path: '/v1/pools/{name}',
    face: 'management',
    writes: true,
    summary: 'Delete a pool; one with bindings only with force=true',
    params,
    query: z.strictObject({ force: flag, dryRun: flag }),
    answer: addressPool,
    run: async ({ operations, params: [name = ''], query }) => {
      const options = { force: query['force'] === 'true', dryRun: query['dryRun'] === 'true' };
      const outcome = await operations.deletePool(name, options);
      const facts = { pool: name, ...options };
      return outcome.ok ? { ok: true, value: toPoolDocument(outcome.value), facts } : { ...outcome, facts };
    },
  }),
  route({
    verb: 'stats',
    method: 'GET',
    path: '/v1/stats',
    face: 'management',
    writes: false,
    summary: 'Counts of every pool',
    answer: stats,
    run: ({ operations }) => ({
      ok: true,
      value: { pools: operations.pools().flatMap((stored) => poolStats(operations, stored)) } satisfies Stats,
    }),
  }),
];

/** A dry run's pool is not there, so it has no counts. */
function withStatus(operations: Operations, stored: Stored<PoolSpec>): AddressPool {
  const counts = operations.counts(stored.name);
  return toPoolDocument(stored, counts.ok ? counts.value : undefined);
}

function poolStats(operations: Operations, { name, spec }: Stored<PoolSpec>): Stats['pools'] {
  const counts = operations.counts(name);
  if (!counts.ok) return [];
  return [{ pool: name, network: spec.network, family: spec.family, state: spec.state, ...toPoolStatus(counts.value) }];
}
