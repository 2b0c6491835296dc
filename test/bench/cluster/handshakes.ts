/** What a plugin's connection costs the controller: the same ADDs over connections that are kept, and over a fresh one each. */
import { Agent } from 'node:https';
import { holds, measureRounds, table, type Bound } from '../measure.ts';
import { adds, type Pod } from './bodies.ts';
import { secureBlock } from './block.ts';
import { asNode, type BenchNode } from './nodes.ts';
import { authorityOf, cpuSeconds } from './programs.ts';
import { empty, type Served, type Stage } from './stage.ts';

const CALLERS = 32;
const KINDS = ['kept', 'fresh'] as const;

/** @param pods on these nodes, in turn */
export async function handshakes(stage: Stage, controller: Served, nodes: readonly BenchNode[], pods: readonly Pod[]): Promise<void> {
  const ca = await authorityOf(stage);
  const doors = new Map(nodes.map((node) => [node.name, asNode(controller.port!, ca, node)]));
  const agents = {
    kept: new Agent({ keepAlive: true, maxSockets: CALLERS }),
    // Without a session to resume, as from a process that has just begun.
    fresh: new Agent({ keepAlive: false, maxSockets: CALLERS, maxCachedSessions: 0 }),
  };
  const spent = { kept: 0, fresh: 0 };
  const elapsed = { kept: 0, fresh: 0 };
  let calls = 0;
  const run = async (kind: keyof typeof agents, round: number): Promise<void> => {
    const before = cpuSeconds(controller);
    const bodies = adds(pods, `${kind}${round}`, { bootId: nodes[0]!.bootId });
    const { seconds } = await secureBlock(bodies, CALLERS, agents[kind], (index) => doors.get(pods[index]!.node)!);
    spent[kind] += cpuSeconds(controller) - before;
    elapsed[kind] += seconds;
  };
  const dearer = (): Bound => ({
    what: "controller's CPU an ADD: with a fresh handshake to without",
    measured: spent.fresh / spent.kept,
    most: 3,
  });
  await empty(stage, controller);
  for (const kind of KINDS) await run(kind, 0); // warms it, and has the tokens verified
  for (const sums of [spent, elapsed]) Object.assign(sums, { kept: 0, fresh: 0 });
  await measureRounds({
    rounds: stage.quick ? 3 : 5,
    isHeld: () => holds(dearer()),
    round: async (round) => {
      await empty(stage, controller);
      for (const kind of KINDS) await run(kind, round + 1);
      calls += pods.length;
    },
  });
  for (const agent of Object.values(agents)) agent.destroy();
  const each = (seconds: number): string => `${((seconds / calls) * 1e6).toFixed(0)} µs`;
  console.log(
    `### On https, with a node's token\n\n${table(
      [`${CALLERS} callers`, 'connections kept', 'a fresh TLS handshake each'],
      [
        ["controller's CPU an ADD", each(spent.kept), each(spent.fresh)],
        ['ADDs a second', (calls / elapsed.kept).toFixed(0), (calls / elapsed.fresh).toFixed(0)],
      ],
    )}\n`,
  );
  stage.bounds.push(dearer());
}
