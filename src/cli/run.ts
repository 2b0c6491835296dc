/** berthctl from its arguments to its exit code. */
import { DEFAULT_CONTROLLER, parseEndpoint } from '../client/endpoint.ts';
import type { Backend } from '../client/backend.ts';
import { openClient } from '../client/client.ts';
import { lazyBackend } from './cluster/lazy-backend.ts';
import type { Context } from './command.ts';
import { parseDuration } from './duration.ts';
import { DONE, interruptedCode } from './exit-code.ts';
import { describeFailure } from './failure.ts';
import { createPrinter, type Format } from './printer.ts';
import { printable } from './text.ts';
import { UsageError } from './usage.ts';
import type { Values } from './values.ts';
import type { World } from './world.ts';

const USUAL_TIMEOUT = '10s';
/** A timer of Node holds no more than 2^31 - 1 ms. */
const LONGEST_TIMEOUT_MILLISECONDS = 2_147_483_647;

export async function runCli(argv: readonly string[], world: World): Promise<number> {
  let controller: Context['controller'] = { text: DEFAULT_CONTROLLER, from: 'default' };
  let client: Backend | undefined;
  let name = '';
  try {
    if (argv[0] === '__complete') {
      const { complete } = await import('./completion/complete.ts');
      return await complete(argv.slice(1), world);
    }
    const { parseArguments } = await import('./parse.ts');
    const parsed = await parseArguments(argv.length === 0 ? ['--help'] : argv, world.stdout.columns);
    if (parsed.kind === 'help') {
      world.stdout.write(parsed.text);
      return DONE;
    }
    const { command, values } = parsed;
    name = command.path.join(' ');
    const cluster = await findCluster(values, world);
    controller = cluster === undefined ? findController(values, world) : { text: cluster.text, from: 'kubeconfig' };
    const timeoutMilliseconds = readTimeout(values);
    const printer = createPrinter(world, {
      format: values.text('output') as Format | undefined,
      headers: !values.flag('no-headers'),
      quiet: values.flag('quiet'),
    });
    const openOnce = (): Backend =>
      (client ??=
        cluster === undefined
          ? openClient({ endpoint: readEndpoint(controller.text), timers: world.timers, timeoutMilliseconds })
          : lazyBackend(async () => {
              const { openClusterBackend } = await import('./cluster/open-backend.ts');
              const controllersNamespace = values.text('controllers-namespace');
              return openClusterBackend({
                ...cluster.choice,
                timers: world.timers,
                timeoutMilliseconds,
                ...(controllersNamespace !== undefined && { controllersNamespace }),
              });
            }));
    const interrupted = new Promise<number>((resolve) =>
      world.interrupted.addEventListener('abort', () => resolve(interruptedCode(world.interrupted)), { once: true }),
    );
    return await Promise.race([interrupted, command.run({ world, values, printer, client: openOnce, controller })]);
  } catch (error) {
    const { lines, exitCode } = describeFailure(error, controller, name);
    world.stderr.write(lines.map((line) => `${printable(line)}\n`).join(''));
    return exitCode;
  } finally {
    client?.close();
  }
}

interface FoundCluster {
  /** For a person: which kubeconfig. */
  readonly text: string;
  readonly choice: { readonly kubeconfigFile?: string; readonly context?: string };
}

/** A named controller goes first; without a kubeconfig there is no cluster, and the usual socket is meant. */
export async function findCluster(
  values: Pick<Values, 'text'>,
  world: Pick<World, 'environment' | 'files'>,
): Promise<FoundCluster | undefined> {
  const [file, context] = [values.text('kubeconfig'), values.text('context')];
  if (values.text('controller') !== undefined) {
    if (file !== undefined || context !== undefined) throw new UsageError('give --controller, or --kubeconfig and --context, not both');
    return undefined;
  }
  const given = { ...(file !== undefined && { kubeconfigFile: file }), ...(context !== undefined && { context }) };
  if (file !== undefined) return { text: file, choice: given };
  if (context === undefined && world.environment('BERTH_CONTROLLER')) return undefined;
  const variable = world.environment('KUBECONFIG');
  if (variable) return { text: variable, choice: { ...given, ...(!variable.includes(':') && { kubeconfigFile: variable }) } };
  const usual = `${world.environment('HOME') ?? ''}/.kube/config`;
  const isThere = await world.files.mayAccess(usual, 'read');
  return isThere || context !== undefined ? { text: usual, choice: { ...given, kubeconfigFile: usual } } : undefined;
}

export function findController(values: Pick<Values, 'text'>, world: Pick<World, 'environment'>): Context['controller'] {
  const option = values.text('controller');
  if (option !== undefined) return { text: option, from: '--controller' };
  const variable = world.environment('BERTH_CONTROLLER');
  return variable ? { text: variable, from: 'BERTH_CONTROLLER' } : { text: DEFAULT_CONTROLLER, from: 'default' };
}

export function readEndpoint(text: string) {
  const parsed = parseEndpoint(text);
  if (!parsed.ok) throw new UsageError(parsed.detail);
  return parsed.endpoint;
}

function readTimeout(values: Values): number {
  const milliseconds = parseDuration(values.text('timeout') ?? USUAL_TIMEOUT, '--timeout');
  if (milliseconds < 1 || milliseconds > LONGEST_TIMEOUT_MILLISECONDS) throw new UsageError('--timeout must be between 1ms and 24d');
  return milliseconds;
}
