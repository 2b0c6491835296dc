/** What a plugin's connection costs the controller: the same ADDs over connections that are kept, and over a fresh one each. */
import { Agent } from 'node:https';
import { table } from '../measure.ts';
import { adds, type Pod } from './bodies.ts';
import { secureBlock } from './block.ts';
import { asNode, type BenchNode } from './nodes.ts';
import { authorityOf, cpuSeconds } from './programs.ts';
import { empty, type Served, type Stage } from './stage.ts';

const CALLERS = 32;

/** @param pods on these nodes, in turn */
export async function handshakes(stage: Stage, controller: Served, nodes: readonly BenchNode[], pods: readonly Pod[]): Promise<void> {
  const ca = await authorityOf(stage);
  const doors = new Map(nodes.map((node) => [node.name, asNode(controller.port!, ca, node)]));
  const agents = {
    kept: new Agent({ keepAlive: true, maxSockets: CALLERS }),
    // Without a session to resume, as from a process that has just begun.
    fresh: new Agent({ keepAlive: false, maxSockets: CALLERS, maxCachedSessions: 0 }),
  };
  const rounds = stage.quick ? 3 : 5;
  const spent = { kept: 0, fresh: 0 };
  const elapsed = { kept: 0, fresh: 0 };
  for (let round = -1; round < rounds; round++) {
    await empty(stage, controller);
    for (const kind of ['kept', 'fresh'] as const) {
      const before = cpuSeconds(controller);
      const bodies = adds(pods, `${kind}${round + 1}`, { bootId: nodes[0]!.bootId });
      const { seconds } = await secureBlock(bodies, CALLERS, agents[kind], (index) => doors.get(pods[index]!.node)!);
      if (round < 0) continue; // warms it, and has the tokens verified
      spent[kind] += cpuSeconds(controller) - before;
      elapsed[kind] += seconds;
    }
  }
  for (const agent of Object.values(agents)) agent.destroy();
  const calls = rounds * pods.length;
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
  stage.bounds.push({ what: "controller's CPU an ADD: with a fresh handshake to without", measured: spent.fresh / spent.kept, most: 3 });
}
