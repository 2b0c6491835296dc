/**
 * The Store port on an API server: pools and bindings as custom resources (DESIGN section 5). Create-if-absent by name
 * and compare-and-swap on uid and resourceVersion are etcd's; reads are consistent, never from a server's cache.
 */
import type { Timers } from '../core/clock.ts';
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import type { Log } from '../ipam/ports.ts';
import type { Store } from '../store/store.ts';
import type { Client } from './client.ts';
import { KubernetesCollection } from './collection.ts';
import { bindingResource, poolResource } from './resources.ts';

export interface KubernetesStoreOptions {
  readonly client: Client;
  readonly timers: Timers;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Log;
}

export interface KubernetesStore extends Store {
  /** Seconds since the API server was last heard, per resource: "addressbindings", "addresspools". */
  staleSeconds(): Readonly<Record<string, number>>;
}

export function openKubernetesStore(world: KubernetesStoreOptions): KubernetesStore {
  // Bindings are written by controllers alone (an admission policy sees to it), so a replace may be the whole object.
  const collections = {
    bindings: new KubernetesCollection<BindingSpec>({ ...world, conversion: bindingResource, keepsMetadata: false }),
    pools: new KubernetesCollection<PoolSpec>({ ...world, conversion: poolResource, keepsMetadata: true }),
  };
  return {
    ...collections,
    staleSeconds: () => ({
      addressbindings: collections.bindings.staleSeconds(),
      addresspools: collections.pools.staleSeconds(),
    }),
    close: async () => {
      collections.bindings.close();
      collections.pools.close();
    },
  };
}
