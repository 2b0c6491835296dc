/** Pools and bindings in the engine's own view: what a controller answers from its watches, read once. */
import type { BindingSpec } from '../../core/binding.ts';
import type { Timers } from '../../core/clock.ts';
import type { PoolSpec } from '../../core/pool-spec.ts';
import { Tally } from '../../ipam/collector/tally.ts';
import type { Context } from '../../ipam/context.ts';
import { Flights } from '../../ipam/flights.ts';
import { Locks } from '../../ipam/locks.ts';
import type { Log } from '../../ipam/ports.ts';
import { Tombstones } from '../../ipam/tombstones.ts';
import { View } from '../../ipam/view.ts';
import type { Store, Stored } from '../../store/store.ts';

export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export function makeSnapshot(
  store: Store,
  timers: Timers,
  pools: readonly Stored<PoolSpec>[],
  bindings: readonly Stored<BindingSpec>[],
): Context {
  const view = new View(timers);
  // Pools first: a record that arrives before its pool is indexed twice.
  for (const pool of pools) view.wrotePool(pool);
  for (const binding of bindings) view.wrote(binding);
  return {
    store,
    nodes: { judgeBoot: () => Promise.resolve({ verdict: 'current', rebooted: false }) },
    timers,
    log: silent,
    view,
    locks: new Locks(),
    flights: new Flights(),
    tombstones: new Tombstones(timers),
    tally: new Tally(timers),
    synced: () => true,
    closed: () => false,
    poolDefaults: {},
  };
}
