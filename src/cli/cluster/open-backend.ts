/**
 * A cluster as the commands' backend: reads and writes the custom resources with the rights of the kubeconfig's user.
 * It judges with the engine's own functions over what it reads for the call. What only a controller does is refused
 * with where to ask for it.
 */
import { bindingName } from '../../core/binding-name.ts';
import type { Timers } from '../../core/clock.ts';
import type { Backend } from '../../client/backend.ts';
import { checkStore } from '../../ipam/check-store.ts';
import type { Context } from '../../ipam/context.ts';
import { explainPod } from '../../ipam/explain-pod.ts';
import { explain } from '../../ipam/explain.ts';
import { openCluster } from '../../kubernetes/open-client.ts';
import { openKubernetesStore } from '../../kubernetes/store.ts';
import { toExplanation, toPodExplanation, toPoolStatus } from '../../server/documents.ts';
import { VERSION } from '../../version.ts';
import { LocalError } from '../failure.ts';
import { askLeader } from './ask-leader.ts';
import { clusterBindings } from './bindings.ts';
import { explainingClient, refused } from './explaining-client.ts';
import { findLeader } from './leading.ts';
import { readWorkloadsAround } from './live-workloads.ts';
import { clusterPools } from './pools.ts';
import { reached, take } from './reached.ts';
import { openRecords, type PoolRecord, type Unreadable } from './records.ts';
import { makeSnapshot, silent } from './snapshot.ts';

export interface ClusterChoice {
  readonly kubeconfigFile?: string;
  readonly context?: string;
  readonly timers: Timers;
  /** For each answer. */
  readonly timeoutMilliseconds: number;
  /** That of deploy/rbac unless said. */
  readonly controllersNamespace?: string;
}

export function openClusterBackend({ timers, timeoutMilliseconds, controllersNamespace = 'berth', ...where }: ClusterChoice): Backend {
  const random = (): number => 0.5;
  const cluster = ((): ReturnType<typeof openCluster> => {
    try {
      return openCluster({ ...where, timers, random });
    } catch (error) {
      throw new LocalError(`the kubeconfig cannot be used: ${(error as Error).message}`);
    }
  })();
  const client = explainingClient(cluster.client, timeoutMilliseconds);
  const store = openKubernetesStore({ client, timers, random, log: silent });
  let unreadable: Unreadable[] = [];
  const records = openRecords(client, (object) => unreadable.push(object));
  const judge = (pools: readonly PoolRecord[], bindings: 'all' | 'none'): Promise<Context> =>
    reached(async () => makeSnapshot(store, timers, pools, bindings === 'all' ? await records.bindings({ state: 'all' }) : []));
  const read = async (): Promise<Context> => {
    unreadable = [];
    return judge(await reached(() => records.pools()), 'all');
  };

  return {
    ...clusterPools({ records, judge }),
    ...clusterBindings(records, store, client),
    allocate: () => onlyClaims(),
    renew: () => onlyController('a lease is extended'),
    async stats() {
      const { view } = await read();
      const pools = view.pools().toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return {
        pools: pools.map(({ name, spec: { network, family, state } }) => {
          return { pool: name, network, family, state, ...toPoolStatus(view.ledger.counts(name)) };
        }),
      };
    },
    async explain(network, address) {
      const found = await reached(() => store.bindings.get(bindingName(network, address)));
      const pools = await reached(() => records.pools());
      return toExplanation(take(explain(makeSnapshot(store, timers, pools, found === undefined ? [] : [found]), network, address)));
    },
    async explainPod(namespace, name, pools) {
      const context = await read();
      const workloads = await reached(() => readWorkloadsAround(client, { namespace, name }, context.view.pools()));
      return toPodExplanation(take(await reached(() => explainPod({ ...context, workloads }, { node: '' }, { namespace, name }, pools))));
    },
    /** Nothing of a repair is written: what the store itself has wrong is by hand, or a controller's. */
    async checkStore({ repair = false, dryRun = false }) {
      const context = await read();
      const spoilt = unreadable.map(({ resource, name, why }) => {
        return { code: 'Unreadable', object: name, detail: `${resource}: ${why}; no controller knows of it`, repaired: false };
      });
      const report = await reached(() => checkStore(context, { repair, dryRun }));
      return { ...report, findings: [...spoilt, ...report.findings] };
    },
    collect: (body) => reached(() => askLeader({ client, timers, namespace: controllersNamespace, timeoutMilliseconds }, body)),
    version: () => Promise.resolve({ version: VERSION, store: 'kubernetes' }),
    async readiness() {
      await reached(() => records.pools());
      return reached(() => findLeader(client, timers, controllersNamespace));
    },
    backup: () => onlyController('a database is copied'),
    // oxlint-disable-next-line require-yield
    async *events() {
      throw refused('InvalidRequest', 'changes are followed with "kubectl get addressbindings --watch", or on a controller (--controller)');
    },
    close: () => void cluster.close(),
  };
}

async function onlyClaims(): Promise<never> {
  throw refused(
    'InvalidRequest',
    'in a cluster pods get their addresses by themselves; asking for one without a pod (claims) is not there yet',
  );
}

async function onlyController(what: string): Promise<never> {
  throw refused('InvalidRequest', `${what} on a controller's socket: berthctl --controller unix:///run/berth/berth.sock`);
}
