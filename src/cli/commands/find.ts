import { parseRangeText, type Range } from '../../core/range.ts';
import type { Command } from '../command.ts';
import { DONE, NOTHING_FOUND } from '../exit-code.ts';
import { listBindings, readFilters } from '../list-bindings.ts';
import { readAddressName } from '../names.ts';
import { BINDING_FILTERS } from '../options.ts';
import { UsageError } from '../usage.ts';

export const find: Command = {
  path: ['find'],
  summary: 'Find who holds what: by subject, resource, tag, address or range',
  details: 'Exit code 4 if there is nothing.',
  positionals: [
    {
      name: 'address',
      describe: 'or a CIDR, or first-last; in any network unless --network says which',
      optional: true,
      completes: 'address',
    },
  ],
  options: BINDING_FILTERS,
  examples: [
    ['find 10.0.0.5', 'who has this address'],
    ['find 10.0.0.64/26', 'who has any of these, as before a pool is split or shrunk'],
    ['find -n acme --subid web-1 -o name', 'what one subject holds'],
    ['find --resource mac:02:00:00:00:00:01', 'by MAC, however it is written'],
    ['find --tag rack=7', 'by tag'],
  ],
  async run(context) {
    const text = context.values.text('address');
    const { state: _state, ...criteria } = readFilters(context);
    if (text === undefined && Object.keys(criteria).length === 0) {
      throw new UsageError('find what? Give an address, -n, --subid, --resource or --tag', 'find');
    }
    const range = text === undefined ? undefined : readRange(text);
    const { address, network } = text === undefined || range !== undefined ? {} : readAddressName(text);
    const more = { ...(address !== undefined && { address }), ...(network !== undefined && { network }) };
    const found = await listBindings(context, more, range);
    return found > 0 ? DONE : NOTHING_FOUND;
  },
};

/** More than one address; undefined for one, and for an object's name, which may have dashes and slashes too. */
function readRange(text: string): Range | undefined {
  const range = parseRangeText(text);
  if (range.ok) return range.value.first === range.value.last ? undefined : range.value;
  if (/^[0-9a-f.:]+\//i.test(text)) throw new UsageError(range.refusal.detail);
  return undefined;
}
