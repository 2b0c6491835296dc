import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { poolObjectName, readPoolName } from '../names.ts';
import { poolTable } from '../print-pools.ts';
import { printListing } from '../printer.ts';

export const poolGet: Command = {
  path: ['pool', 'get'],
  summary: 'Show pools by name',
  positionals: [{ name: 'name', describe: "the pool's name", many: true, completes: 'pool' }],
  examples: [
    ['pool get blue', 'one pool as a table'],
    ['pool get blue -o yaml', 'as a document, to edit and apply again'],
  ],
  async run({ client, values, printer }) {
    const names = values.list('name').map(readPoolName);
    const items = await Promise.all(names.map((name) => client().getPool(name)));
    await printListing(printer, { items, table: poolTable, name: poolObjectName, none: 'No pools.', single: names.length === 1 });
    return DONE;
  },
};
