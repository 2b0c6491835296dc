/** Wires the operations to a store and to the world. */
import type { Timers } from '../core/clock.ts';
import type { Store } from '../store/store.ts';
import type { Operations } from './operations.ts';
import type { Log, Nodes } from './ports.ts';

export interface Ports {
  readonly store: Store;
  readonly nodes: Nodes;
  readonly timers: Timers;
  readonly log: Log;
}

export interface Ipam extends Operations {
  /** Ends watches and timers; calls under way finish. */
  close(): Promise<void>;
}

export function openIpam(_ports: Ports): Ipam {
  throw new Error('not there yet');
}
