/**
 * Whole plugin processes over https with a node's token, 32 at a time, beside host-local's in turn. host-local writes a
 * file on its own node; Berth verifies a token and writes a record that the whole cluster agrees on.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cniEnvironment, findMainPlugins, HOW_TO_INSTALL } from '../../../cmd/dev/main-plugins.ts';
import { holds, measureRounds, median, medianRatio, table, type Bound } from '../measure.ts';
import type { Pod } from './bodies.ts';
import type { BenchNode } from './nodes.ts';
import { authorityOf } from './programs.ts';
import { empty, inParallel, type Served, type Stage } from './stage.ts';

const AT_ONCE = 32;

interface Contestant {
  readonly executable: string;
  /** The network configuration on that node. */
  readonly config: (node: string) => string;
}

interface Round {
  readonly seconds: number;
  readonly p99: number;
  readonly failures: number;
}

/** @param pods on these nodes, in turn */
export async function processes(stage: Stage, controller: Served, nodes: readonly BenchNode[], pods: readonly Pod[]): Promise<void> {
  const contestants = { berth: await berth(stage, controller, nodes), hostLocal: hostLocal(stage) };
  const results = { berth: [] as Round[], hostLocal: [] as Round[] };
  const measure = async (name: keyof typeof results, round: number): Promise<Round> => {
    const added = await allOf(contestants[name], 'ADD', pods, round);
    const deleted = await allOf(contestants[name], 'DEL', pods, round);
    return { ...added, failures: added.failures + deleted.failures };
  };
  const time = (): Bound => ({
    what: `${pods.length} plugin processes, ${AT_ONCE} at a time: time to host-local's`,
    measured: medianRatio(
      results.berth.map(({ seconds }) => seconds),
      results.hostLocal.map(({ seconds }) => seconds),
    ),
    most: 2.5,
  });
  await empty(stage, controller);
  for (const name of ['berth', 'hostLocal'] as const) await measure(name, 0); // warms them
  await measureRounds({
    rounds: stage.quick ? 5 : 9,
    isHeld: () => holds(time()),
    round: async (round) => {
      await empty(stage, controller);
      for (const name of ['berth', 'hostLocal'] as const) results[name].push(await measure(name, round + 1));
    },
  });
  const mean = (name: keyof typeof results, what: keyof Round): number => median(results[name].map((result) => result[what]));
  const row = (name: keyof typeof results): string[] => [
    name === 'berth' ? 'Berth' : 'host-local',
    `${mean(name, 'seconds').toFixed(2)} s`,
    `${mean(name, 'p99').toFixed(0)} ms`,
  ];
  console.log(
    `### Whole plugin processes, ${pods.length} ADDs, ${AT_ONCE} at a time\n\n${table(['', 'total', 'p99'], [row('berth'), row('hostLocal')])}\n`,
  );
  stage.bounds.push(time(), {
    what: 'plugin processes that failed',
    measured: results.berth.reduce((sum, { failures }) => sum + failures, 0),
    most: 0,
  });
}

async function berth(stage: Stage, { port }: Served, nodes: readonly BenchNode[]): Promise<Contestant> {
  const executable = resolve('dist/berth');
  if (!existsSync(executable)) throw new Error(`${executable} is not there: npm run build`);
  const ca = await authorityOf(stage);
  const identityOf = (node: string): string => join(stage.folder, `identity-${node}`);
  for (const { name, token } of nodes) {
    mkdirSync(identityOf(name));
    const files = { token, 'ca.crt': ca, endpoints: `https://127.0.0.1:${port}\n` };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(identityOf(name), file), text, { mode: 0o600 });
  }
  const files = { spoolDir: join(stage.folder, 'spool'), logFile: join(stage.folder, 'berth.log') };
  return { executable, config: (node) => configuration({ type: 'berth', pools: ['bench'], identityDir: identityOf(node), ...files }) };
}

function hostLocal({ folder }: Stage): Contestant {
  const plugins = findMainPlugins('host-local');
  if (plugins === undefined) throw new Error(`host-local is not here to compare with: ${HOW_TO_INSTALL}`);
  const config = configuration({ type: 'host-local', dataDir: join(folder, 'host-local'), ranges: [[{ subnet: '10.88.0.0/16' }]] });
  return { executable: join(plugins, 'host-local'), config: () => config };
}

const configuration = (ipam: object): string => JSON.stringify({ cniVersion: '1.0.0', name: 'bench', type: 'bridge', ipam });

async function allOf(contestant: Contestant, verb: 'ADD' | 'DEL', pods: readonly Pod[], round: number): Promise<Round> {
  const times: number[] = [];
  let failures = 0;
  const started = performance.now();
  await inParallel(pods, AT_ONCE, async (pod) => {
    const begun = performance.now();
    if ((await call(contestant, verb, pod, round)) !== 0) failures++;
    times.push(performance.now() - begun);
  });
  const seconds = (performance.now() - started) / 1_000;
  return { seconds, p99: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!, failures };
}

function call({ executable, config }: Contestant, verb: 'ADD' | 'DEL', { name, uid, node }: Pod, round: number): Promise<number | null> {
  const args = `K8S_POD_NAMESPACE=bench;K8S_POD_NAME=${name};K8S_POD_UID=${uid}`;
  const containerId = `process-${name}-${round}`;
  const env = cniEnvironment({ verb, containerId, netns: '/run/netns/none', ifName: 'eth0', cniPath: ['/'], args });
  return new Promise((done, reject) => {
    const child = spawn(executable, { env, stdio: ['pipe', 'ignore', 'ignore'] });
    child.once('error', reject);
    child.once('exit', (code) => done(code));
    child.stdin.on('error', () => {});
    child.stdin.end(config(node));
  });
}
