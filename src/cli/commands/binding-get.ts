import { DEFAULT_NETWORK } from '../../core/pool.ts';
import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { bindingObjectName, readAddressName } from '../names.ts';
import { NETWORK } from '../options.ts';
import { bindingTable } from '../print-bindings.ts';
import { printListing } from '../printer.ts';

export const bindingGet: Command = {
  path: ['binding', 'get'],
  summary: 'Show bindings by address, also of an address that was released and is not forgotten yet',
  positionals: [{ name: 'address', describe: 'an address, or what "-o name" printed', many: true, completes: 'address' }],
  options: [NETWORK],
  examples: [
    ['binding get 10.0.0.5', 'who has it'],
    ['binding get 10.0.0.5 -o yaml', 'the whole record'],
  ],
  async run({ client, values, printer, world }) {
    const names = values.list('address').map(readAddressName);
    const items = await Promise.all(
      names.map(({ address, network }) => client().getBinding(network ?? values.text('network') ?? DEFAULT_NETWORK, address)),
    );
    const table = bindingTable(world.timers.now());
    await printListing(printer, { items, table, name: bindingObjectName, none: 'Nothing is held.', single: names.length === 1 });
    return DONE;
  },
};
