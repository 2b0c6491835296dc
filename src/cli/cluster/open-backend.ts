/**
 * A cluster as the commands' backend: reads and writes the custom resources with the rights of the kubeconfig's user.
 * It judges with the engine's own functions over a listing made for the call. What only a controller does is refused
 * with where to ask for it.
 */
import { bindingName } from '../../core/binding-name.ts';
import { canonicalAddress } from '../../core/address.ts';
import type { BindingSpec } from '../../core/binding.ts';
import type { Timers } from '../../core/clock.ts';
import type { Outcome } from '../../core/refusal.ts';
import type { Backend } from '../../client/backend.ts';
import type { BindingQuery } from '../../client/client.ts';
import { RefusedError, UnreachableError } from '../../client/errors.ts';
import { checkStore } from '../../ipam/check-store.ts';
import type { Context } from '../../ipam/context.ts';
import { explainPod } from '../../ipam/explain-pod.ts';
import { explain } from '../../ipam/explain.ts';
import { Listings } from '../../ipam/listing.ts';
import type { BindingFilter } from '../../ipam/operations.ts';
import { applyPool, deletePool } from '../../ipam/pools.ts';
import { openCluster } from '../../kubernetes/open-client.ts';
import { ApiUnreachable } from '../../kubernetes/status.ts';
import { openKubernetesStore } from '../../kubernetes/store.ts';
import type { Release } from '../../protocol.ts';
import {
  toBindingDocument,
  toBindingFilter,
  toExplanation,
  toPodExplanation,
  toPoolDocument,
  toPoolStatus,
  toReleased,
} from '../../server/documents.ts';
import { toProblem } from '../../server/problem.ts';
import { StoreAmbiguous, StoreUnavailable, type Stored } from '../../store/store.ts';
import { VERSION } from '../../version.ts';
import { LocalError } from '../failure.ts';
import { askLeader } from './ask-leader.ts';
import { explainingClient, refused } from './explaining-client.ts';
import { readWorkloadsAround } from './live-workloads.ts';
import { readSnapshot, silent } from './snapshot.ts';

export interface ClusterChoice {
  readonly kubeconfigFile?: string;
  readonly context?: string;
  readonly timers: Timers;
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
  const client = explainingClient(cluster.client);
  const store = openKubernetesStore({ client, timers, random, log: silent });
  const read = (): Promise<Context> => reached(() => readSnapshot(store, timers));
  const poolOf = ({ view }: Context, pool: Parameters<typeof toPoolDocument>[0]) =>
    toPoolDocument(pool, view.pool(pool.name) && view.ledger.counts(pool.name));
  const sorted = ({ view }: Context) => view.pools().toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const list = async (query: BindingQuery) => new Listings((await read()).view).list(toBindingFilter(query)).map(toBindingDocument);

  return {
    async listPools() {
      const context = await read();
      return { items: sorted(context).map((pool) => poolOf(context, pool)) };
    },
    async getPool(name) {
      const context = await read();
      const pool = context.view.pool(name);
      if (pool === undefined) throw refused('UnknownPool', `there is no pool "${name}"`);
      return poolOf(context, pool);
    },
    async applyPool({ metadata, spec }, { dryRun = false } = {}) {
      const context = await read();
      const version = metadata.resourceVersion;
      const options = { dryRun, ...(version !== undefined && { version }) };
      const { stored, change } = take(await reached(() => applyPool(context, metadata.name, spec, options)));
      return { pool: poolOf(context, stored), change };
    },
    async deletePool(name, { force = false, dryRun = false } = {}) {
      const context = await read();
      return toPoolDocument(take(await reached(() => deletePool(context, name, { force, dryRun }))));
    },
    listBindings: async (query, { limit } = {}) => ({ items: (await list(query)).slice(0, limit) }),
    async *eachBinding(query) {
      yield* await list(query);
    },
    async getBinding(network, address) {
      const found = await reached(() => store.bindings.get(bindingName(network, address)));
      if (found === undefined) throw refused('BindingNotFound', `there is no record of ${address} in network ${network}`);
      return toBindingDocument(found);
    },
    allocate: () => onlyClaims(),
    async release(body) {
      const context = await read();
      const targets = new Listings(context.view).list(toTarget(body));
      if (targets.length === 0 && body.address !== undefined) throw refused('BindingNotFound', `nobody holds ${body.address}`);
      const inSeveral = new Set(targets.map(({ spec }) => spec.network));
      if (body.address !== undefined && inSeveral.size > 1)
        throw refused(
          'InvalidRequest',
          `${body.address} is held in several networks: ${[...inSeveral].join(', ')}; say which with --network`,
        );
      const released: BindingSpec[] = [];
      for (const target of targets) if (body.dryRun === true || (await remove(target))) released.push(target.spec);
      return toReleased(released);
    },
    renew: () => onlyController('a lease is extended'),
    async stats() {
      const { view, ...rest } = await read();
      return {
        pools: sorted({ view, ...rest }).map(({ name, spec }) => {
          const { network, family, state } = spec;
          return { pool: name, network, family, state, ...toPoolStatus(view.ledger.counts(name)) };
        }),
      };
    },
    explain: async (network, address) => toExplanation(take(explain(await read(), network, address))),
    async explainPod(namespace, name, pools) {
      const context = await read();
      const workloads = await reached(() => readWorkloadsAround(client, { namespace, name }, context.view.pools()));
      return toPodExplanation(take(await reached(() => explainPod({ ...context, workloads }, { node: '' }, { namespace, name }, pools))));
    },
    async checkStore({ repair = false, dryRun = false }) {
      if (repair && !dryRun) return onlyController('a repair is made');
      const context = await read();
      return reached(() => checkStore(context, { repair, dryRun: true }));
    },
    collect: (body) => reached(() => askLeader({ client, timers, namespace: controllersNamespace, timeoutMilliseconds }, body)),
    version: () => Promise.resolve({ version: VERSION, store: 'kubernetes' }),
    async readiness() {
      await read();
      return { ready: true, detail: '' };
    },
    backup: () => onlyController('a database is copied'),
    // oxlint-disable-next-line require-yield
    async *events() {
      throw refused('InvalidRequest', 'changes are followed with "kubectl get addressbindings --watch", or on a controller (--controller)');
    },
    close: () => void cluster.close(),
  };

  /** Exactly the version that was shown; false: somebody else has deleted it. */
  async function remove(target: Stored<BindingSpec>): Promise<boolean> {
    const written = await reached(() => store.bindings.remove(target));
    if (!written.ok && written.conflict !== 'Gone')
      throw refused('Conflict', `the record of ${target.spec.address} was changed meanwhile; look again`);
    return written.ok;
  }
}

/** What the store says when the API server is away, as the commands know it. */
async function reached<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreAmbiguous) throw new UnreachableError('cut', error.message, true);
    if (error instanceof ApiUnreachable) throw new UnreachableError('cut', error.message, error.sent);
    if (error instanceof StoreUnavailable) throw new UnreachableError('cut', error.message);
    throw error;
  }
}

function take<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new RefusedError(toProblem(outcome.refusal));
  return outcome.value;
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

function toTarget({ network, address, subinstance, subid }: Release): BindingFilter {
  return {
    ...(network !== undefined && { network }),
    ...(address !== undefined && { address: canonicalAddress(address) ?? address }),
    ...(subinstance !== undefined && { subinstance }),
    ...(subid !== undefined && { subid }),
  };
}
