/** Wires the operations to a store and to the world. */
import type { Timers } from '../core/clock.ts';
import type { PoolSpecInput } from '../core/pool-spec.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import { StoreAmbiguous, StoreUnavailable, type Store } from '../store/store.ts';
import { add } from './add.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { allocate, release, renew } from './allocate.ts';
import { checkStore } from './check-store.ts';
import { check } from './check.ts';
import { startBackground, type Cluster } from './background.ts';
import { PodAddresses } from './collector/pod-addresses.ts';
import { Tally, type Collecting } from './collector/tally.ts';
import type { Context } from './context.ts';
import { del, delSpooled } from './del.ts';
import { explainPod } from './explain-pod.ts';
import { explain } from './explain.ts';
import { Flights } from './flights.ts';
import { gc } from './gc.ts';
import { Listings } from './listing.ts';
import { Locks } from './locks.ts';
import type { Operations } from './operations.ts';
import { applyPool, deletePool } from './pools.ts';
import type { Log, Nodes } from './ports.ts';
import { releaseCondemned } from './release-condemned.ts';
import { Tombstones } from './tombstones.ts';
import { View } from './view.ts';

export interface Ports {
  readonly store: Store;
  readonly nodes: Nodes;
  readonly timers: Timers;
  readonly log: Log;
  /** Absent outside a cluster. */
  readonly cluster?: Cluster;
  readonly admission?: AdmissionLimits;
}

export interface Ipam extends Operations {
  /** Resolves once pools and bindings have been read. */
  whenSynced(): Promise<void>;
  /** How many calls wait at the door. */
  waiting(): { readonly add: number; readonly del: number };
  /** What the collector did and waits for, for metrics. */
  collecting(): Collecting;
  /** Ends watches and timers; calls under way finish. */
  close(): Promise<void>;
}

/** One machine: whoever reaches the socket may ask for an address; a cluster says Forbidden. */
const EMBEDDED_DEFAULTS: Partial<PoolSpecInput> = { requestedAddresses: 'Allowed' };

const ADMISSION: AdmissionLimits = { atWork: 256, waiting: 4096 };

export function openIpam(ports: Ports): Ipam {
  const view = new View(ports.timers);
  const podAddresses = ports.cluster && new PodAddresses();
  let closed = false;
  const context: Context = {
    store: ports.store,
    nodes: ports.nodes,
    ...(ports.cluster && { workloads: ports.cluster.workloads }),
    ...(podAddresses && { podAddresses }),
    timers: ports.timers,
    log: ports.log,
    view,
    locks: new Locks(),
    flights: new Flights(),
    tombstones: new Tombstones(ports.timers),
    tally: new Tally(ports.timers),
    synced: () => view.synced() && (ports.cluster?.workloads.synced() ?? true),
    closed: () => closed,
    poolDefaults: ports.cluster === undefined ? EMBEDDED_DEFAULTS : {},
  };
  const admission = new Admission(ports.admission ?? ADMISSION);
  const listings = new Listings(view);
  const stops = [view.follow(ports.store), releaseCondemned(context)];
  if (ports.cluster !== undefined && podAddresses !== undefined) stops.push(podAddresses.follow(ports.cluster.workloads));
  const background = startBackground(context, ports.cluster, podAddresses);
  stops.push(background.stop);

  /** Nothing is answered before everything was read (LESSONS 9); a store that cannot be asked is a refusal. */
  const guard = async <T>(work: () => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    if (!context.synced()) return refuse('Unavailable', 'the controller is still reading its store', { retryAfterSeconds: 1 });
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !(error instanceof StoreAmbiguous)) throw error;
      ports.log.error({ error }, 'store unavailable');
      return refuse('Unavailable', error.message, { retryAfterSeconds: 1 });
    }
  };

  return {
    synced: context.synced,
    whenSynced: () => view.whenSynced(),
    waiting: () => admission.waiting(),
    collecting: () => context.tally.read(),
    add: (caller, request) => admission.run('add', caller.gone, () => guard(() => add(context, caller, request))),
    del: (caller, request) => admission.run('del', caller.gone, () => guard(() => del(context, caller, request))),
    check: (caller, request) => guard(() => check(context, caller, request)),
    gc: (caller, request) => guard(() => gc(context, caller, request)),
    spool: (caller, deletes) => admission.run('del', caller.gone, () => guard(() => delSpooled(context, caller, deletes))),
    allocate: (request) => guard(() => allocate(context, request)),
    release: (target, options) => guard(() => release(context, target, options?.dryRun ?? false)),
    renew: (network, address, leaseSeconds) => guard(() => renew(context, network, address, leaseSeconds)),
    bindings: (filter, page) => listings.list(filter, page),
    binding: (network, address) => {
      const found = listings.list({ network, address, state: 'all' })[0];
      return found === undefined
        ? refuse('BindingNotFound', `there is no record of ${address} in network ${network}`, { address })
        : done(found);
    },
    explain: (network, address) => explain(context, network, address),
    explainPod: (caller, pod, pools) => guard(() => explainPod(context, caller, pod, pools)),
    pools: () => view.pools().toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    pool: (name) => {
      const pool = view.pool(name);
      return pool === undefined ? refuse('UnknownPool', `there is no pool "${name}"`) : done(pool);
    },
    counts: (name) =>
      view.pool(name) === undefined ? refuse('UnknownPool', `there is no pool "${name}"`) : done(view.ledger.counts(name)),
    applyPool: (name, spec, options) => guard(() => applyPool(context, name, spec, options ?? {})),
    deletePool: (name, options) => guard(() => deletePool(context, name, options ?? {})),
    checkStore: (options) => checkStore(context, options),
    collect: (options) => background.collect(options),
    subscribe: (listener) => view.subscribe(listener),
    close: async () => {
      closed = true;
      for (const stop of stops) stop();
    },
  };
}
