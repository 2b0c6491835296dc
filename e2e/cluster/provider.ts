/** What the suites need of a cluster, whoever makes it. */
import { kind } from './kind/kind.ts';
import { PROVIDER } from './layout.ts';
import type { NodeName } from './layout.ts';
import { own } from './own.ts';

export type NodeProgram = 'containerd' | 'kubelet';
export type Log = (line: string) => void;

export interface Provider {
  /** From nothing, whatever an earlier run has left; makes the images meanwhile, and brings them to every machine. */
  up(log: Log, makeImages: () => Promise<string[]>): Promise<void>;
  down(): Promise<void>;
  /** All that run pods' images: the nodes, and the control plane where it is one, too. */
  readonly machines: readonly string[];
  /** Its namespaces are the machine's. Throws when it is off. */
  firstProcessOf(machine: string): Promise<number>;
  /** Where a machine has ctr. */
  readonly ctr: () => string;
  /** Switches a node on that has been on before. */
  startNode(node: NodeName): Promise<void>;
  /** The power goes: everything at once. What is on its disk stays; another start is another boot. */
  stopNode(node: NodeName): Promise<void>;
  startOnNode(node: NodeName, program: NodeProgram): Promise<void>;
  /** Kills it; nothing starts it again. */
  endOnNode(node: NodeName, program: NodeProgram): Promise<void>;
  /** A node cut off from everybody, its pods with it; and back. */
  setUplink(node: NodeName, state: 'up' | 'down'): Promise<void>;
  /** Kills it; it comes back. */
  restartControlPlaneProgram(program: 'etcd' | 'kube-apiserver'): Promise<void>;
  containerdLog(node: NodeName): Promise<string>;
  /** On the node: the manifest of a pod of the kubelet's own. */
  staticPodFile(node: NodeName, name: string): string;
}

const PROVIDERS: Readonly<Record<string, Provider>> = { own, kind };

export const provider: Provider = PROVIDERS[PROVIDER]!;
