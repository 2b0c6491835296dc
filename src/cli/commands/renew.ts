import { DEFAULT_NETWORK } from '../../core/pool.ts';
import type { Command } from '../command.ts';
import { parseSeconds } from '../duration.ts';
import { DONE } from '../exit-code.ts';
import { bindingObjectName, readAddressName } from '../names.ts';
import { NETWORK } from '../options.ts';
import { bindingTable, formatUntil } from '../print-bindings.ts';
import { printListing } from '../printer.ts';

export const renew: Command = {
  path: ['renew'],
  summary: 'Extend a lease, counted from now',
  positionals: [{ name: 'address', describe: 'an address that is held', completes: 'address' }],
  options: [{ name: 'lease', value: 'DURATION', describe: 'from now on', required: true }, NETWORK],
  examples: [['renew 10.0.0.5 --lease 1h', 'another hour']],
  async run({ client, values, printer, world }) {
    const { address, network } = readAddressName(values.required('address'));
    const binding = await client().renew({
      address,
      network: network ?? values.text('network') ?? DEFAULT_NETWORK,
      leaseSeconds: parseSeconds(values.required('lease'), '--lease'),
    });
    const { spec } = binding;
    const now = world.timers.now();
    if (printer.format !== undefined) {
      await printListing(printer, { items: [binding], table: bindingTable(now), name: bindingObjectName, none: '', single: true });
    } else {
      const until = spec.expiresAt === undefined ? 'never' : `${spec.expiresAt} (${formatUntil(spec.expiresAt, now)})`;
      printer.line(`${spec.address} renewed for ${spec.subinstance}/${spec.subid}, expires ${until}`);
    }
    return DONE;
  },
};
