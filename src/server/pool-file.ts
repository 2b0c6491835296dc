/** --pools FILE: AddressPool documents as YAML (several, with ---) or JSON; read, checked and applied. */
import { parseAllDocuments } from 'yaml';
import type { PoolSpec } from '../core/pool-spec.ts';
import { normalisePool, overlapOf, rangesOf } from '../core/pool.ts';
import type { RangeSet } from '../core/range-set.ts';
import type { Outcome } from '../core/refusal.ts';
import { done, refuse } from '../core/refusal.ts';
import type { Operations } from '../ipam/operations.ts';
import type { AddressPool } from '../protocol.ts';
import { addressPool } from './pool-schema.ts';
import { describeIssues } from './read-body.ts';

export interface AppliedPool {
  readonly pool: string;
  readonly change: 'created' | 'updated' | 'unchanged';
}

/**
 * Every document of the file, or the first thing that is wrong with it by itself, with line or document number: so that
 * nothing is made of a file that is wrong in its last line. An empty file has no pools.
 */
export function parsePoolFile(text: string): Outcome<readonly AddressPool[]> {
  const pools = new Map<string, AddressPool>();
  const taken: Taken[] = [];
  const documents = parseAllDocuments(text, { prettyErrors: true });
  for (const [index, document] of ('empty' in documents ? [] : documents).entries()) {
    const error = document.errors[0];
    if (error)
      return refuse('InvalidRequest', `document ${index + 1} is not YAML: ${error.message.split('\n')[0]?.replace(/:$/, '') ?? ''}.`);
    const value = toValue(document);
    if (value === null) continue;
    for (const item of itemsOf(value)) {
      const result = addressPool.safeParse(withoutStatus(item));
      const where = `document ${index + 1}${nameOf(item)}`;
      if (!result.success) return refuse('InvalidRequest', `${where}: ${describeIssues(result.error.issues, 'the document')}`);
      const { name } = result.data.metadata;
      if (pools.has(name)) return refuse('InvalidRequest', `pool ${name} is there twice.`);
      const spec = normalisePool(name, result.data.spec);
      if (!spec.ok) return refuse(spec.refusal.reason, `${where}: ${spec.refusal.detail}`);
      const own: Taken = { name, network: spec.value.network, ranges: rangesOf(spec.value) };
      const overlap = findOverlap(taken, own);
      if (overlap !== undefined) return refuse('InvalidRange', `${where}: ${overlap}`);
      taken.push(own);
      pools.set(name, result.data);
    }
  }
  return done([...pools.values()]);
}

interface Taken {
  readonly name: string;
  readonly network: string;
  readonly ranges: RangeSet;
}

function findOverlap(taken: readonly Taken[], { network, ranges }: Taken): string | undefined {
  for (const other of taken) {
    const overlap = other.network === network ? overlapOf(other.ranges, ranges) : undefined;
    if (overlap !== undefined) return `${overlap} belongs to pool ${other.name} of network ${network} already; pools may not overlap`;
  }
  return undefined;
}

/**
 * Creates and updates; deletes nothing. What the file does not say about `state` and `reserved` stays as it is: a pool
 * that somebody drains, or an address that somebody reserves, by berthctl is still so after the next start. A pool that is
 * refused is tried again after the others, because a range may move from one pool of the file to another, in whatever order
 * they stand. The first refusal that stays is returned.
 */
export async function applyPools(
  operations: Pick<Operations, 'applyPool' | 'pool'>,
  pools: readonly AddressPool[],
): Promise<Outcome<readonly AppliedPool[]>> {
  const applied: AppliedPool[] = [];
  let waiting = pools;
  for (;;) {
    const refused: { readonly document: AddressPool; readonly outcome: Outcome<readonly AppliedPool[]> }[] = [];
    for (const document of waiting) {
      const { name } = document.metadata;
      const current = operations.pool(name);
      const kept = current.ok ? keptOf(current.value.spec) : {};
      const outcome = await operations.applyPool(name, { ...kept, ...document.spec });
      if (outcome.ok) applied.push({ pool: name, change: outcome.value.change });
      else refused.push({ document, outcome: refuse(outcome.refusal.reason, `pool ${name}: ${outcome.refusal.detail}`) });
    }
    const first = refused[0];
    if (!first) return done(applied);
    if (refused.length === waiting.length) return first.outcome;
    waiting = refused.map(({ document }) => document);
  }
}

const keptOf = ({ state, reserved }: PoolSpec): Partial<PoolSpec> => ({ state, ...(reserved && { reserved }) });

/** kubectl prints more of it than this controller keeps. */
function withoutStatus(item: unknown): unknown {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
  const { status: _status, ...document } = item as { status?: unknown };
  return document;
}

/** Aliases that multiply beyond reason throw in `yaml`; such a document is as wrong as one of the wrong type. */
function toValue(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return 'too many aliases';
  }
}

/** What `berthctl pool list -o yaml` prints is a list, and goes back in as one. */
function itemsOf(value: unknown): readonly unknown[] {
  const list = value as { readonly kind?: unknown; readonly items?: unknown };
  return typeof list.kind === 'string' && list.kind.endsWith('List') && Array.isArray(list.items) ? list.items : [value];
}

function nameOf(item: unknown): string {
  const name = (item as { metadata?: { name?: unknown } } | null)?.metadata?.name;
  return typeof name === 'string' ? ` (${JSON.stringify(name.slice(0, 60))})` : '';
}
