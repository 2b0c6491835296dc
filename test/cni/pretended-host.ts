/** The Host port in memory: files in a map, time that only sleeping moves, and a controller that is a function. */
import type { Exchanged, Host } from '../../src/cni/host.ts';
import { runPlugin } from '../../src/cni/plugin.ts';

export interface Sent {
  readonly address: string;
  readonly path: string;
  readonly token: string;
  readonly body: Record<string, any>;
  readonly atMs: number;
  readonly limitMs: number;
}

export interface PretendedWorld {
  readonly files: Map<string, string>;
  readonly sent: Sent[];
  /** What the controller answers; an Exchanged as it is, anything else as JSON with status 200. */
  controller: (sent: Sent) => Exchanged | object;
  /** How long each exchange takes. */
  exchangeMs: number;
  /** Failures of file operations: "createFile /spool/…" → "ENOSPC". */
  fails: (operation: string, path: string) => string;
  printable: boolean;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export const answer = (status: number, body: object, headers = ''): Exchanged => [
  'answered',
  `HTTP/1.1 ${status} X\r\n${headers}\r\n${JSON.stringify(body)}`,
  '',
];
export const unreached: Exchanged = ['unreached', '', 'ECONNREFUSED'];
export const lost: Exchanged = ['answered', '', 'ECONNRESET'];
export const added = { addresses: [{ address: '10.0.0.5/24', gateway: '10.0.0.1', pool: 'p' }], routes: [] };

export function pretendWorld(): PretendedWorld {
  return {
    files: new Map([
      ['/proc/sys/kernel/random/boot_id', 'boot-1\n'],
      ['/proc/self/stat', `7 (a) b) S ${Array.from({ length: 18 }, () => '0').join(' ')} 4711 0`],
    ]),
    sent: [],
    controller: ({ path }) => (path.endsWith('/add') ? added : { released: [] }),
    exchangeMs: 0,
    fails: () => '',
    printable: true,
  };
}

export const baseEnvironment = { CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/t', CNI_IFNAME: 'eth0' };
export const configuration = (ipam: object = {}, more: object = {}): string =>
  JSON.stringify({ cniVersion: '1.1.0', name: 'n1', type: 'bridge', ipam: { type: 'berth', ...ipam }, ...more });

let calls = 0;

/** One call of the plugin in that world. */
export async function run(world: PretendedWorld, verb: string, stdin = configuration(), env: Record<string, string> = {}): Promise<Ran> {
  let [now, stdout, stderr] = [0, '', ''];
  const variables: Record<string, string> = { ...baseEnvironment, CNI_COMMAND: verb, ...env };
  const attempt = (operation: string, path: string, act: () => void): string => {
    const failure = world.fails(operation, path);
    if (failure === '') act();
    return failure;
  };
  const host: Host = {
    startedNs: String(5_000_000_000_000 + calls++),
    startedTicks: 99,
    processId: 7,
    environment: (name) => variables[name] ?? '',
    readStdin: () => ['', stdin],
    print(text) {
      stdout += world.printable ? text : '';
      return world.printable;
    },
    complain: (text) => void (stderr += text),
    elapsedMs: () => now,
    wallMs: () => 1_800_000_000_000 + now,
    sleep: (milliseconds) => void (now += milliseconds),
    readFile: (path) => (world.files.has(path) ? ['', world.files.get(path) ?? ''] : ['ENOENT', '']),
    createFile: (path, text) => attempt('createFile', path, () => world.files.set(path, text)),
    appendFile: (path, text) => attempt('appendFile', path, () => world.files.set(path, (world.files.get(path) ?? '') + text)),
    renameFile: (from, to) =>
      attempt('renameFile', to, () => {
        world.files.set(to, world.files.get(from) ?? '');
        world.files.delete(from);
      }),
    removeFile: (path) => attempt('removeFile', path, () => world.files.delete(path)),
    makeDirectory: (path) => attempt('makeDirectory', path, () => undefined),
    listDirectory: (path) => [
      '',
      ...[...world.files.keys()].filter((one) => one.startsWith(`${path}/`)).map((one) => one.slice(path.length + 1)),
    ],
    inspectFile: (path) =>
      [...world.files.keys()].some((one) => one === path || one.startsWith(`${path}/`))
        ? ['', `1:${path}`, String(world.files.get(path)?.length ?? 0)]
        : ['ENOENT', '', ''],
    exchange(address, _ca, _name, request, _connectMs, limitMs) {
      const sent: Sent = {
        address,
        path: /^POST (\S+) /.exec(request)?.[1] ?? '',
        token: /Bearer (\S+)/.exec(request)?.[1] ?? '',
        body: JSON.parse(request.slice(request.indexOf('\r\n\r\n'))) as Record<string, any>,
        atMs: now,
        limitMs,
      };
      world.sent.push(sent);
      now += Math.min(world.exchangeMs, limitMs);
      const said = world.exchangeMs > limitMs ? (['answered', '', 'ETIMEDOUT'] as const) : world.controller(sent);
      return Array.isArray(said) ? (said as unknown as Exchanged) : answer(200, said);
    },
    exit: () => undefined,
  };
  const code = await runPlugin(host);
  return { code, stdout, stderr, elapsedMs: now };
}

export const spoolOf = (world: PretendedWorld, directory = '/var/lib/berth/spool'): readonly Record<string, any>[] =>
  [...world.files]
    .filter(([path]) => path.startsWith(`${directory}/`) && path.endsWith('.json'))
    .map(([, text]) => JSON.parse(text) as Record<string, any>);
