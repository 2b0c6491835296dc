import type { Command, Context } from '../command.ts';
import { dryRunSuffix } from '../confirm.ts';
import { DONE } from '../exit-code.ts';
import { poolObjectName, readPoolName } from '../names.ts';
import { DRY_RUN } from '../options.ts';
import type { PoolSpecInput } from '../../protocol.ts';
import { printChanges } from '../printer.ts';
import { count } from '../text.ts';
import { updatePool } from '../update-pool.ts';

const NAMES = [{ name: 'name', describe: "the pool's name", many: true, completes: 'pool' }] as const;

export const poolDrain: Command = {
  path: ['pool', 'drain'],
  summary: 'Let a pool run empty: it gives out nothing new, and what it holds goes as its holders go',
  positionals: NAMES,
  options: [DRY_RUN],
  examples: [['pool drain blue', 'nothing new from blue; "pool resume" takes it back']],
  run: (context) => setState(context, 'Draining'),
};

export const poolResume: Command = {
  path: ['pool', 'resume'],
  summary: 'Let a drained pool give out addresses again',
  positionals: NAMES,
  options: [DRY_RUN],
  examples: [['pool resume blue', 'undoes "pool drain blue"']],
  run: (context) => setState(context, 'Active'),
};

async function setState(context: Context, state: NonNullable<PoolSpecInput['state']>): Promise<number> {
  const { client, values, printer } = context;
  for (const name of values.list('name').map(readPoolName)) {
    const { pool, change } = await updatePool(client(), name, (spec) => ({ ...spec, state }), values.flag('dry-run'));
    const done = state === 'Active' ? 'resumed' : 'draining';
    const words = `${change === 'unchanged' ? `${done} already` : done}${dryRunSuffix(context)}`;
    await printChanges(printer, [{ object: pool, name: poolObjectName(pool), words }]);
    const held = pool.status?.allocated ?? '0';
    if (state !== 'Active') printer.note(held === '0' ? 'It holds nothing.' : `${count(held, 'address is', 'addresses are')} still held.`);
  }
  return DONE;
}
