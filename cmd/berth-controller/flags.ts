/** The command line: flags, their help, and one sentence when something is wrong with them. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import yargs from 'yargs';
import { parseListenAddress } from '../../src/server/listen-address.ts';
import type { ListenAddress } from '../../src/server/listen-address.ts';
import { addressText } from '../../src/server/server.ts';
import type { TlsFiles } from '../../src/server/client-certificate.ts';
import { VERSION } from '../../src/version.ts';
import { nearest } from './nearest.ts';

export interface KubernetesChoice {
  readonly kind: 'kubernetes';
  /** Else KUBECONFIG, ~/.kube/config, or the service account of the pod this runs in. */
  readonly kubeconfigFile?: string;
  readonly context?: string;
  /** Of the leader's Lease; else that of the context or the pod. */
  readonly namespace?: string;
  readonly nodeGoneAfterMs: number;
  /** Whose tokens the https listener takes. */
  readonly nodeServiceAccount: { readonly namespace: string; readonly name: string };
  /** https://ADDRESS:PORT, as nodes reach this replica. */
  readonly advertise: readonly string[];
}

export type StoreChoice = { readonly kind: 'sqlite'; readonly path: string } | { readonly kind: 'memory' } | KubernetesChoice;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface RunOptions {
  readonly store: StoreChoice;
  readonly listen: readonly ListenAddress[];
  readonly socketMode: number;
  readonly poolsFile?: string;
  /** Where plugins leave DELs that nobody took. */
  readonly spoolFolder?: string;
  readonly logLevel: LogLevel;
  readonly nodeName: string;
  /** In a cluster: where the metrics are read. */
  readonly metrics?: ListenAddress;
  readonly tls?: TlsFiles;
}

export type Command =
  | { readonly kind: 'run'; readonly options: RunOptions }
  | { readonly kind: 'backup'; readonly path: string; readonly destination: string }
  | { readonly kind: 'said'; readonly text: string };

/** The command line cannot be obeyed; the message is one sentence for who wrote it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const FLAGS = {
  store: {
    type: 'string',
    default: 'sqlite:/var/lib/berth/berth.db',
    requiresArg: true,
    describe: 'Where records are kept: sqlite:PATH, kubernetes (custom resources), or memory (gone with the process)',
  },
  listen: {
    type: 'string',
    array: true,
    default: ['unix:/run/berth/berth.sock'],
    requiresArg: true,
    describe: 'unix:PATH, or https://HOST:PORT for plugins of other machines; may be given several times',
  },
  'socket-mode': {
    type: 'string',
    default: '0600',
    requiresArg: true,
    describe: 'Mode of the unix socket, octal: who may open it may ask for everything',
  },
  pools: {
    type: 'string',
    requiresArg: true,
    describe: 'AddressPool documents (YAML or JSON), applied at start and on SIGHUP; creates and updates, never deletes',
  },
  spool: {
    type: 'string',
    requiresArg: true,
    describe: 'Folder of DELs that plugins could not deliver, taken at start (default: spool beside the database)',
  },
  'tls-cert': { type: 'string', requiresArg: true, describe: 'Certificate for https (PEM); read again on SIGHUP and every ten seconds' },
  'tls-key': { type: 'string', requiresArg: true, describe: 'Its private key (PEM)' },
  'client-ca': {
    type: 'string',
    requiresArg: true,
    describe: 'CA that signs the nodes’ certificates (PEM); a certificate’s CN is the node’s name',
  },
  'node-name': {
    type: 'string',
    requiresArg: true,
    describe: 'Name of this machine: the node of all who call on the socket (default: the host name)',
  },
  kubeconfig: {
    type: 'string',
    requiresArg: true,
    describe: 'Which cluster, for --store kubernetes (default: KUBECONFIG, ~/.kube/config, or the pod’s service account)',
  },
  context: { type: 'string', requiresArg: true, describe: 'Context of the kubeconfig' },
  namespace: {
    type: 'string',
    requiresArg: true,
    describe: 'Where the controllers’ own objects are (default: the context’s or the pod’s)',
  },
  'node-gone-after': {
    type: 'string',
    requiresArg: true,
    describe: 'How long after its Node is deleted a node’s addresses come back: 30s, 5m, 1h (default: 5m)',
  },
  advertise: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'https://ADDRESS:PORT, as nodes reach this replica; may be given several times (default: where it listens)',
  },
  'node-service-account': {
    type: 'string',
    requiresArg: true,
    describe: 'NAMESPACE/NAME whose tokens the https listener takes (default: berth/berth-node)',
  },
  metrics: {
    type: 'string',
    requiresArg: true,
    describe: 'https://HOST:PORT for the metrics alone, in a cluster: for whoever may get the path /metrics (RBAC)',
  },
  'log-level': {
    type: 'string',
    choices: ['debug', 'info', 'warn', 'error'] as const,
    default: 'info' as const,
    requiresArg: true,
    describe: 'The least level that is logged',
  },
} as const;

/** Reads the arguments after the program's name. Throws UsageError. */
export async function readCommandLine(args: readonly string[]): Promise<Command> {
  let command: Command | undefined;
  let said = '';
  const known = [...Object.keys(FLAGS), 'help', 'version'];
  const parser = yargs()
    .scriptName('berth-controller')
    .usage('$0 [flags]\n\nHands out IP addresses to CNI plugins, berthctl and the HTTP API, and keeps them in a store.')
    .parserConfiguration({
      'greedy-arrays': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
    })
    .command(
      '$0',
      false,
      (builder) => builder.options(FLAGS),
      (argv) => {
        command = { kind: 'run', options: toRunOptions(argv as unknown as Arguments) };
      },
    )
    .command(
      'backup <destination>',
      'Copy the database to a new file, also while the controller runs; the copy is verified',
      (builder) =>
        builder
          .positional('destination', { type: 'string', demandOption: true, describe: 'File to write; must not exist' })
          .option('store', FLAGS.store),
      (argv) => {
        refuseRepeated(argv);
        const store = readStore(argv);
        if (store.kind !== 'sqlite') throw new UsageError('Only --store sqlite:PATH has something to back up.');
        command = { kind: 'backup', path: store.path, destination: argv.destination };
      },
    )
    .example('$0 --store sqlite:/var/lib/berth/berth.db --pools /etc/berth/pools.yaml', 'what the systemd unit does')
    .example('$0 --store memory --listen unix:/tmp/berth.sock', 'to try it out')
    .epilogue('Exit codes: 0 stopped as asked, 1 failed, 2 wrong flags or a wrong --pools file.')
    .version(VERSION)
    .help()
    .strict()
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      throw error instanceof UsageError ? error : new UsageError(explain(message ?? error.message, known));
    });
  await parser.parseAsync([...args], {}, (_error: unknown, _argv: unknown, output: string) => {
    said = output;
  });
  if (command) return command;
  return { kind: 'said', text: said };
}

interface Arguments {
  readonly store: string;
  readonly listen: readonly string[];
  readonly 'socket-mode': string;
  readonly pools?: string;
  readonly spool?: string;
  readonly 'tls-cert'?: string;
  readonly 'tls-key'?: string;
  readonly 'client-ca'?: string;
  readonly 'node-name'?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly 'node-gone-after'?: string;
  readonly advertise?: readonly string[];
  readonly 'node-service-account'?: string;
  readonly metrics?: string;
  readonly 'log-level': LogLevel;
}

function toRunOptions(argv: Arguments): RunOptions {
  refuseRepeated(argv);
  const listen = argv.listen.map((text) => {
    const outcome = parseListenAddress(text);
    if (!outcome.ok) throw new UsageError(outcome.refusal.detail);
    return outcome.value;
  });
  const store = readStore(argv);
  const isHttps = listen.some(({ kind }) => kind === 'https');
  const tls = readTls(argv, isHttps, store.kind === 'kubernetes');
  const spoolFolder = argv.spool ?? (store.kind === 'sqlite' ? join(dirname(store.path), 'spool') : undefined);
  return {
    store,
    listen,
    socketMode: readMode(argv['socket-mode']),
    logLevel: argv['log-level'],
    nodeName: readNodeName(argv['node-name'] ?? hostname()),
    ...(argv.pools !== undefined && { poolsFile: argv.pools }),
    ...(spoolFolder !== undefined && { spoolFolder }),
    ...(tls && { tls }),
    ...(argv.metrics !== undefined && { metrics: readMetrics(argv.metrics, tls) }),
  };
}

/** Which of two stores would be meant? Only --listen and --advertise may be given several times. */
function refuseRepeated(argv: object): void {
  for (const [flag, value] of Object.entries(argv)) {
    if (Array.isArray(value) && !['listen', 'advertise', '_'].includes(flag))
      throw new UsageError(`--${flag} is given ${value.length} times: give it once.`);
  }
}

const CLUSTER_FLAGS = ['kubeconfig', 'context', 'namespace', 'node-gone-after', 'advertise', 'node-service-account', 'metrics'] as const;

type StoreFlags = Pick<Arguments, 'store'> & Partial<Pick<Arguments, 'pools' | 'listen' | (typeof CLUSTER_FLAGS)[number]>>;

function readStore(argv: StoreFlags): StoreChoice {
  const { store: text } = argv;
  if (text === 'kubernetes') return readKubernetes(argv);
  const stray = CLUSTER_FLAGS.find((flag) => argv[flag] !== undefined);
  if (stray !== undefined) throw new UsageError(`--${stray} goes with --store kubernetes.`);
  if (text === 'memory') return { kind: 'memory' };
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(text)?.[1];
  if (path !== undefined) return { kind: 'sqlite', path };
  throw new UsageError(`--store ${text}: must be sqlite:PATH, kubernetes or memory.`);
}

const NODE_GONE_AFTER = '5m';
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

function readKubernetes({ kubeconfig, context, namespace, pools, ...rest }: StoreFlags): KubernetesChoice {
  if (pools !== undefined) throw new UsageError('--pools is for one machine: in a cluster, apply AddressPool objects with kubectl.');
  const [, count, unit] = /^(\d{1,6})([smh])$/.exec(rest['node-gone-after'] ?? NODE_GONE_AFTER) ?? [];
  if (count === undefined) throw new UsageError(`--node-gone-after ${rest['node-gone-after']}: must be a time such as 30s, 5m or 1h.`);
  if (namespace !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    throw new UsageError(`--namespace ${namespace}: must be the name of a namespace.`);
  return {
    kind: 'kubernetes',
    ...(kubeconfig !== undefined && { kubeconfigFile: kubeconfig }),
    ...(context !== undefined && { context }),
    ...(namespace !== undefined && { namespace }),
    nodeGoneAfterMs: Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS],
    nodeServiceAccount: readServiceAccount(rest['node-service-account'] ?? NODE_SERVICE_ACCOUNT),
    advertise: readAdvertised(rest),
  };
}

/** Those of deploy/rbac. */
const NODE_SERVICE_ACCOUNT = 'berth/berth-node';

function readServiceAccount(text: string): KubernetesChoice['nodeServiceAccount'] {
  const [, namespace, name] = /^([-a-z0-9]{1,63})\/([-a-z0-9.]{1,253})$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined) throw new UsageError(`--node-service-account ${text}: must be NAMESPACE/NAME.`);
  return { namespace, name };
}

/** A node uses no DNS: it is told numbers. */
function readAdvertised({ advertise, listen = [] }: Pick<StoreFlags, 'advertise' | 'listen'>): readonly string[] {
  const from = advertise ?? listen.filter((text) => text.startsWith('https:'));
  return from.map((text) => {
    const address = parseListenAddress(text);
    const host = address.ok && address.value.kind === 'https' ? address.value.host : '';
    if (!address.ok || isIP(host) === 0)
      throw new UsageError(`--advertise ${text}: must be https://ADDRESS:PORT with an IP address; nodes use no DNS.`);
    if (/^[0.:]*$/.test(host))
      throw new UsageError('--listen on every address: say with --advertise https://ADDRESS:PORT where nodes reach it.');
    return addressText(address.value);
  });
}

/** They say how the cluster is used, so they are read with a right, as those of Kubernetes' own parts. */
function readMetrics(text: string, tls: TlsFiles | undefined): ListenAddress {
  const address = /^https:/i.test(text) ? parseListenAddress(text) : undefined;
  if (!address?.ok) throw new UsageError(`--metrics ${text}: must be https://HOST:PORT.`);
  if (tls) throw new UsageError('--metrics needs the controllers’ own certificate: leave --tls-cert, --tls-key and --client-ca out.');
  return address.value;
}

function readMode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new UsageError(`--socket-mode ${text}: must be three octal digits, as in 0600 or 0660.`);
  const mode = parseInt(text, 8);
  if ((mode & 0o600) !== 0o600)
    throw new UsageError(`--socket-mode ${text}: the controller itself needs to read and write it, as in 0600.`);
  return mode;
}

function readNodeName(name: string): string {
  if (name.length > 253 || !/^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$/.test(name)) {
    throw new UsageError('--node-name must be a host name: letters, digits, - and dots, at most 253.');
  }
  return name;
}

function readTls(argv: Arguments, needed: boolean, tokensKnow: boolean): TlsFiles | undefined {
  const { 'tls-cert': cert, 'tls-key': key, 'client-ca': clientCa } = argv;
  if (tokensKnow && (cert ?? key ?? clientCa) === undefined) return undefined;
  if (!needed) {
    if (cert ?? key ?? clientCa) throw new UsageError('--tls-cert, --tls-key and --client-ca go with --listen https://HOST:PORT.');
    return undefined;
  }
  if (cert === undefined || key === undefined) throw new UsageError('--listen https:// needs --tls-cert and --tls-key.');
  if (clientCa === undefined) {
    throw new UsageError(
      '--listen https:// needs --client-ca: without it nobody could tell who asks (only in a cluster do tokens say so).',
    );
  }
  return { cert, key, clientCa };
}

/** yargs' message as one sentence that says what to write instead. */
function explain(message: string, known: readonly string[]): string {
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1];
  if (unknown !== undefined) {
    const meant = nearest(unknown, known);
    return `Unknown flag or argument: ${unknown}.${meant === undefined ? '' : ` Did you mean --${meant}?`} (--help lists them.)`;
  }
  const missing = /^Not enough arguments following: (.+)/.exec(message)?.[1];
  if (missing !== undefined) return `--${missing} needs a value. (--help says which.)`;
  if (message.startsWith('Not enough non-option arguments')) return 'backup needs the file to write: berth-controller backup DESTINATION.';
  const choice = /Argument: ([^,]+), Given: "([^"]*)", Choices: (.*)/.exec(message.replaceAll(/\s*\n\s*/g, ' '));
  if (choice) return `--${choice[1]} ${choice[2]}: must be one of ${choice[3]}.`;
  return message.replaceAll(/\s*\n\s*/g, ' ');
}
