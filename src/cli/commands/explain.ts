import type { AddressBinding, Explanation } from '../../protocol.ts';
import { ageOf } from '../age.ts';
import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { readAddressName } from '../names.ts';
import { NETWORK } from '../options.ts';
import { formatResource, formatTags, formatUntil } from '../print-bindings.ts';
import { formatTable } from '../table.ts';

export const explain: Command = {
  path: ['explain'],
  summary: 'Why an address is free, held, reserved, cooling or sticky, and who had it last',
  positionals: [{ name: 'address', describe: 'any address', completes: 'address' }],
  options: [NETWORK],
  examples: [['explain 10.0.0.5', 'why is it not handed out?']],
  async run({ client, values, printer, world }) {
    const name = readAddressName(values.required('address'));
    const explanation = await client().explain(name.network ?? values.text('network') ?? 'default', name.address);
    if (printer.format === 'json' || printer.format === 'yaml') await printer.document(explanation);
    else if (printer.format === 'name') printer.line(explanation.state);
    else {
      printer.line(`${explanation.address}: ${explanation.detail}`);
      const rows = describe(explanation, world.timers.now()).map(([label, text]) => [`  ${label}`, text]);
      world.stdout.write(formatTable({ columns: ['', ''], rows }, { headers: false, colours: false }));
    }
    return DONE;
  },
};

/** Label and text, only of what there is. */
function describe({ state, network, pool, binding, availableAt }: Explanation, now: number): [string, string][] {
  return [
    ['State', state],
    ['Network', network],
    ...(pool === undefined ? [] : [['Pool', pool] as [string, string]]),
    ...(binding === undefined ? [] : describeBinding(binding, now)),
    ...(availableAt === undefined ? [] : [['Available', `${availableAt} (${formatUntil(availableAt, now)})`] as [string, string]]),
  ];
}

function describeBinding({ spec }: AddressBinding, now: number): [string, string][] {
  const attachments = spec.attachments.map(({ node, cniNetwork, ifName, containerId, podUid }): [string, string] => {
    return ['Attached', `${ifName} of container ${containerId}${podUid ? ` (pod ${podUid})` : ''} on ${node}, network ${cniNetwork}`];
  });
  return [
    [spec.releasedAt === undefined ? 'Holder' : 'Last holder', `${spec.subinstance}/${spec.subid}`],
    ['Resource', formatResource(spec.resource)],
    ...attachments,
    ['Since', `${spec.boundAt} (${ageOf(spec.boundAt, now)} ago)`],
    ...(spec.releasedAt === undefined ? [] : [['Released', `${spec.releasedAt} (${ageOf(spec.releasedAt, now)} ago)`] as [string, string]]),
    ...(spec.expiresAt === undefined ? [] : [['Expires', `${spec.expiresAt} (${formatUntil(spec.expiresAt, now)})`] as [string, string]]),
    ...(spec.tags && Object.keys(spec.tags).length > 0 ? [['Tags', formatTags(spec.tags)] as [string, string]] : []),
  ];
}
