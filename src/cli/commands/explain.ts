import { DEFAULT_NETWORK } from '../../core/pool.ts';
import type { AddressBinding, Explanation } from '../../protocol.ts';
import { ageOf } from '../age.ts';
import type { Command, Context } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { readAddressName, readHolderName, readPoolNames } from '../names.ts';
import { NETWORK } from '../options.ts';
import { formatResource, formatTags, formatUntil } from '../print-bindings.ts';
import { printPodExplanation } from '../print-pod-explanation.ts';
import { formatTable } from '../table.ts';
import { UsageError } from '../usage.ts';

export const explain: Command = {
  path: ['explain'],
  summary: 'Why an address is free, held, reserved, cooling or sticky, or why a pod has its addresses, or none',
  details:
    'Of an address: who has it, or had it last. Of a pod: which pools it would be served from, in which order, and why not from the others. What its network configuration names (ipam.pools) is not known here: say it with --pool.',
  positionals: [{ name: 'what', describe: 'any address, or NAMESPACE/POD', completes: 'address' }],
  options: [
    NETWORK,
    {
      name: 'pool',
      value: 'NAME',
      describe: "of a pod: as if its network's ipam.pools named it; may be repeated",
      many: true,
      completes: 'pool',
    },
  ],
  examples: [
    ['explain 10.0.0.5', 'why is it not handed out?'],
    ['explain shop/cart-0', 'why has this pod no address?'],
  ],
  run: (context) => {
    const what = context.values.required('what');
    const pod = readHolderName(what);
    return pod === undefined ? explainAddress(context, what) : explainPod(context, pod);
  },
};

async function explainPod(
  { client, values, printer, world }: Context,
  { subinstance, subid }: NonNullable<ReturnType<typeof readHolderName>>,
) {
  if (values.text('network') !== undefined) throw new UsageError('--network goes with an address', 'explain');
  const pools = readPoolNames(values.list('pool'));
  await printPodExplanation(printer, world, await client().explainPod(subinstance, subid, pools.length === 0 ? undefined : pools));
  return DONE;
}

async function explainAddress({ client, values, printer, world }: Context, what: string): Promise<number> {
  const name = readAddressName(what);
  if (values.list('pool').length > 0) throw new UsageError('--pool goes with a pod', 'explain');
  const explanation = await client().explain(name.network ?? values.text('network') ?? DEFAULT_NETWORK, name.address);
  if (printer.format === 'json' || printer.format === 'yaml') await printer.document(explanation);
  else if (printer.format === 'name') printer.line(explanation.state);
  else {
    printer.line(`${explanation.address}: ${explanation.detail}`);
    const rows = describe(explanation, world.timers.now()).map(([label, text]) => [`  ${label}`, text]);
    world.stdout.write(formatTable({ columns: ['', ''], rows }, { headers: false, colours: false }));
  }
  return DONE;
}

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
