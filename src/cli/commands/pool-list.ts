import { DEFAULT_NETWORK } from '../../core/pool.ts';
import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { poolObjectName } from '../names.ts';
import { poolTable } from '../print-pools.ts';
import { printListing } from '../printer.ts';

export const poolList: Command = {
  path: ['pool', 'list'],
  summary: 'List the pools',
  options: [{ name: 'network', value: 'NAME', describe: 'of this network' }],
  examples: [
    ['pool list', 'every pool, with what is held and what is free'],
    ['pool list -o wide', 'with network, gateway and placement'],
    ['pool list -o yaml > pools.yaml', 'as documents that "pool apply -f" takes'],
  ],
  async run({ client, values, printer }) {
    const network = values.text('network');
    const { items } = await client().listPools();
    const chosen = network === undefined ? items : items.filter(({ spec }) => (spec.network ?? DEFAULT_NETWORK) === network);
    const none = items.length === 0 ? 'No pools. "berthctl pool create" makes one.' : 'No pools.';
    await printListing(printer, { items: chosen, table: poolTable, name: poolObjectName, none });
    return DONE;
  },
};
