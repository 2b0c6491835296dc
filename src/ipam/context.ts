/** What every operation works with. Made once in open.ts. */
import type { Timers } from '../core/clock.ts';
import type { PoolSpecInput } from '../core/pool-spec.ts';
import type { Store } from '../store/store.ts';
import type { PodAddresses } from './collector/pod-addresses.ts';
import type { Tally } from './collector/tally.ts';
import type { Flights } from './flights.ts';
import type { Locks } from './locks.ts';
import type { Log, Nodes } from './ports.ts';
import type { Tombstones } from './tombstones.ts';
import type { View } from './view.ts';
import type { Workloads } from './workloads.ts';

export interface Context {
  readonly store: Store;
  readonly nodes: Nodes;
  /** Absent outside a cluster. */
  readonly workloads?: Workloads;
  /** What live pods have by their status; absent outside a cluster. */
  readonly podAddresses?: PodAddresses;
  readonly timers: Timers;
  readonly log: Log;
  readonly view: View;
  readonly locks: Locks;
  readonly flights: Flights;
  readonly tombstones: Tombstones;
  readonly tally: Tally;
  /** Everything was read: before that nothing is given, and nothing let go (LESSONS 9). */
  readonly synced: () => boolean;
  /** The controller is stopping: what is tried again and again ends. */
  readonly closed: () => boolean;
  /** What a pool's document leaves out and this kind of installation answers differently. */
  readonly poolDefaults: Partial<PoolSpecInput>;
}
