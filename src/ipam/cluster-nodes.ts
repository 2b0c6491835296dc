/**
 * Boot ids in a cluster: the Node object says which boot the node runs (`status.nodeInfo.bootID`). Of two boot ids the
 * one that a live read shows is newer (LESSONS R). If it shows neither its status is late, and nobody can tell: the call
 * is refused until it shows one. (That the call's is newer is wrong for one that was delayed over two boots.)
 */
import type { Nodes } from './ports.ts';
import type { Workloads } from './workloads.ts';

export function clusterNodes(workloads: Workloads): Nodes {
  return {
    async judgeBoot(name, bootId, held) {
      const cached = workloads.cachedNode(name);
      const node = held === undefined && cached?.bootId === bootId ? cached : await workloads.readNode(name);
      return {
        verdict: held !== undefined && node !== undefined && node.bootId !== '' && node.bootId !== bootId ? 'superseded' : 'current',
        confirmed: node?.bootId === bootId,
        // The collector lets go of what older boots held, once the node is Ready.
        rebooted: false,
        ...(node !== undefined && { nodeUid: node.uid }),
      };
    },
  };
}
