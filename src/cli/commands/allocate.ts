import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { bindingObjectName, readPoolNames } from '../names.ts';
import { DRY_RUN, RESOURCE, SUBID, SUBINSTANCE } from '../options.ts';
import { parseSeconds } from '../duration.ts';
import { bindingTable, formatUntil } from '../print-bindings.ts';
import { printListing } from '../printer.ts';
import { parseResource, parseTags } from '../resource.ts';
import { canonicalAddress } from '../../core/address.ts';
import type { Family } from '../../core/binding.ts';
import { UsageError } from '../usage.ts';

export const allocate: Command = {
  path: ['allocate'],
  summary: 'Bind an address to somebody, and print it',
  details: 'Asking again for the same subject (subinstance, subid, family and slot) gives the same address.',
  options: [
    {
      name: 'pool',
      value: 'NAME',
      describe: 'the pool; repeated: tried in this order. Without it the default pools',
      many: true,
      completes: 'pool',
    },
    { ...SUBINSTANCE, required: true },
    { ...SUBID, required: true },
    { ...RESOURCE, required: true },
    { name: 'address', value: 'ADDRESS', describe: 'exactly this one, or none' },
    { name: 'family', value: 'FAMILY', describe: 'from pools of this family', choices: ['IPv4', 'IPv6'] },
    { name: 'slot', value: 'NUMBER', describe: 'which of several addresses of one family (0)' },
    { name: 'lease', value: 'DURATION', describe: 'release it by itself after this time, unless renewed' },
    { name: 'tag', value: 'KEY[=VALUE]', describe: 'remember this with it; may be repeated', many: true },
    DRY_RUN,
  ],
  examples: [
    ['allocate --pool blue -n acme --subid web-1 --resource vm:web-1', 'an address for a VM'],
    ['allocate --pool blue -n acme --subid web-1 --resource mac:02:00:00:00:00:01 --address 10.0.0.5', 'this very address, for a MAC'],
    ['allocate --pool blue -n lab --subid job-7 --resource custom:job-7 --lease 1h --tag owner=ann', 'for an hour, with a tag'],
    ['allocate --pool blue -n acme --subid web-2 --resource vm:web-2 --dry-run', 'which address it would be'],
  ],
  async run({ client, values, printer, world }) {
    const pools = readPoolNames(values.list('pool'));
    const address = readAddress(values.text('address'));
    const family = values.text('family') as Family | undefined;
    const slot = values.text('slot');
    const lease = values.text('lease');
    const tags = parseTags(values.list('tag'));
    if (slot !== undefined && !/^\d{1,3}$/.test(slot)) throw new UsageError(`--slot: "${slot}" is no number from 0 to 255`, 'allocate');
    const binding = await client().allocate({
      subinstance: values.required('subinstance'),
      subid: values.required('subid'),
      resource: parseResource(values.required('resource')),
      ...(pools.length > 0 && { pools }),
      ...(address !== undefined && { address }),
      ...(family !== undefined && { family }),
      ...(slot !== undefined && { slot: Number(slot) }),
      ...(lease !== undefined && { leaseSeconds: parseSeconds(lease, '--lease') }),
      ...(tags && { tags }),
      ...(values.flag('dry-run') && { dryRun: true }),
    });
    const { spec, metadata } = binding;
    // The bare address unless another form is asked for: that is what a script wants in a variable.
    if (printer.format === undefined) printer.line(spec.address);
    else {
      const table = bindingTable(world.timers.now());
      await printListing(printer, { items: [binding], table, name: bindingObjectName, none: '', single: true });
    }
    const until = spec.expiresAt === undefined ? '' : `, expires ${formatUntil(spec.expiresAt, world.timers.now())}`;
    const is = values.flag('dry-run') && !metadata.uid ? 'would be' : 'is';
    printer.note(`${spec.address} of pool ${spec.pool} ${is} held by ${spec.subinstance}/${spec.subid}${until}.`);
    return DONE;
  },
};

function readAddress(text: string | undefined): string | undefined {
  const address = text === undefined ? undefined : canonicalAddress(text);
  if (text !== undefined && address === undefined) throw new UsageError(`--address: "${text}" is not an IP address`, 'allocate');
  return address;
}
