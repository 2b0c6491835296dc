/** A block of calls by so many callers, each with a connection of its own. */
import { Agent } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import { post, type PostTarget } from '../post.ts';
import { inParallel, type Served } from './stage.ts';

export interface Block {
  readonly length: number;
  readonly seconds: number;
  readonly milliseconds: readonly number[];
}

/** One that is refused ends the benchmark. */
export function block({ socket }: Served, bodies: readonly object[], callers: number): Promise<Block> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  return run(bodies, callers, () => ({ socketPath: socket, agent })).finally(() => agent.destroy());
}

/** The same on https, over connections of the agent. @param target whose token the body of that index is sent with */
export function secureBlock(
  bodies: readonly object[],
  callers: number,
  agent: TlsAgent,
  target: (index: number) => PostTarget,
): Promise<Block> {
  return run(bodies, callers, (index) => ({ ...target(index), agent }));
}

async function run(bodies: readonly object[], callers: number, target: (index: number) => PostTarget): Promise<Block> {
  const milliseconds: number[] = [];
  const started = performance.now();
  await inParallel(bodies, callers, async (body, index) => {
    const before = performance.now();
    await post(target(index), '/v1/cni/add', body);
    milliseconds.push(performance.now() - before);
  });
  return { length: bodies.length, seconds: (performance.now() - started) / 1_000, milliseconds };
}
