/** Nodes with the tokens that say who they are, as their kubelets would have them. */
import { SERVER_NAME } from '../../../src/protocol.ts';
import { installerToken, mintTokenOn } from '../../support/tokens-on.ts';
import type { PostTarget } from '../post.ts';
import { inParallel, NAMESPACE, type Stage } from './stage.ts';

export interface BenchNode {
  readonly name: string;
  readonly bootId: string;
  readonly token: string;
}

/** @param bootId which boot of itself each runs, and its calls say */
export async function makeNodes(
  { workloads, server }: Stage,
  count: number,
  prefix: string,
  bootId: string,
): Promise<readonly BenchNode[]> {
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  const nodes: BenchNode[] = [];
  await inParallel(names, 16, async (name, index) => {
    await workloads.makeBareNode(name, bootId);
    const installer = `installer-${name}`;
    const uid = await workloads.makePod(NAMESPACE, installer, name, {}, { serviceAccountName: 'berth-node' });
    nodes[index] = { name, bootId, token: await mintTokenOn(server.request, installerToken({ name: installer, uid })) };
  });
  return nodes;
}

/** How the node's plugin asks. */
export const asNode = (port: number, ca: string, { token }: BenchNode): PostTarget => ({
  host: '127.0.0.1',
  port,
  ca,
  servername: SERVER_NAME,
  headers: { authorization: `Bearer ${token}` },
});
