import type { CollectReport } from '../../protocol.ts';
import type { Command, Context } from '../command.ts';
import { confirm, dryRunSuffix } from '../confirm.ts';
import { DONE, REFUSED } from '../exit-code.ts';
import { DRY_RUN, YES } from '../options.ts';
import { count } from '../text.ts';

export const collect: Command = {
  path: ['collect'],
  summary: 'Release bindings whose holder is provably gone, and say on what evidence',
  details:
    'The controller does this by itself. Releases that are only inferred from absence and are too many at once are held back until approved.',
  options: [{ name: 'approve', describe: 'let go what is held back' }, DRY_RUN, YES],
  examples: [
    ['collect --dry-run', 'what would go, and why'],
    ['collect --approve', 'let go what the brake holds back'],
  ],
  async run(context) {
    const { client, values, printer } = context;
    const approve = values.flag('approve');
    const dryRun = values.flag('dry-run');
    let report = await client().collect({ dryRun: true, approve });
    const going = report.released.length;
    if (!dryRun && going > 0) {
      if (!(await confirm(context, `Release ${count(going, 'address', 'addresses')} whose holder is gone`))) {
        printer.complain('Nothing released.');
        return REFUSED;
      }
      report = await client().collect({ approve });
    }
    await print(context, report);
    return DONE;
  },
};

async function print(context: Context, { released, held, dryRun }: CollectReport): Promise<void> {
  const { printer } = context;
  if (printer.format === 'json' || printer.format === 'yaml') return printer.document({ released, held, dryRun });
  if (printer.format === 'name') return released.forEach(({ address }) => printer.line(address));
  printer.table({
    columns: ['ADDRESS', 'NETWORK', 'OUTCOME', 'BECAUSE'],
    rows: [
      ...released.map(({ address, network, evidence }) => [address, network, `released${dryRunSuffix(context)}`, evidence]),
      ...held.map(({ address, network, reason }) => [address, network, { text: 'held back', colour: 'yellow' as const }, reason]),
    ],
  });
  if (released.length + held.length === 0) printer.note('Nobody is gone.');
  if (held.length > 0)
    printer.note(`${count(held.length, 'address is', 'addresses are')} held back; "berthctl collect --approve" lets them go.`);
}
