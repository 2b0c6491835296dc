import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { readPoolName } from '../names.ts';
import { statsTable } from '../print-pools.ts';

export const stats: Command = {
  path: ['stats'],
  summary: 'How full the pools are; exact, whatever their size',
  positionals: [{ name: 'pool', describe: 'of these pools only', many: true, optional: true, completes: 'pool' }],
  examples: [
    ['stats', 'every pool'],
    ['stats blue', 'one'],
    ['stats -o json', 'for a program; counts are decimal text'],
  ],
  async run({ client, values, printer }) {
    const names = values.list('pool').map(readPoolName);
    const all = await client().stats();
    // Asked for by name, one that is not there is refused as everywhere.
    const missing = names.find((name) => !all.pools.some(({ pool }) => pool === name));
    if (missing !== undefined) await client().getPool(missing);
    const answer = { ...all, pools: all.pools.filter(({ pool }) => names.length === 0 || names.includes(pool)) };
    if (printer.format === 'json' || printer.format === 'yaml') await printer.document(answer);
    else if (printer.format === 'name') answer.pools.forEach(({ pool }) => printer.line(`addresspool/${pool}`));
    else if (answer.pools.length === 0) printer.note('No pools.');
    else printer.table(statsTable(answer.pools, printer.format === 'wide'));
    return DONE;
  },
};
