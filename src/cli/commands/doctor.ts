import { RefusedError, UnreachableError } from '../../client/errors.ts';
import type { Command, Context } from '../command.ts';
import { checkCluster, checkController, checkPools, checkSocket, checkStore } from '../doctor/controller.ts';
import { problem, type Diagnosis } from '../doctor/diagnosis.ts';
import {
  USUAL_BIN_DIRECTORIES,
  USUAL_CONF_DIRECTORY,
  USUAL_SPOOL_DIRECTORY,
  checkConfigurations,
  checkPlugin,
  checkSpool,
} from '../doctor/machine.ts';
import { DONE, REFUSED } from '../exit-code.ts';
import { CONTROLLERS_NAMESPACE } from '../options.ts';
import { count } from '../text.ts';

export const doctor: Command = {
  path: ['doctor'],
  summary: 'Look at everything that has to be right, and say what to do where it is not',
  details: 'Changes nothing. Exit code 1 if there is a problem; a warning is none.',
  options: [
    {
      name: 'cni-bin-dir',
      value: 'DIRECTORY',
      describe: `where the runtime looks for plugins (${USUAL_BIN_DIRECTORIES.join(', ')})`,
      completes: 'file',
    },
    { name: 'cni-conf-dir', value: 'DIRECTORY', describe: `where its networks are (${USUAL_CONF_DIRECTORY})`, completes: 'file' },
    { name: 'spool-dir', value: 'DIRECTORY', describe: `where deletions wait (${USUAL_SPOOL_DIRECTORY})`, completes: 'file' },
    CONTROLLERS_NAMESPACE,
  ],
  examples: [['doctor', 'first thing to run when something does not work']],
  async run(context) {
    const { printer } = context;
    const found = await diagnose(context);
    if (printer.format === 'json' || printer.format === 'yaml') await printer.document({ findings: found });
    else found.forEach((diagnosis) => print(context, diagnosis));
    const problems = found.filter(({ level }) => level === 'problem').length;
    const warnings = found.filter(({ level }) => level === 'warning').length;
    printer.note(`${count(problems, 'problem')}, ${count(warnings, 'warning')}.`);
    return problems === 0 ? DONE : REFUSED;
  },
};

async function diagnose({ client, values, world }: Context): Promise<Diagnosis[]> {
  const { files } = world;
  const controller = client();
  const { endpoint } = controller;
  const found =
    endpoint === undefined ? await checkCluster(controller) : [await checkSocket(files, endpoint), ...(await checkController(controller))];
  const answers = !found.some(({ level, subject }) => level === 'problem' && subject !== 'readiness' && subject !== 'controllers');
  let pools: readonly string[] | undefined;
  if (answers) {
    try {
      found.push(...(await checkPools(controller)), await checkStore(controller));
      pools = (await controller.listPools()).items.map(({ metadata }) => metadata.name);
    } catch (error) {
      if (!(error instanceof UnreachableError || error instanceof RefusedError)) throw error;
      found.push(problem('store', error.message, "read the controller's log"));
    }
  }
  // A cluster's nodes are other machines than the one its kubeconfig is on.
  if (endpoint === undefined) return found;
  const binDirectory = values.text('cni-bin-dir');
  found.push(await checkPlugin(files, binDirectory === undefined ? USUAL_BIN_DIRECTORIES : [binDirectory]));
  found.push(...(await checkConfigurations(files, values.text('cni-conf-dir') ?? USUAL_CONF_DIRECTORY, pools)));
  found.push(await checkSpool(files, values.text('spool-dir') ?? USUAL_SPOOL_DIRECTORY));
  return found;
}

const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

function print({ printer, world }: Context, { level, subject, detail, advice }: Diagnosis): void {
  world.stdout.write(printer.colour(COLOURS[level], level.padEnd(9)));
  printer.line(`${subject}: ${detail}`);
  if (advice !== undefined) printer.line(`${' '.repeat(9)}→ ${advice}`);
}
