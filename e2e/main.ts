/**
 * `npm run e2e:up`, `npm run e2e:down`, and `npm run e2e [-- file filter …]`: up, the suites, down. With --keep the
 * cluster stays for a look. Needs root, and what `npm run setup:cluster -- --all` makes.
 */
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { buildBerthImage, helmInstall } from './cluster/berth.ts';
import { whyNotOn } from './cluster/provider.ts';
import { down, up } from './cluster/up.ts';
import { controlPlaneAnswers } from './cluster/control-plane.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false }, provider: { type: 'string', default: 'own' } },
});
const [command = '', ...filters] = positionals;
const started = performance.now();
const log = (line: string): void => console.log(`e2e: ${Math.round((performance.now() - started) / 1000)} s: ${line}`);

async function start(): Promise<void> {
  await up(log, async () => [await buildBerthImage(log)]);
  log('helm install …');
  await helmInstall();
  log('up');
}

/** Whether all suites passed. */
async function runSuites(): Promise<boolean> {
  const vitest = await startVitest('test', filters, { config: `${import.meta.dirname}/vitest.config.ts`, watch: false, run: true });
  await vitest.close();
  const files = vitest.state.getFiles();
  return files.length > 0 && files.every(({ result }) => result?.state === 'pass');
}

/** Who interrupts a run does not want a cluster to stay. What is ended without a word is cleaned up by the next start. */
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    if (!options.keep) void down().finally(() => process.exit(130));
    else process.exit(130);
  });

const whyNot = await whyNotOn(options.provider);
if (whyNot !== undefined) {
  console.error(`e2e: ${whyNot}`);
  process.exitCode = 2;
} else if (process.getuid?.() !== 0) {
  console.error('e2e: namespaces and cgroups need root');
  process.exitCode = 1;
} else if (command === 'up') await start();
else if (command === 'down') await down().then(() => log('down'));
else if (command === 'test') {
  if (!(options.keep && (await controlPlaneAnswers()))) await start();
  const passed = await runSuites().finally(() => (options.keep ? undefined : down()));
  log(passed ? 'passed' : 'FAILED');
  process.exitCode = passed ? 0 : 1;
} else {
  console.error('e2e: up, down or test');
  process.exitCode = 2;
}
