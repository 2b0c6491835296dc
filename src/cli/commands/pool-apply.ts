import { RefusedError } from '../../client/errors.ts';
import type { AppliedPool } from '../../client/client.ts';
import type { AddressPool } from '../../protocol.ts';
import { orderPools, type OrderedPool } from '../apply-order.ts';
import type { Command, Context } from '../command.ts';
import { dryRunSuffix } from '../confirm.ts';
import { DONE, REFUSED } from '../exit-code.ts';
import { LocalError, describeRefusal } from '../failure.ts';
import { poolObjectName } from '../names.ts';
import { DRY_RUN } from '../options.ts';
import { parsePoolDocuments } from '../pool-documents.ts';
import { printChanges } from '../printer.ts';
import { count } from '../text.ts';
import { UsageError } from '../usage.ts';
import type { World } from '../world.ts';

/** kubectl's words. */
const CHANGE_WORDS = { created: 'created', updated: 'configured', unchanged: 'unchanged' } as const;

export const poolApply: Command = {
  path: ['pool', 'apply'],
  summary: 'Create and update pools from a file; all of them are checked before the first is touched',
  details:
    'Takes YAML (several documents with "---") or JSON, also what "pool list -o yaml" printed. A document that carries the uid and resourceVersion of the pool that is there is refused if somebody changed it since.',
  options: [
    { name: 'filename', alias: 'f', value: 'FILE', describe: 'the file, or - for standard input', required: true, completes: 'file' },
    DRY_RUN,
  ],
  examples: [
    ['pool apply -f pools.yaml', 'create what is new, change what differs'],
    ['pool apply -f pools.yaml --dry-run', 'what would change'],
    ['pool get blue -o yaml | sed s/Lowest/Home/ | berthctl pool apply -f -', 'an edit in a pipe'],
  ],
  async run(context) {
    const { values, printer, world } = context;
    const file = values.required('filename');
    const documents = await parsePoolDocuments(await readDocuments(world, file));
    if (!documents.ok) {
      documents.problems.forEach((problem) => printer.complain(`berthctl: ${file}: ${problem}`));
      throw new UsageError(`nothing was applied: ${count(documents.problems.length, 'problem')} in ${file}`, 'pool apply');
    }
    const existing = (await context.client().listPools()).items;
    const pools = orderPools(withVersions(documents.pools, existing), existing);
    const trial = await applyAll(context, pools, true);
    if (!trial.complete) {
      printer.complain('berthctl: nothing was applied.');
      return REFUSED;
    }
    const done = values.flag('dry-run') ? trial : await applyAll(context, pools, false);
    await printChanges(
      printer,
      done.applied.map(({ pool, change }) => {
        return { object: pool, name: poolObjectName(pool), words: `${CHANGE_WORDS[change]}${dryRunSuffix(context)}` };
      }),
    );
    if (!done.complete) printer.complain(`berthctl: ${done.applied.length} of ${count(pools.length, 'pool')} applied.`);
    return done.complete ? DONE : REFUSED;
  },
};

async function readDocuments(world: World, file: string): Promise<string> {
  if (file === '-') return world.readStandardInput();
  try {
    return await world.files.readText(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'no such file'
        : code === 'EACCES'
          ? 'no permission'
          : code === 'EISDIR'
            ? 'it is a directory'
            : (code ?? 'unreadable');
    throw new LocalError(`cannot read ${file}: ${why}`);
  }
}

/**
 * A version counts only for the very object it was read from: a document from another store, or of a pool that was
 * deleted since, is applied as if written by hand.
 */
function withVersions(pools: readonly AddressPool[], existing: readonly AddressPool[]): AddressPool[] {
  const uids = new Map(existing.map((pool) => [pool.metadata.name, pool.metadata.uid]));
  return pools.map(({ status: _status, ...pool }) => {
    const { name, uid, resourceVersion, generation, annotations } = pool.metadata;
    const same = uid !== undefined && resourceVersion !== undefined && uids.get(name) === uid;
    const version = { uid, resourceVersion, ...(generation !== undefined && { generation }) };
    return { ...pool, metadata: { name, ...(annotations && { annotations }), ...(same && version) } };
  });
}

/** Goes on after a refusal, so that a trial tells everything that is wrong; complains about each. */
async function applyAll({ client, printer }: Context, pools: readonly OrderedPool[], dryRun: boolean) {
  const applied: AppliedPool[] = [];
  for (const { pool, takes, exists } of pools) {
    try {
      // A taker would be refused for what its giver gives up only in earnest: that it fits was seen from the file.
      if (dryRun && takes) applied.push({ pool, change: exists ? 'updated' : 'created' });
      else applied.push(await client().applyPool(pool, { dryRun }));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      printer.complain(`berthctl: ${poolObjectName(pool)}: not applied`);
      describeRefusal(error).forEach((line) => printer.complain(`  ${line.replace(/^berthctl: /, '')}`));
    }
  }
  return { applied, complete: applied.length === pools.length };
}
