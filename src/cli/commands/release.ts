import { RefusedError } from '../../client/errors.ts';
import type { Command, Context } from '../command.ts';
import type { Release, Released } from '../../protocol.ts';
import { confirm, dryRunSuffix } from '../confirm.ts';
import { DONE, NOTHING_FOUND, REFUSED, exitCodeOf } from '../exit-code.ts';
import { describeRefusal } from '../failure.ts';
import { compareAddresses, readAddressName } from '../names.ts';
import { DRY_RUN, NETWORK, SUBID, SUBINSTANCE, YES } from '../options.ts';
import { count } from '../text.ts';
import { UsageError } from '../usage.ts';

export const release: Command = {
  path: ['release'],
  summary: 'Let addresses go: one by one, or all that a subject or a subinstance holds',
  details:
    'A released address cools down before somebody else gets it; its record says who had it last. In a cluster pods let go by themselves: there it takes the address away from its holder by deleting the record, without cooling, and needs the verbs delete and forcerelease on addressbindings (ClusterRole berth-force-release). Make sure that the pod is gone.',
  positionals: [{ name: 'address', describe: 'an address, or what "-o name" printed', many: true, optional: true, completes: 'address' }],
  options: [SUBINSTANCE, SUBID, NETWORK, DRY_RUN, YES],
  examples: [
    ['release 10.0.0.5', 'one address'],
    ['release -n acme --subid web-1', 'whatever web-1 of acme holds'],
    ['release -n acme --dry-run', 'what would go if acme left'],
  ],
  async run(context) {
    const { client, values, printer } = context;
    const targets = readTargets(context);
    const dryRun = values.flag('dry-run');
    const found: { target: Release; released: Released['released'] }[] = [];
    let exitCode = DONE;
    for (const target of targets) {
      try {
        found.push({ target, released: (await client().release({ ...target, dryRun: true })).released });
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        describeRefusal(error).forEach(printer.complain);
        exitCode = exitCodeOf(error.problem.reason);
      }
    }
    const all = found.flatMap(({ released }) => released);
    if (all.length === 0) {
      if (exitCode === DONE) printer.note('Nothing is held there.');
      return exitCode === DONE ? NOTHING_FOUND : exitCode;
    }
    if (!(await confirm(context, describeQuestion(all)))) {
      printer.complain('Nothing released.');
      return REFUSED;
    }
    const done: Released['released'][number][] = [];
    for (const { target, released } of found) done.push(...(dryRun ? released : (await client().release(target)).released));
    await print(context, done.sort(byAddress));
    return exitCode;
  },
};

function readTargets({ values }: Context): Release[] {
  const addresses = values.list('address');
  const subinstance = values.text('subinstance');
  const subid = values.text('subid');
  const network = values.text('network');
  if (addresses.length > 0) {
    if (subinstance !== undefined || subid !== undefined)
      throw new UsageError('give an address or a subject (-n, --subid), not both', 'release');
    return addresses.map(readAddressName).map((name) => {
      const within = name.network ?? network;
      return { address: name.address, ...(within !== undefined && { network: within }) };
    });
  }
  if (subinstance === undefined) throw new UsageError('release what? Give an address, or -n with or without --subid', 'release');
  if (network !== undefined) throw new UsageError('--network goes with an address; a subject is released in every network', 'release');
  return [{ subinstance, ...(subid !== undefined && { subid }) }];
}

const byAddress = (a: Released['released'][number], b: Released['released'][number]): number =>
  compareAddresses(a.address, b.address) || a.network.localeCompare(b.network);

/** Few are named, many are counted. */
function describeQuestion(released: Released['released']): string {
  const holders = [...new Set(released.map(({ subinstance, subid }) => `${subinstance}/${subid}`))];
  const whose = holders.length > 3 ? count(holders.length, 'holder') : holders.join(', ');
  const what = released.length > 3 ? count(released.length, 'address', 'addresses') : released.map(({ address }) => address).join(', ');
  return `Release ${what}, held by ${whose}`;
}

async function print(context: Context, released: Released['released']): Promise<void> {
  const { printer } = context;
  switch (printer.format) {
    case 'json':
    case 'yaml':
      return printer.document({ released });
    case 'name':
      return released.forEach(({ address }) => printer.line(address));
    default:
      for (const { address, subinstance, subid, pool } of released) {
        printer.line(`${address} released from ${subinstance}/${subid}, pool ${pool}${dryRunSuffix(context)}`);
      }
  }
}
