/** What `binding list` and `find` have in common. */
import type { BindingQuery } from '../client/client.ts';
import { parseAddress } from '../core/address.ts';
import { contains } from '../core/range-set.ts';
import type { Range } from '../core/range.ts';
import type { AddressBinding } from '../protocol.ts';
import type { Context } from './command.ts';
import { bindingObjectName } from './names.ts';
import { bindingTable } from './print-bindings.ts';
import { inPages, printPages } from './print-pages.ts';
import { parseResource } from './resource.ts';
import { UsageError } from './usage.ts';

const PAGE_SIZE = 500;
const PLAIN_FILTERS = ['subinstance', 'subid', 'pool', 'network', 'node', 'tag', 'state'] as const;

/** The filters that were given, checked. */
export function readFilters({ values }: Context): BindingQuery {
  if (values.flag('all-subinstances') && values.text('subinstance') !== undefined) throw new UsageError('give -n or -A, not both');
  const query: Record<string, string> = {};
  for (const name of PLAIN_FILTERS) {
    const value = values.text(name);
    if (value !== undefined) query[name] = value;
  }
  const resource = values.text('resource');
  if (resource !== undefined) {
    const { type, value } = parseResource(resource);
    query['resource'] = `${type}:${value}`;
  }
  return query;
}

/** Prints every binding that the options and `more` select, within `range` where there is one; returns how many. */
export async function listBindings(context: Context, more: BindingQuery, range?: Range): Promise<number> {
  const query = { ...readFilters(context), ...more };
  const found = context.client().eachBinding(query);
  return printPages(context.printer, {
    pages: inPages(range === undefined ? found : within(range, found), PAGE_SIZE),
    table: bindingTable(context.world.timers.now()),
    name: bindingObjectName,
    none: query.state === 'released' || query.state === 'all' ? 'No bindings.' : 'Nothing is held.',
  });
}

async function* within(range: Range, bindings: AsyncIterable<AddressBinding>): AsyncGenerator<AddressBinding> {
  for await (const binding of bindings) {
    const address = parseAddress(binding.spec.address);
    if (address !== undefined && contains([range], address.family, address.value)) yield binding;
  }
}
