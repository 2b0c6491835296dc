import { normalisePool, prefixLengthFor } from '../../core/pool.ts';
import type { RangeText } from '../../core/pool-spec.ts';
import { API_VERSION, type AddressPool, type PoolSpecInput } from '../../protocol.ts';
import type { Command } from '../command.ts';
import { dryRunSuffix } from '../confirm.ts';
import { DONE } from '../exit-code.ts';
import { LocalError } from '../failure.ts';
import { poolObjectName, readPoolName } from '../names.ts';
import { DRY_RUN } from '../options.ts';
import { printChanges } from '../printer.ts';
import { UsageError } from '../usage.ts';
import type { Values } from '../values.ts';

export const poolCreate: Command = {
  path: ['pool', 'create'],
  summary: 'Make a pool of ranges, without a file',
  details:
    'What has no option here (limits, selectors, routes, dns, …) is for "pool apply"; "-o yaml --dry-run" prints a document to begin with.',
  positionals: [
    { name: 'name', describe: "the pool's name" },
    { name: 'range', describe: 'CIDRs, first-last or addresses, of one family', many: true },
  ],
  options: [
    { name: 'gateway', value: 'ADDRESS', describe: 'given to holders; reserves itself' },
    { name: 'subnet', value: 'CIDR', describe: 'the network the ranges lie in; a single CIDR is its own' },
    { name: 'reserve', value: 'RANGE', describe: 'never hand this out; may be repeated', many: true },
    { name: 'network', value: 'NAME', describe: 'within which addresses are unique (default)' },
    { name: 'placement', value: 'PLACEMENT', choices: ['Home', 'Lowest'], describe: 'where the search begins (Home)' },
    { name: 'default', describe: 'serve those who name no pool' },
    DRY_RUN,
  ],
  examples: [
    ['pool create blue 10.0.0.0/24 --gateway 10.0.0.1 --default', 'a subnet'],
    ['pool create lan 192.168.1.100-192.168.1.199 --subnet 192.168.1.0/24', 'a part of one'],
    ['pool create blue 10.0.0.0/24 --dry-run -o yaml > blue.yaml', 'a document to edit'],
  ],
  async run(context) {
    const { client, values, printer } = context;
    const name = readPoolName(values.required('name'));
    const spec = readSpec(values);
    const checked = normalisePool(name, spec);
    if (!checked.ok) throw new UsageError(checked.refusal.detail);
    const { items } = await client().listPools();
    if (items.some(({ metadata }) => metadata.name === name)) {
      throw new LocalError(`pool ${name} is there already; "berthctl pool apply" changes it`);
    }
    const document: AddressPool = { apiVersion: API_VERSION, kind: 'AddressPool', metadata: { name }, spec };
    const { pool } = await client().applyPool(document, { dryRun: values.flag('dry-run') });
    const shown = values.flag('dry-run') ? document : pool;
    await printChanges(printer, [{ object: shown, name: poolObjectName(pool), words: `created${dryRunSuffix(context)}` }]);
    if (checked.value.subnet === undefined) {
      printer.note(
        `Without --subnet containers get its addresses as /${prefixLengthFor(checked.value)}, and no gateway or broadcast address is kept out.`,
      );
    }
    return DONE;
  },
};

function readSpec(values: Values): PoolSpecInput {
  const [gateway, subnet, network] = [values.text('gateway'), values.text('subnet'), values.text('network')];
  const reserved = values.list('reserve');
  const placement = values.text('placement') as PoolSpecInput['placement'];
  return {
    ranges: values.list('range').map(readRange),
    ...(network !== undefined && { network }),
    ...(subnet !== undefined && { subnet }),
    ...(gateway !== undefined && { gateway }),
    ...(reserved.length > 0 && { reserved }),
    ...(placement !== undefined && { placement }),
    ...(values.flag('default') && { default: true }),
  };
}

/** As it was written: whether it makes sense is seen with the whole spec. */
function readRange(text: string): RangeText {
  if (text.includes('/')) return { cidr: text };
  const dash = text.indexOf('-');
  return dash < 0 ? { first: text, last: text } : { first: text.slice(0, dash), last: text.slice(dash + 1) };
}
