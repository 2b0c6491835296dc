import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { statsTable } from '../print-pools.ts';

export const stats: Command = {
  path: ['stats'],
  summary: 'How full the pools are; exact, whatever their size',
  examples: [
    ['stats', 'every pool'],
    ['stats -o json', 'for a program; counts are decimal text'],
  ],
  async run({ client, printer }) {
    const answer = await client().stats();
    if (printer.format === 'json' || printer.format === 'yaml') await printer.document(answer);
    else if (printer.format === 'name') answer.pools.forEach(({ pool }) => printer.line(`addresspool/${pool}`));
    else if (answer.pools.length === 0) printer.note('No pools.');
    else printer.table(statsTable(answer.pools, printer.format === 'wide'));
    return DONE;
  },
};
