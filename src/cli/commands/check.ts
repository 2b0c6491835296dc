import type { CheckReport } from '../../protocol.ts';
import type { Command } from '../command.ts';
import { confirm, dryRunSuffix } from '../confirm.ts';
import { DONE, REFUSED } from '../exit-code.ts';
import { DRY_RUN, YES } from '../options.ts';
import type { Table } from '../table.ts';
import { count } from '../text.ts';

export const check: Command = {
  path: ['check'],
  summary: 'Check the whole store against itself',
  details: 'Exit code 1 while there is something left to mend. A repair mends only what can be mended without guessing.',
  options: [{ name: 'repair', describe: 'mend what was found; shows it and asks first, on a terminal' }, DRY_RUN, YES],
  examples: [
    ['check', 'only looks'],
    ['check --repair --dry-run', 'what a repair would do'],
    ['check --repair', 'does it'],
  ],
  async run(context) {
    const { client, values, printer } = context;
    const dryRun = values.flag('dry-run');
    const wanted = values.flag('repair') || dryRun;
    let report = await client().checkStore(wanted ? { repair: true, dryRun: true } : {});
    const mendable = report.findings.filter(({ repair }) => repair !== undefined);
    if (wanted && !dryRun && mendable.length > 0) {
      if (context.world.mayAsk && !values.flag('yes')) await print(context, report);
      if (!(await confirm(context, `Mend ${count(mendable.length, 'finding')}`))) {
        printer.complain('Nothing mended.');
        return REFUSED;
      }
      report = await client().checkStore({ repair: true });
    }
    await print(context, report);
    const left = report.findings.filter(({ repaired }) => !repaired);
    const mended = report.findings.length - left.length;
    const checked = `Checked ${count(report.checked.pools, 'pool')} and ${count(report.checked.bindings, 'binding')}`;
    const found =
      report.findings.length === 0
        ? 'nothing wrong'
        : `${count(report.findings.length, 'finding')}, ${mended} mended${dryRunSuffix(context)}`;
    printer.note(`${checked}: ${found}.`);
    return left.length === 0 ? DONE : REFUSED;
  },
};

async function print({ printer }: Parameters<Command['run']>[0], report: CheckReport): Promise<void> {
  if (printer.format === 'json' || printer.format === 'yaml') return printer.document(report);
  if (printer.format === 'name') return report.findings.forEach(({ object }) => printer.line(object));
  printer.table(findingsTable(report));
}

const findingsTable = ({ findings }: CheckReport): Table => ({
  columns: ['CODE', 'OBJECT', 'REPAIR', 'DETAIL'],
  rows: findings.map(({ code, object, detail, repair, repaired }) => [
    code,
    object,
    repaired
      ? { text: 'done', colour: 'green' }
      : repair === undefined
        ? { text: 'by hand', colour: 'yellow' }
        : { text: repair, colour: 'yellow' },
    detail,
  ]),
});
