import type { Command } from '../command.ts';
import { confirm, dryRunSuffix } from '../confirm.ts';
import { DONE, REFUSED } from '../exit-code.ts';
import { poolObjectName, readPoolName } from '../names.ts';
import { DRY_RUN, YES } from '../options.ts';
import { formatRange } from '../print-pools.ts';
import { printChanges } from '../printer.ts';
import { count } from '../text.ts';

export const poolDelete: Command = {
  path: ['pool', 'delete'],
  summary: 'Delete pools',
  details: 'A pool that has bindings is refused, unless forced: its bindings then stay with their holders until they are released.',
  positionals: [{ name: 'name', describe: "the pool's name", many: true, completes: 'pool' }],
  options: [{ name: 'force', describe: 'also with addresses held' }, DRY_RUN, YES],
  examples: [
    ['pool delete blue', 'asks first, on a terminal'],
    ['pool delete blue --dry-run', 'would it be refused?'],
  ],
  async run(context) {
    const { client, values, printer } = context;
    const names = values.list('name').map(readPoolName);
    const pools = await Promise.all(names.map((name) => client().getPool(name)));
    const told = pools.map(({ metadata, spec, status }) => {
      return `${metadata.name} (${spec.ranges.map(formatRange).join(', ')}; ${count(status?.allocated ?? '0', 'address', 'addresses')} held)`;
    });
    if (!(await confirm(context, `Delete ${pools.length === 1 ? 'pool' : 'pools'} ${told.join(' and ')}`))) {
      printer.complain('Nothing deleted.');
      return REFUSED;
    }
    for (const name of names) {
      const pool = await client().deletePool(name, { force: values.flag('force'), dryRun: values.flag('dry-run') });
      await printChanges(printer, [{ object: pool, name: poolObjectName(pool), words: `deleted${dryRunSuffix(context)}` }]);
    }
    return DONE;
  },
};
