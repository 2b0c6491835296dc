/**
 * `npm run bench:cluster [-- --quick]`: the controller in a cluster, beside a bare relay on the same real API server
 * in the same run, block by block in turn. Ratios are asserted (exit 1 when one is missed), times are shown.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
// @ts-expect-error plain JavaScript, so that it runs before anything is installed
import { buildNodePrograms } from '../../cmd/dev/build-controller.mjs';
import { missingForApiServer, startApiServer, type ApiServer } from '../support/api-server.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { applyPath } from '../support/kubectl.ts';
import { workloadsOn } from '../support/workloads-on.ts';
import { holds, median, table, type Bound } from './measure.ts';
import { post } from './post.ts';

process.chdir(resolve(import.meta.dirname, '../..'));
const quick = process.argv.includes('--quick');
const PODS = quick ? 150 : 400;
const ROUNDS = quick ? 3 : 5;
const CALLERS = 32;
const GROWTH = quick ? [0, 5_000] : [0, 10_000, 50_000];
const NODE = 'bench-node';
const BOOT = '11111111-2222-4333-8444-555555555555';
const bounds: Bound[] = [];

interface Served {
  readonly socket: string;
  readonly child: ChildProcess;
}

interface Pod {
  readonly name: string;
  readonly uid: string;
}

async function main(): Promise<void> {
  const missing = missingForApiServer();
  if (missing !== undefined) throw new Error(missing);
  await buildNodePrograms();
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-cluster-'));
  const server = await startApiServer();
  const children: ChildProcess[] = [];
  try {
    await applyPath(server.kubeconfig, 'deploy/crds');
    await applyPath(server.kubeconfig, 'deploy/rbac');
    const pods = await makeWorkloads(server);
    await makePool(server, 'bench', '10.0.0.0/8');
    const [first, second] = [await startController(folder, server, 'a'), await startController(folder, server, 'b')];
    const relay = await startRelay(folder, server);
    children.push(first.child, second.child, relay.child);

    await compareWithRelay(server, first, relay, pods);
    await twoReplicas(server, [first, second], pods);
    await exactFit(server, [first, second], pods);
    await growth(server, first, pods);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = bounds.map((bound) => [
    bound.what,
    `${bound.measured.toFixed(2)}${bound.unit ?? ''}`,
    bound.least === undefined ? `at most ${bound.most}` : `at least ${bound.least}`,
    holds(bound) ? 'holds' : '**missed**',
  ]);
  console.log(`### Bounds\n\n${table(['', 'measured', 'bound', ''], rows)}`);
  process.exitCode = bounds.every(holds) ? 0 : 1;
}

/** 32 callers, and one, in turn with the relay. An ADD of the controller is one create, as the relay's call is. */
async function compareWithRelay(server: ApiServer, controller: Served, relay: Served, pods: readonly Pod[]): Promise<void> {
  const rates = { controller: [] as number[], relay: [] as number[] };
  const serial = { controller: [] as number[], relay: [] as number[] };
  let cpu = 0;
  let added = 0;
  await block(controller, adds(pods, 'warm'), CALLERS);
  await block(relay, creates(pods.length), CALLERS);
  for (let round = 0; round < ROUNDS; round++) {
    await empty(server, controller);
    const before = cpuSeconds(controller);
    const ofController = await block(controller, [...adds(pods, `a${round}`), ...adds(pods, `b${round}`)], CALLERS);
    cpu += cpuSeconds(controller) - before;
    added += ofController.length;
    rates.controller.push(ofController.length / ofController.seconds);
    const ofRelay = await block(relay, creates(pods.length * 2), CALLERS);
    rates.relay.push(ofRelay.length / ofRelay.seconds);
    serial.controller.push(...(await block(controller, adds(pods.slice(0, 60), `s${round}`), 1)).milliseconds);
    serial.relay.push(...(await block(relay, creates(60), 1)).milliseconds);
  }
  const ratio = median(rates.controller.map((rate, round) => rate / rates.relay[round]!));
  const slower = median(serial.controller) / median(serial.relay);
  bounds.push(
    { what: `${CALLERS} callers: rate to the relay's`, measured: ratio, least: 0.8 },
    { what: "one at a time: p50 to the relay's", measured: slower, most: 1.3 },
  );
  console.log(
    `### Beside a bare relay\n\n${table(
      ['', 'controller', 'relay'],
      [
        [`${CALLERS} callers, ADDs a second`, median(rates.controller).toFixed(0), median(rates.relay).toFixed(0)],
        ['one at a time, p50', `${median(serial.controller).toFixed(1)} ms`, `${median(serial.relay).toFixed(1)} ms`],
        ["controller's CPU an ADD", `${((cpu / added) * 1e6).toFixed(0)} µs`, ''],
      ],
    )}\n`,
  );
}

/** Each call goes to the other replica than the one before. */
async function twoReplicas(server: ApiServer, replicas: readonly Served[], pods: readonly Pod[]): Promise<void> {
  for (const replica of replicas) await empty(server, replica);
  await makePool(server, 'shared', '10.128.0.0/16', 'other');
  const before = await createsOf(server);
  const bodies = [...adds(pods, 'x', ['shared']), ...adds(pods, 'y', ['shared'])];
  const halves = replicas.map((replica, half) => block(replica, bodies.filter((_, index) => index % 2 === half), CALLERS / 2)); // prettier-ignore
  await Promise.all(halves);
  const after = await createsOf(server);
  const conflicts = (after.conflicts - before.conflicts) / bodies.length;
  bounds.push({ what: 'two replicas on one /16: conflicts an ADD', measured: conflicts * 100, most: 1, unit: ' %' });
}

/** As many addresses as callers, who all come at once, to both replicas. */
async function exactFit(server: ApiServer, replicas: readonly Served[], pods: readonly Pod[]): Promise<void> {
  for (const replica of replicas) await empty(server, replica);
  await makePool(server, 'exact', '10.200.0.0/25', 'exact', { reserved: [], subnet: '10.200.0.0/16' });
  const before = await createsOf(server);
  const bodies = adds(pods.slice(0, 126), 'fit', ['exact']);
  const halves = replicas.map((replica, half) => block(replica, bodies.filter((_, index) => index % 2 === half), 63)); // prettier-ignore
  const served = (await Promise.all(halves)).reduce((sum, { length }) => sum + length, 0);
  const after = await createsOf(server);
  const tried = (after.conflicts + after.created - before.conflicts - before.created) / served;
  bounds.push({ what: 'a pool that fits exactly: creates an address', measured: tried, most: 3 });
}

async function growth(server: ApiServer, controller: Served, pods: readonly Pod[]): Promise<void> {
  const rows: [string, number][] = [];
  let made = 0;
  await empty(server, controller);
  await makePool(server, 'ballast', '10.64.0.0/12', 'ballast');
  for (const wanted of GROWTH) {
    for (; made < wanted; made += 500) {
      await Promise.all(creates(500, 'ballast').map((body) => server.request('POST', BINDINGS, body)));
    }
    const latencies: number[] = [];
    for (let round = 0; round < 3; round++)
      latencies.push(...(await block(controller, adds(pods.slice(0, 60), `g${wanted}-${round}`), 1)).milliseconds);
    rows.push([String(wanted), median(latencies)]);
  }
  console.log(
    `### One ADD with more and more bindings\n\n${table(
      ['bindings', 'p50'],
      rows.map(([count, p50]) => [count, `${p50.toFixed(1)} ms`]),
    )}\n`,
  );
  bounds.push({ what: `one ADD with ${GROWTH.at(-1)} more bindings to with none`, measured: rows.at(-1)![1] / rows[0]![1], most: 1.5 });
}

/** One node may hold a thousand addresses, so each round begins with none. */
async function empty(server: ApiServer, { socket }: Served): Promise<void> {
  await server.request('DELETE', BINDINGS);
  const holdsNothing = async (): Promise<boolean> =>
    (await ask({ socketPath: socket }, 'GET', '/v1/bindings?limit=1')).json.items.length === 0;
  await eventually(holdsNothing, 'the controller to see that all bindings are gone', 60_000);
}

const BINDINGS = '/apis/berth-ipam.dev/v1alpha1/addressbindings';
let ticks = 0;
let next = 0;

/** An ADD for each pod, of an interface of its own. */
const adds = (pods: readonly Pod[], ifName: string, pools?: readonly string[]): object[] =>
  pods.map(({ name, uid }) => ({
    cniVersion: '1.0.0',
    cniNetwork: 'bench',
    containerId: `c-${name}`,
    ifName: ifName.slice(0, 15),
    pod: { namespace: 'bench', name, uid },
    pools: pools ?? ['bench'],
    stamp: { bootId: BOOT, startedTicks: ++ticks, monotonicNs: String(ticks), attempt: 0 },
  }));

/** Bindings as the controller would write them. */
function creates(count: number, pool = 'relay'): object[] {
  return Array.from({ length: count }, () => {
    next++;
    const parts = [10, 64 + (next >>> 16), (next >>> 8) & 255, next & 255];
    const name = `p-${next}`;
    const stamp = { bootId: BOOT, startedTicks: next, monotonicNs: String(next), attempt: 0 };
    return {
      apiVersion: 'berth-ipam.dev/v1alpha1',
      kind: 'AddressBinding',
      metadata: { name: `ballast.${parts.join('-')}` },
      spec: {
        address: parts.join('.'),
        network: 'ballast',
        pool,
        subinstance: 'bench',
        subid: name,
        slot: 0,
        resource: { type: 'pod', value: `bench/${name}` },
        node: 'elsewhere',
        podUid: `uid-${name}`,
        state: 'Bound',
        attachments: [
          { cniNetwork: 'relay', ifName: 'eth0', containerId: name, podUid: `uid-${name}`, node: 'elsewhere', static: true, stamp },
        ],
        boundAt: '2026-01-01T00:00:00.000Z',
        cooldownSeconds: 30,
        stickySeconds: 0,
      },
    };
  });
}

async function makeWorkloads(server: ApiServer): Promise<readonly Pod[]> {
  const { makeNamespace, makeNode, makePod } = workloadsOn(server.request);
  await makeNamespace('bench');
  await makeNode(NODE, BOOT);
  const names = Array.from({ length: PODS }, (_, index) => `p-${index}`);
  return Promise.all(names.map(async (name) => ({ name, uid: await makePod('bench', name, NODE) })));
}

async function makePool(server: ApiServer, name: string, cidr: string, network = 'default', more: object = {}): Promise<void> {
  const spec = { ranges: [{ cidr }], network, ...more };
  const answer = await server.request('POST', '/apis/berth-ipam.dev/v1alpha1/addresspools', {
    apiVersion: 'berth-ipam.dev/v1alpha1',
    kind: 'AddressPool',
    metadata: { name },
    spec,
  });
  if (answer.status !== 201) throw new Error(answer.text);
  await new Promise((resolve) => setTimeout(resolve, 500)); // Until both replicas have seen it.
}

async function startController(folder: string, server: ApiServer, name: string): Promise<Served> {
  const socket = join(folder, `${name}.sock`);
  const flags = ['--store', 'kubernetes', '--kubeconfig', server.kubeconfig, '--listen', `unix:${socket}`, '--node-name', NODE];
  const child = spawn(process.execPath, ['dist/berth-controller.mjs', ...flags, '--namespace', 'berth', '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const isReady = async (): Promise<boolean> =>
    (await ask({ socketPath: socket }, 'GET', '/readyz').catch(() => undefined))?.status === 200;
  await eventually(isReady, 'the controller to be ready', 60_000);
  return { socket, child };
}

async function startRelay(folder: string, server: ApiServer): Promise<Served> {
  const socket = join(folder, 'relay.sock');
  const child = spawn(process.execPath, ['test/bench/relay.ts', socket, server.kubeconfig], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return { socket, child };
}

interface Block {
  readonly length: number;
  readonly seconds: number;
  readonly milliseconds: readonly number[];
}

/** The bodies, by so many keep-alive callers; one that is refused ends the benchmark. */
async function block({ socket }: Served, bodies: readonly object[], callers: number): Promise<Block> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const milliseconds: number[] = [];
  const rest = [...bodies];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let body = rest.pop(); body !== undefined; body = rest.pop()) {
        const before = performance.now();
        await post(socket, agent, '/v1/cni/add', body);
        milliseconds.push(performance.now() - before);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  agent.destroy();
  return { length: bodies.length, seconds, milliseconds };
}

/** User and system time of the process, from the kernel. */
function cpuSeconds({ child }: Served): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** As the API server counts them. */
async function createsOf(server: ApiServer): Promise<{ readonly created: number; readonly conflicts: number }> {
  const { text } = await server.request('GET', '/metrics');
  const count = (code: string): number =>
    text
      .split('\n')
      .filter(
        (line) =>
          line.startsWith('apiserver_request_total{') &&
          line.includes('resource="addressbindings"') &&
          line.includes('verb="POST"') &&
          line.includes(`code="${code}"`),
      )
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  return { created: count('201'), conflicts: count('409') };
}

await main();
