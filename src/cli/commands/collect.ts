import type { CollectReport } from '../../protocol.ts';
import type { Command, Context } from '../command.ts';
import { confirm, dryRunSuffix } from '../confirm.ts';
import { DONE, REFUSED } from '../exit-code.ts';
import { CONTROLLERS_NAMESPACE, DRY_RUN, YES } from '../options.ts';
import { count } from '../text.ts';

export const collect: Command = {
  path: ['collect'],
  summary: 'Release bindings whose holder is provably gone, and say on what evidence',
  details:
    'The controller does this by itself. Releases that are only inferred from absence and are too many at once are held back until approved. In a cluster the leading controller is asked through the ConfigMap berth-collect: whoever may update that may approve.',
  options: [{ name: 'approve', describe: 'let go what is held back' }, CONTROLLERS_NAMESPACE, DRY_RUN, YES],
  examples: [
    ['collect --dry-run', 'what would go, and why'],
    ['collect --approve', 'let go what the brake holds back'],
  ],
  async run(context) {
    const { client, values, printer } = context;
    const approve = values.flag('approve');
    const dryRun = values.flag('dry-run');
    let report = await client().collect({ dryRun: true, approve });
    const going = report.released.length + (report.omitted?.released ?? 0);
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

async function print(context: Context, report: CollectReport): Promise<void> {
  const { printer } = context;
  const { released, held, omitted } = report;
  if (printer.format === 'json' || printer.format === 'yaml') return printer.document(report);
  if (printer.format === 'name') return released.forEach(({ address }) => printer.line(address));
  printer.table({
    columns: ['ADDRESS', 'NETWORK', 'OUTCOME', 'BECAUSE'],
    rows: [
      ...released.map(({ address, network, evidence }) => [address, network, `released${dryRunSuffix(context)}`, evidence]),
      ...held.map(({ address, network, reason }) => [address, network, { text: 'held back', colour: 'yellow' as const }, reason]),
    ],
  });
  if (released.length + held.length === 0) printer.note('Nobody is gone.');
  if (omitted) printer.note(`Not shown: ${omitted.released} more released, ${omitted.held} more held back.`);
  const braked = held.filter(({ reason }) => reason.startsWith('held by the brake')).length;
  if (braked > 0) printer.note(`${count(braked, 'address is', 'addresses are')} held back; "berthctl collect --approve" lets them go.`);
}
