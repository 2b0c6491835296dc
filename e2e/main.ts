/**
 * `npm run e2e:up`, `npm run e2e:down`, and `npm run e2e [-- file filter …]`: up, the suites, down. With --keep the
 * cluster stays for a look. --provider kind: on kind's nodes instead of our own. Needs root, and what
 * `npm run setup:cluster -- --all` makes (with kind: `-- --all --kind`).
 */
import { parseArgs } from 'node:util';
import { whyNotOn } from './cluster/why-not.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false }, provider: { type: 'string', default: 'own' } },
});
const [command = '', ...filters] = positionals;

const whyNot = await whyNotOn(options.provider);
if (whyNot !== undefined) {
  console.error(`e2e: ${whyNot}`);
  process.exitCode = 2;
} else if (process.getuid?.() !== 0) {
  console.error('e2e: namespaces and cgroups need root');
  process.exitCode = 1;
} else {
  // Names and folders of the cluster follow from it: here, and in the processes of the suites.
  process.env['BERTH_E2E_PROVIDER'] = options.provider;
  const { runCommand } = await import('./run.ts');
  process.exitCode = await runCommand(command, filters, options.keep);
}
