/** Pools as a table. */
import { DEFAULT_NETWORK } from '../core/pool.ts';
import type { RangeText } from '../core/pool-spec.ts';
import type { AddressPool, PoolSpecInput, Stats } from '../protocol.ts';
import type { Cell, Table } from './table.ts';

const NONE = '<none>';

/** The columns of the custom resource (issue: custom resources), with the words of DESIGN section 2. */
export function poolTable(pools: readonly AddressPool[], wide: boolean): Table {
  return {
    columns: [
      ...['NAME', 'RANGE', 'FAMILY', 'TOTAL', 'USED', 'COOLING', 'FREE', 'STATE'],
      ...(wide ? ['NETWORK', 'RESERVED', 'GATEWAY', 'PLACEMENT', 'PRIORITY', 'DEFAULT'] : []),
    ],
    rows: pools.map(({ metadata, spec, status }) => [
      metadata.name,
      formatRanges(spec.ranges),
      familyOf(spec),
      ...[status?.total, status?.allocated, status?.cooling, status?.available].map((text) => text ?? '?'),
      stateCell(spec.state ?? 'Active'),
      ...(wide
        ? [
            spec.network ?? DEFAULT_NETWORK,
            status?.reserved ?? '?',
            spec.gateway ?? NONE,
            spec.placement ?? 'Home',
            String(spec.priority ?? 0),
            spec.default ? 'yes' : 'no',
          ]
        : []),
    ]),
  };
}

export function statsTable(stats: Stats['pools'], wide: boolean): Table {
  return {
    columns: ['POOL', 'FAMILY', 'TOTAL', 'USED', 'RESERVED', 'COOLING', 'FREE', 'USE', 'STATE', ...(wide ? ['NETWORK'] : [])],
    rows: stats.map((pool) => [
      pool.pool,
      pool.family,
      pool.total,
      pool.allocated,
      pool.reserved,
      pool.cooling,
      pool.available,
      formatUse(pool),
      stateCell(pool.state),
      ...(wide ? [pool.network] : []),
    ]),
  };
}

/** How much of what can be handed out is held: "0%", "<1%", "37%"; exact, whatever the pool's size. */
export function formatUse({
  total,
  reserved,
  allocated,
}: {
  readonly total: string;
  readonly reserved: string;
  readonly allocated: string;
}): string {
  const usable = BigInt(total) - BigInt(reserved);
  const held = BigInt(allocated);
  if (usable <= 0n) return held > 0n ? '100%' : '-';
  const percent = (held * 100n) / usable;
  return percent === 0n && held > 0n ? '<1%' : `${percent}%`;
}

export const formatRange = (range: RangeText): string => ('cidr' in range ? range.cidr : `${range.first}-${range.last}`);

/** The first range, and how many more there are. */
function formatRanges(ranges: readonly RangeText[]): string {
  const [first, ...others] = ranges;
  if (!first) return NONE;
  return formatRange(first) + (others.length === 0 ? '' : ` +${others.length}`);
}

/** A pool is of one family: any of its addresses tells. */
function familyOf({ ranges }: PoolSpecInput): string {
  const families = new Set(ranges.map((range) => (formatRange(range).includes(':') ? 'IPv6' : 'IPv4')));
  return [...families].sort().join(',');
}

const stateCell = (state: string): Cell => ({ text: state, colour: state === 'Active' ? 'green' : 'yellow' });
