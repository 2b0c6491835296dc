/** Wires the operations to a store and to the world, and keeps what runs by itself: following the store, collecting, sweeping. */
import type { Timers } from '../core/clock.ts';
import type { PoolSpecInput } from '../core/pool-spec.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import { StoreAmbiguous, StoreUnavailable, type Store } from '../store/store.ts';
import { add } from './add.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { allocate, release, renew } from './allocate.ts';
import { checkStore } from './check-store.ts';
import { check } from './check.ts';
import { collect, sweep } from './collect.ts';
import type { Context } from './context.ts';
import { del, delSpooled } from './del.ts';
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
import type { Workloads } from './workloads.ts';

export interface Ports {
  readonly store: Store;
  readonly nodes: Nodes;
  readonly timers: Timers;
  readonly log: Log;
  /** Pods, nodes and namespaces; absent outside a cluster. */
  readonly workloads?: Workloads;
  readonly poolDefaults?: Partial<PoolSpecInput>;
  readonly admission?: AdmissionLimits;
}

export interface Ipam extends Operations {
  /** Resolves once pools and bindings have been read. */
  whenSynced(): Promise<void>;
  /** How many calls wait at the door. */
  waiting(): { readonly add: number; readonly del: number };
  /** Ends watches and timers; calls under way finish. */
  close(): Promise<void>;
}

/** One machine: whoever reaches the socket may ask for an address; a cluster says Forbidden. */
const EMBEDDED_DEFAULTS: Partial<PoolSpecInput> = { requestedAddresses: 'Allowed' };

const ADMISSION: AdmissionLimits = { atWork: 256, waiting: 4096 };
const COLLECT_EVERY_MS = 10_000;
const SWEEP_EVERY_MS = 1_000;
/** Deletions share durable commits with the calls beside them; few at a time keep those short. */
const SWEPT_AT_ONCE = 64;

export function openIpam(ports: Ports): Ipam {
  const view = new View(ports.timers);
  let closed = false;
  const context: Context = {
    store: ports.store,
    nodes: ports.nodes,
    ...(ports.workloads && { workloads: ports.workloads }),
    timers: ports.timers,
    log: ports.log,
    view,
    locks: new Locks(),
    flights: new Flights(),
    tombstones: new Tombstones(ports.timers),
    closed: () => closed,
    poolDefaults: ports.poolDefaults ?? EMBEDDED_DEFAULTS,
  };
  const admission = new Admission(ports.admission ?? ADMISSION);
  const listings = new Listings(view);
  const stops = [view.follow(ports.store), releaseCondemned(context)];
  void view.whenSynced().then(() => {
    // At once: if this machine has booted since, what it held then is not held any more.
    void collect(context, { dryRun: false }).catch((error: unknown) => ports.log.warn({ error }, 'a background pass failed'));
    stops.push(every(context, COLLECT_EVERY_MS, () => collect(context, { dryRun: false })));
    stops.push(every(context, SWEEP_EVERY_MS, () => sweep(context, SWEPT_AT_ONCE)));
  });

  /** Nothing is answered before everything was read (LESSONS 9); a store that cannot be asked is a refusal. */
  const guard = async <T>(work: () => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    if (!view.synced()) return refuse('Unavailable', 'the controller is still reading its store', { retryAfterSeconds: 1 });
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !(error instanceof StoreAmbiguous)) throw error;
      ports.log.error({ error }, 'store unavailable');
      return refuse('Unavailable', error.message, { retryAfterSeconds: 1 });
    }
  };

  return {
    synced: () => view.synced(),
    whenSynced: () => view.whenSynced(),
    waiting: () => admission.waiting(),
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
    collect: (options) => collect(context, options),
    subscribe: (listener) => view.subscribe(listener),
    close: async () => {
      closed = true;
      for (const stop of stops) stop();
    },
  };
}

/** Runs again and again, one pass after the other; a pass that fails is logged and tried again. */
function every(context: Context, milliseconds: number, pass: () => Promise<unknown>): () => void {
  let cancel = (): void => undefined;
  let stopped = false;
  const next = (): void => {
    cancel = context.timers.after(milliseconds, () => {
      void pass()
        .catch((error: unknown) => context.log.warn({ error }, 'a background pass failed'))
        .then(() => {
          if (!stopped) next();
        });
    });
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}
