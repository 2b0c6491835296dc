/** The commands of main.ts, once it is known whose cluster. */
import { startVitest } from 'vitest/node';
import { controlPlaneAnswers } from './cluster/kubectl.ts';
import { provider } from './cluster/provider.ts';
import { up } from './cluster/up.ts';

const started = performance.now();
const log = (line: string): void => console.log(`e2e: ${Math.round((performance.now() - started) / 1000)} s: ${line}`);

/** Returns the exit code. */
export async function runCommand(command: string, filters: string[], keep: boolean): Promise<number> {
  // Who interrupts a run does not want a cluster to stay. What is ended without a word is cleaned up by the next start.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void (keep ? Promise.resolve() : provider.down()).finally(() => process.exit(130)));
  switch (command) {
    case 'up':
      await up(log);
      return 0;
    case 'down':
      await provider.down();
      log('down');
      return 0;
    case 'test': {
      if (!(keep && (await controlPlaneAnswers()))) await up(log);
      const passed = await runSuites(filters).finally(() => (keep ? undefined : provider.down()));
      log(passed ? 'passed' : 'FAILED');
      return passed ? 0 : 1;
    }
    default:
      console.error('e2e: up, down or test');
      return 2;
  }
}

/** Whether all passed. */
async function runSuites(filters: string[]): Promise<boolean> {
  const vitest = await startVitest('test', filters, { config: `${import.meta.dirname}/vitest.config.ts`, watch: false, run: true });
  await vitest.close();
  const files = vitest.state.getFiles();
  return files.length > 0 && files.every(({ result }) => result?.state === 'pass');
}
