import type { Command } from '../command.ts';
import { DONE, NOTHING_FOUND } from '../exit-code.ts';
import { listBindings, readFilters } from '../list-bindings.ts';
import { readAddressName } from '../names.ts';
import { BINDING_FILTERS } from '../options.ts';
import { UsageError } from '../usage.ts';

export const find: Command = {
  path: ['find'],
  summary: 'Find who holds what: by subject, resource, tag or address',
  details: 'Exit code 4 if there is nothing.',
  positionals: [{ name: 'address', describe: 'in any network unless --network says which', optional: true, completes: 'address' }],
  options: BINDING_FILTERS,
  examples: [
    ['find 10.0.0.5', 'who has this address'],
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
    const { address, network } = text === undefined ? {} : readAddressName(text);
    const found = await listBindings(context, { ...(address !== undefined && { address }), ...(network !== undefined && { network }) });
    return found > 0 ? DONE : NOTHING_FOUND;
  },
};
