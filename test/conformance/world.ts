/**
 * What the conformance suite stands on: the built executable on each of its hosts, and a real controller. Each test takes
 * pools of its own, so that none sees another's addresses.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { startController, type RunningController } from '../support/controller.ts';
import { buildHosts, type PluginHost, type Said, startPlugin, type Started } from '../support/plugin.ts';

export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

export interface CallOptions {
  readonly id?: string;
  readonly ifName?: string;
  readonly version?: string;
  readonly network?: string;
  readonly pools?: readonly (string | readonly string[])[];
  /** Merged over (undefined removes) the base environment, the configuration, and its ipam. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly ipam?: Readonly<Record<string, unknown>>;
  /** Instead of the configuration; null leaves stdin open. */
  readonly stdin?: string | null;
  readonly cwd?: string;
}

export interface World {
  readonly host: PluginHost;
  readonly controller: RunningController;
  /** Of this host's, fresh for the file. */
  readonly directory: string;
  readonly spoolDir: string;
  readonly logFile: string;
  call(verb: Verb, options?: CallOptions): Promise<Said>;
  start(verb: Verb, options?: CallOptions): Started;
  /** A pool of its own with a name; unless said a /29 with gateway .1, so .2 to .6 can be had. */
  pool(spec?: object): Promise<Pool>;
  /** Bound addresses of a pool, in order. */
  held(pool: Pool): Promise<readonly string[]>;
  spooled(): readonly string[];
}

export interface Pool {
  readonly name: string;
  /** "10.x.y" */
  readonly prefix: string;
}

let pools = 0;

const without = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

export const podArguments = (id: string, pod = 'p', uid = 'u'): string =>
  `IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=${pod};K8S_POD_INFRA_CONTAINER_ID=${id};K8S_POD_UID=${uid}`;

function createWorld(host: PluginHost, controller: RunningController, directory: string): World {
  const [spoolDir, logFile] = [join(directory, 'spool'), join(directory, 'log', 'berth.log')];

  function start(verb: Verb, options: CallOptions = {}): Started {
    const { id = 'c1', ifName = 'eth0', version = '1.0.0', network = 'n1' } = options;
    const env = without({
      CNI_COMMAND: verb,
      CNI_CONTAINERID: id,
      CNI_NETNS: '/run/netns/t',
      CNI_IFNAME: ifName,
      CNI_PATH: '/usr/lib/cni',
      CNI_ARGS: podArguments(id, `pod-${id}`.slice(0, 60), `uid-${id}`.slice(0, 100)),
      ...options.env,
    }) as Record<string, string>;
    const ipam = { type: 'berth', controller: `unix://${controller.socket}`, spoolDir, logFile, pools: options.pools, ...options.ipam };
    const config = { cniVersion: version, name: network, type: 'bridge', ipam: without(ipam), ...options.config };
    const stdin = options.stdin === undefined ? JSON.stringify(without(config)) : options.stdin;
    return startPlugin(host.path, env, stdin, options.cwd);
  }

  async function pool(spec: object = {}): Promise<Pool> {
    pools += 1;
    const [name, prefix] = [`p${pools}`, `10.${100 + (pools >> 8)}.${pools & 255}`];
    const cidr = `${prefix}.0/29`;
    const usual = { ranges: [{ cidr }], subnet: cidr, gateway: `${prefix}.1`, requestedAddresses: 'Allowed' };
    const filled = JSON.stringify(without({ ...usual, ...spec })).replaceAll('PREFIX', prefix);
    const document = {
      apiVersion: 'berth-ipam.dev/v1alpha1',
      kind: 'AddressPool',
      metadata: { name },
      spec: JSON.parse(filled) as unknown,
    };
    const answer = await controller.ask('PUT', `/v1/pools/${name}`, document);
    expect(answer.status, answer.text).toBeLessThan(300);
    return { name, prefix };
  }

  async function held(of: Pool): Promise<readonly string[]> {
    const answer = await controller.ask('GET', `/v1/bindings?pool=${of.name}`);
    const { items } = answer.json as { items: { spec: { address: string } }[] };
    return items.map((item) => item.spec.address);
  }

  return {
    host,
    controller,
    directory,
    spoolDir,
    logFile,
    start,
    call: (verb, options) => start(verb, options).said,
    pool,
    held,
    spooled: () => list(spoolDir).filter((name) => name.endsWith('.json')),
  };
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

const hosts = buildHosts();

/** The same cases for each host; without cargo there is no native one, and that is said by name. */
export function forEachHost(section: string, cases: (world: () => World) => void): void {
  for (const [index, host] of hosts.entries()) {
    const skipped = index === 0 && !host.native;
    describe.skipIf(skipped)(`${section}, ${host.name}`, () => {
      let world: World;
      let directory: string;
      beforeAll(async () => {
        directory = mkdtempSync(join(tmpdir(), 'berth-conformance-'));
        mkdirSync(join(directory, 'log'));
        world = createWorld(host, await startController(), directory);
      });
      afterAll(async () => {
        await world?.controller.close();
        rmSync(directory, { recursive: true, force: true });
      });
      cases(() => world);
    });
  }
}

/** The one JSON document on stdout. */
export function parseOne(said: Said): Record<string, unknown> {
  expect(said.stdout.trim(), JSON.stringify(said)).not.toBe('');
  const parsed = JSON.parse(said.stdout) as unknown;
  expect(parsed).toBeTypeOf('object');
  expect(Array.isArray(parsed)).toBe(false);
  return parsed as Record<string, unknown>;
}

export interface CniErrorObject {
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
  readonly cniVersion: string;
}

/** exit ≠ 0, exactly one object with an integer code and a text, and no stack trace. */
export function expectError(said: Said, ...codes: readonly number[]): CniErrorObject {
  const error = parseOne(said);
  expect(said.code, said.stdout).toBe(1);
  expect(codes, said.stdout).toContain(error['code']);
  expect(error['msg']).toBeTypeOf('string');
  expect(error['msg']).not.toBe('');
  expect(said.stdout).not.toMatch(/\bat .*:\d+:\d+/);
  return error as unknown as CniErrorObject;
}

/** exit 0 and not a byte. */
export function expectSilence(said: Said): void {
  expect([said.code, said.stdout], JSON.stringify(said)).toEqual([0, '']);
}

export interface AddResult {
  readonly cniVersion: string;
  readonly ips: readonly { readonly address: string; readonly gateway?: string; readonly version?: string }[];
  readonly routes?: readonly Record<string, unknown>[];
  readonly dns?: Record<string, unknown>;
}

export function expectResult(said: Said): AddResult {
  expect(said.code, JSON.stringify(said)).toBe(0);
  const result = parseOne(said) as unknown as AddResult;
  expect(result.ips.length).toBeGreaterThan(0);
  return result;
}

/** The one address of a result, without its prefix length. */
export function addressOf(said: Said): string {
  const [only, ...more] = expectResult(said).ips;
  expect(more).toEqual([]);
  return (only?.address ?? '').replace(/\/.*/, '');
}
