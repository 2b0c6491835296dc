/**
 * In which order the pools of a file can be applied. A range that moves from one pool of the file to another must be
 * given up before it is taken: the taker comes after the giver, and cannot be tried before it.
 */
import { normalisePool, overlapOf, rangesOf } from '../core/pool.ts';
import type { RangeSet } from '../core/range-set.ts';
import type { AddressPool } from '../protocol.ts';

export interface OrderedPool {
  readonly pool: AddressPool;
  /** It takes a range that another pool of the file still has. */
  readonly takes: boolean;
  readonly exists: boolean;
}

/** `pools` do not overlap each other. Pools that only swap ranges have no order: they are left for the controller to refuse. */
export function orderPools(pools: readonly AddressPool[], existing: readonly AddressPool[]): readonly OrderedPool[] {
  const old = existing.filter(({ metadata }) => pools.some((pool) => pool.metadata.name === metadata.name)).map(readRanges);
  let waiting = pools.map((pool) => {
    const { name, network, ranges } = readRanges(pool);
    const givers = old.filter((other) => other.name !== name && other.network === network && overlapOf(other.ranges, ranges) !== undefined);
    return { pool, exists: old.some((other) => other.name === name), givers: givers.map((giver) => giver.name) };
  });
  const ordered: OrderedPool[] = [];
  while (waiting.length > 0) {
    const stillWait = new Set(waiting.map(({ pool }) => pool.metadata.name));
    const free = waiting.filter(({ givers }) => !givers.some((giver) => stillWait.has(giver)));
    if (free.length === 0) return [...ordered, ...waiting.map(({ pool, exists }) => ({ pool, exists, takes: false }))];
    ordered.push(...free.map(({ pool, exists, givers }) => ({ pool, exists, takes: givers.length > 0 })));
    waiting = waiting.filter((entry) => !free.includes(entry));
  }
  return ordered;
}

function readRanges({ metadata, spec }: AddressPool): { readonly name: string; readonly network: string; readonly ranges: RangeSet } {
  const normalised = normalisePool(metadata.name, spec);
  // The file was checked; what the controller keeps and this version cannot read is no pool that could be in the way.
  if (!normalised.ok) return { name: metadata.name, network: '', ranges: [] };
  return { name: metadata.name, network: normalised.value.network, ranges: rangesOf(normalised.value) };
}
