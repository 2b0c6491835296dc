/**
 * `npm run bench:cluster [-- --quick]`: the controller in a cluster, beside a bare relay on the same real API server
 * in the same run, block by block in turn. Ratios are asserted (exit 1 when one is missed), times are shown.
 */
import { resolve } from 'node:path';
// @ts-expect-error plain JavaScript, so that it runs before anything is installed
import { build } from '../../cmd/dev/build.mjs';
import { missingForApiServer } from '../support/api-server.ts';
import { compareWithRelay } from './cluster/beside-relay.ts';
import { Ballast } from './cluster/ballast.ts';
import { Growth } from './cluster/growth.ts';
import { handshakes } from './cluster/handshakes.ts';
import { crowd } from './cluster/crowd.ts';
import { massRestart } from './cluster/mass-restart.ts';
import { makeNodes } from './cluster/nodes.ts';
import { processes } from './cluster/processes.ts';
import { end, startController, startRelay } from './cluster/programs.ts';
import type { Pod } from './cluster/bodies.ts';
import { exactFit, twoReplicas } from './cluster/replicas.ts';
import { Start } from './cluster/start.ts';
import { empty, makePods, makePool, NODE, withStage, type Served, type Stage } from './cluster/stage.ts';
import { holds, table } from './measure.ts';
import { machineBootId } from '../support/machine-boot-id.ts';

process.chdir(resolve(import.meta.dirname, '../..'));
const quick = process.argv.includes('--quick');

async function play(stage: Stage): Promise<void> {
  const pods = await makePods(stage, names('p', quick ? 150 : 400), () => NODE);
  await makePool(stage, 'bench', '10.0.0.0/10');
  const replicas = [await startController(stage, 'a', { https: true }), await startController(stage, 'b')] as const;
  const relay = await startRelay(stage, 'beside');

  await compareWithRelay(stage, replicas[0], relay, pods);
  const nodes = await makeNodes(stage, 8, 'worker', machineBootId());
  const theirs = await makePods(stage, names('w', 150), (index) => nodes[index % nodes.length]!.name);
  await handshakes(stage, replicas[0], nodes, theirs);
  await processes(stage, replicas[0], nodes, theirs);
  await twoReplicas(stage, replicas, pods);
  await exactFit(stage, replicas, pods);
  await end(replicas[1].child);
  await crowd(stage);
  await massRestart(stage);
  await grow(stage, replicas[0], relay, pods);
  report(stage);
}

/** A cluster that fills up: what an ADD takes, and a start. */
async function grow(stage: Stage, controller: Served, relay: Served, pods: readonly Pod[]): Promise<void> {
  await empty(stage, controller);
  const [ballast, growth, start] = [await Ballast.open(stage), new Growth(stage, relay), new Start(stage)];
  await growth.measure(controller, ballast, pods);
  for (const { bindings, adds, starts } of quick ? QUICK_STEPS : STEPS) {
    await ballast.fillTo(bindings, Math.min(bindings, MOST_PODS));
    if (adds) await growth.measure(controller, ballast, pods);
    if (starts) await start.measure(ballast);
  }
  growth.report();
  await start.report();
}

const STEPS = [
  { bindings: 2_000, adds: false, starts: true },
  { bindings: 10_000, adds: true, starts: false },
  { bindings: 20_000, adds: false, starts: true },
  { bindings: 50_000, adds: true, starts: false },
];
const QUICK_STEPS = [
  { bindings: 500, adds: false, starts: true },
  { bindings: 2_000, adds: true, starts: false },
  { bindings: 5_000, adds: false, starts: true },
  { bindings: 10_000, adds: true, starts: false },
];
/** A pod for each of the first bindings. */
const MOST_PODS = quick ? 5_000 : 20_000;

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

function report({ bounds }: Stage): void {
  const rows = bounds.map((bound) => [
    bound.what,
    `${bound.measured.toFixed(2)}${bound.unit ?? ''}`,
    bound.least === undefined ? `at most ${bound.most}` : `at least ${bound.least}`,
    holds(bound) ? 'holds' : '**missed**',
  ]);
  console.log(`### Bounds\n\n${table(['', 'measured', 'bound', ''], rows)}`);
  process.exitCode = bounds.every(holds) ? 0 : 1;
}

const missing = missingForApiServer();
if (missing !== undefined) throw new Error(missing);
await build({ log: console.error });
await withStage(quick, play);
