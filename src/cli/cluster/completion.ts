/** Names of a cluster for a shell's completion: one page each, and nothing where a right is missing. */
import type { Timers } from '../../core/clock.ts';
import type { Client } from '../../kubernetes/client.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS, NAMESPACES, type KubernetesObject, type ResourceType } from '../../kubernetes/objects.ts';
import { openCluster } from '../../kubernetes/open-client.ts';
import type { AddressBinding, AddressPool } from '../../kubernetes/resources.generated.ts';

export interface NamesWanted {
  readonly kubeconfigFile?: string;
  readonly context?: string;
  readonly timers: Timers;
  readonly deadlineMs: number;
  readonly most: number;
  readonly what: 'pool' | 'subinstance' | 'address';
}

interface Candidate {
  readonly word: string;
  readonly describe: string;
}

export async function namesInCluster({ what, deadlineMs, most, timers, ...where }: NamesWanted): Promise<readonly Candidate[]> {
  const cluster = openCluster({ ...where, timers, random: () => 0.5 });
  try {
    return await find[what](cluster.client, { limit: most }, { deadlineMs });
  } finally {
    void cluster.close();
  }
}

type Find = (client: Client, query: { readonly limit: number }, options: { readonly deadlineMs: number }) => Promise<readonly Candidate[]>;

const find: Readonly<Record<NamesWanted['what'], Find>> = {
  pool: async (...how) => {
    const pools = (await page<AddressPool>(ADDRESS_POOLS, ...how)) ?? [];
    return pools.map(({ metadata, status }) => ({
      word: metadata.name,
      describe: status?.available === undefined ? '' : `${status.available} free`,
    }));
  },
  /** Who may not list namespaces is shown those that hold something. */
  subinstance: async (...how) => {
    const namespaces = (await page(NAMESPACES, ...how))?.map(({ metadata }) => metadata.name);
    const names = namespaces ?? ((await page<AddressBinding>(ADDRESS_BINDINGS, ...how)) ?? []).map(({ spec }) => spec.subinstance);
    return [...new Set(names)].sort().map((word) => ({ word, describe: '' }));
  },
  address: async (client, query, options) => {
    const bound = { ...query, fieldSelector: 'spec.state=Bound' };
    const bindings = (await page<AddressBinding>(ADDRESS_BINDINGS, client, bound, options)) ?? [];
    return bindings.map(({ spec }) => ({ word: spec.address, describe: `${spec.subinstance}/${spec.subid}` }));
  },
};

async function page<T extends KubernetesObject>(
  type: ResourceType,
  ...[client, query, options]: Parameters<Find>
): Promise<readonly T[] | undefined> {
  const answer = await client.list<T>(type, query, options);
  return answer.ok ? answer.value.items : undefined;
}
