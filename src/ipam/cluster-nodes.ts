/**
 * Boot ids in a cluster: the Node object says which boot the node runs (`status.nodeInfo.bootID`), and a live read decides
 * (LESSONS R). A call of another boot is of one that is over, or of one that the kubelet has yet to report: nobody can
 * tell, so it is refused until the Node shows its boot, which takes seconds. Nothing is recorded for a boot that was
 * never shown, so a call that was delayed over a boot meets no record that it could take for its own.
 */
import type { Nodes } from './ports.ts';
import type { Workloads } from './workloads.ts';

export function clusterNodes(workloads: Workloads): Nodes {
  return {
    async judgeBoot(name, bootId, held) {
      const cached = workloads.cachedNode(name);
      const node = held === undefined && cached?.bootId === bootId ? cached : await workloads.readNode(name);
      // A kubelet that cannot read the boot id shows none, and none is ever over there.
      const isShown = node !== undefined && (node.bootId === bootId || node.bootId === '');
      return {
        verdict: isShown ? 'current' : 'not shown',
        // The collector lets go of what older boots held, once the node is Ready.
        rebooted: false,
        ...(node !== undefined && { nodeUid: node.uid }),
      };
    },
  };
}
