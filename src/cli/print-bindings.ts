/** Bindings as a table. */
import type { AddressBinding, Resource } from '../protocol.ts';
import { ageOf, formatAge } from './age.ts';
import type { Cell, Table } from './table.ts';

const NONE = '<none>';

/** The columns of the custom resource; `now` is the wall clock in milliseconds, for ages. */
export function bindingTable(now: number): (bindings: readonly AddressBinding[], wide: boolean) => Table {
  return (bindings, wide) => ({
    columns: [
      ...['ADDRESS', 'STATE', 'SUBINSTANCE', 'SUBID', 'NODE', 'POOL', 'AGE'],
      ...(wide ? ['NETWORK', 'RESOURCE', 'INTERFACE', 'SLOT', 'EXPIRES', 'TAGS'] : []),
    ],
    rows: bindings.map(({ spec }) => [
      spec.address,
      stateCell(spec),
      spec.subinstance,
      spec.subid,
      spec.attachments.map(({ node }) => node).join(',') || NONE,
      spec.pool,
      ageOf(spec.releasedAt ?? spec.boundAt, now),
      ...(wide
        ? [
            spec.network,
            formatResource(spec.resource),
            spec.attachments.map(({ ifName }) => ifName).join(',') || NONE,
            String(spec.slot),
            spec.expiresAt === undefined ? 'never' : formatUntil(spec.expiresAt, now),
            formatTags(spec.tags),
          ]
        : []),
    ]),
  });
}

export const formatResource = ({ type, value }: Resource): string => `${type}:${value}`;

/** "in 59m", or "12s ago" for a lease that nobody has collected yet. */
export function formatUntil(time: string, now: number): string {
  const left = Date.parse(time) - now;
  return left < 0 ? `${formatAge(-left)} ago` : `in ${formatAge(Math.ceil(left / 1000) * 1000)}`;
}

export function formatTags(tags: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(tags ?? {}).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  return pairs.length === 0 ? NONE : pairs.join(',');
}

const stateCell = (spec: AddressBinding['spec']): Cell =>
  spec.releasedAt === undefined ? { text: 'Bound', colour: 'green' } : { text: 'Released', colour: 'gray' };
