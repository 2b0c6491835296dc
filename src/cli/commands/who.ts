import type { Command } from '../command.ts';
import { DONE, NOTHING_FOUND } from '../exit-code.ts';
import { listBindings } from '../list-bindings.ts';
import { readAddressName } from '../names.ts';
import { UsageError } from '../usage.ts';

export const who: Command = {
  path: ['who'],
  summary: 'Who has an address now, in whatever network',
  details: 'Exit code 4 if nobody has it; "explain" says who had it last.',
  positionals: [{ name: 'address', describe: 'any address', completes: 'address' }],
  examples: [['who 10.0.0.5', 'who has it']],
  async run(context) {
    const { address, network } = readAddressName(context.values.required('address'));
    return (await listBindings(context, { address, ...(network !== undefined && { network }) })) > 0 ? DONE : NOTHING_FOUND;
  },
};

export const ip: Command = {
  path: ['ip'],
  summary: 'The addresses of one holder: of a pod, by namespace and name',
  details: 'One a line. Exit code 4 if it has none.',
  positionals: [{ name: 'holder', describe: 'SUBINSTANCE/SUBID, in Kubernetes NAMESPACE/POD' }],
  examples: [['ip shop/cart-0', "a pod's addresses"]],
  async run({ client, values, printer }) {
    const text = values.required('holder');
    const slash = text.indexOf('/');
    if (slash < 1 || slash === text.length - 1) throw new UsageError(`"${text}" names no holder; write it as NAMESPACE/POD`, 'ip');
    const query = { subinstance: text.slice(0, slash), subid: text.slice(slash + 1) };
    const addresses: string[] = [];
    for await (const { spec } of client().eachBinding(query)) addresses.push(spec.address);
    if (printer.format === 'json' || printer.format === 'yaml') await printer.document({ addresses });
    else addresses.forEach((address) => printer.line(address));
    if (addresses.length === 0) printer.note('It holds nothing.');
    return addresses.length > 0 ? DONE : NOTHING_FOUND;
  },
};
