/** The store that --store names, with what the server wants of it. */
import type { ServerResponse } from 'node:http';
import type { Cluster } from '../../src/ipam/background.ts';
import type { Ipam } from '../../src/ipam/open.ts';
import type { Log, Nodes } from '../../src/ipam/ports.ts';
import type { Identity } from '../../src/server/server.ts';
import type { StoreCounters } from '../../src/server/metrics.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { explainFailure } from './explain-failure.ts';
import type { StoreChoice } from './flags.ts';
import { openClusterStore } from './open-cluster-store.ts';
import { MemoryNodes } from './memory-nodes.ts';

export interface OpenedStore {
  readonly kind: StoreChoice['kind'];
  readonly store: Store;
  readonly nodes: Nodes;
  readonly counters?: () => StoreCounters;
  readonly backup?: (response: ServerResponse) => Promise<void>;
  /** Absent outside a cluster. */
  readonly cluster?: Cluster;
  /** Says in the pools' own objects how full they are, until the returned function is called; in a cluster. */
  readonly keepStatus?: (ipam: Ipam) => () => void;
  /** Seconds since the API server was last heard, per resource; in a cluster. */
  readonly staleSeconds?: () => Readonly<Record<string, number>>;
  /** How nodes and controllers of a cluster know each other, where the https listener needs it. */
  readonly openIdentity?: () => Identity & { stop(): Promise<void> };
  close(): Promise<void>;
}

/** `bootId` is empty where the machine has none to tell. Throws StartFailure. */
export function openStore(choice: StoreChoice, local: { readonly node: string; readonly bootId: string }, log: Log): OpenedStore {
  if (choice.kind === 'kubernetes') return openClusterStore(choice, log);
  const bootId = local.bootId === '' ? undefined : local.bootId;
  if (choice.kind === 'memory') {
    const store = createMemoryStore();
    return { kind: 'memory', store, nodes: new MemoryNodes(local.node, bootId), close: () => store.close() };
  }
  try {
    const sqlite = openSqliteStore(choice.path, { localNode: { name: local.node, bootId } });
    return {
      kind: 'sqlite',
      store: sqlite.store,
      nodes: sqlite.nodes,
      counters: () => sqlite.counters,
      close: () => sqlite.store.close(),
      backup: async (response) => void (await sqlite.streamBackup(response)),
    };
  } catch (error) {
    throw explainFailure(`open --store sqlite:${choice.path}`, error);
  }
}
