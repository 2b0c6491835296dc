/**
 * What the controller can do, as the server calls it: one function an operation. An expected "no" is a refusal
 * in the Outcome; a thrown error is a bug or a dead store (the server answers 500 or 503).
 */
import type { BindingSpec, Family, Resource, ResourceKind } from '../core/binding.ts';
import type { PoolSpec, PoolSpecInput } from '../core/pool-spec.ts';
import type { Outcome } from '../core/refusal.ts';
import type * as protocol from '../protocol.ts';
import type { CheckReport, CniAdd, CniAddAnswer, CniCheck, CniDel, CniGc, CollectReport, PodIdentity } from '../protocol.ts';
import type { Stored } from '../store/store.ts';

/** Who asks, as the listener proved it: by the unix socket's permissions, a token or a client certificate. */
export interface Caller {
  readonly node: string;
  /** The caller went away (connection closed): work not yet written is dropped, written work stays. */
  readonly gone: () => boolean;
}

export interface BindingFilter {
  readonly network?: string;
  readonly pool?: string;
  readonly subinstance?: string;
  readonly subid?: string;
  readonly resource?: { readonly type: ResourceKind; readonly value: string };
  readonly tag?: { readonly key: string; readonly value?: string };
  readonly node?: string;
  readonly address?: string;
  /** `bound` unless said. */
  readonly state?: 'bound' | 'released' | 'all';
}

export interface AllocateRequest {
  readonly pools?: readonly string[];
  readonly subinstance: string;
  readonly subid: string;
  readonly resource: Resource;
  readonly family?: Family;
  readonly slot?: number;
  readonly address?: string;
  readonly leaseSeconds?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** What it would be, and nothing is written; a record that is not there has an empty uid. */
  readonly dryRun?: boolean;
}

export type ReleaseTarget =
  { readonly network?: string; readonly address: string } | { readonly subinstance: string; readonly subid?: string };

export interface PoolCounts {
  readonly total: bigint;
  readonly allocated: bigint;
  readonly reserved: bigint;
  readonly cooling: bigint;
  readonly available: bigint;
}

export interface AddressExplanation {
  readonly address: string;
  readonly network: string;
  readonly state: 'outside' | 'free' | 'held' | 'reserved' | 'cooling' | 'sticky';
  readonly detail: string;
  readonly pool?: string;
  readonly binding?: Stored<BindingSpec>;
  /** Wall clock, milliseconds. */
  readonly availableAt?: number;
}

/** As the wire says it, with the records as the store has them. */
export type PodExplanation = Omit<protocol.PodExplanation, 'bindings'> & { readonly bindings: readonly Stored<BindingSpec>[] };

export type ChangeEvent =
  | { readonly kind: 'binding'; readonly type: 'put' | 'removed'; readonly stored: Stored<BindingSpec> }
  | { readonly kind: 'pool'; readonly type: 'put' | 'removed'; readonly stored: Stored<PoolSpec> };

export interface Operations {
  /** Pools and bindings have been read: nothing is answered before. */
  synced(): boolean;

  add(caller: Caller, request: CniAdd): Promise<Outcome<CniAddAnswer>>;
  /** Releases by attachment and stamp; the unknown is success. */
  del(caller: Caller, request: CniDel): Promise<Outcome<readonly BindingSpec[]>>;
  check(caller: Caller, request: CniCheck): Promise<Outcome<void>>;
  gc(caller: Caller, request: CniGc): Promise<Outcome<readonly BindingSpec[]>>;
  /** A batch of spooled DELs; an entry that fails does not stop the others. */
  spool(caller: Caller, deletes: readonly CniDel[]): Promise<Outcome<readonly BindingSpec[]>>;

  allocate(request: AllocateRequest): Promise<Outcome<Stored<BindingSpec>>>;
  release(target: ReleaseTarget, options?: { readonly dryRun?: boolean }): Promise<Outcome<readonly BindingSpec[]>>;
  renew(network: string, address: string, leaseSeconds: number): Promise<Outcome<Stored<BindingSpec>>>;

  /** In address order; `after` is the name of the last one seen, for paging. */
  bindings(filter: BindingFilter, page?: { readonly limit: number; readonly after?: string }): readonly Stored<BindingSpec>[];
  binding(network: string, address: string): Outcome<Stored<BindingSpec>>;
  explain(network: string, address: string): Outcome<AddressExplanation>;
  /** What an ADD of this pod would find; `pools` as its network configuration names them. Nobody of that name and nothing held: BindingNotFound. */
  explainPod(caller: Caller, pod: PodIdentity, pools?: CniAdd['pools']): Promise<Outcome<PodExplanation>>;

  pools(): readonly Stored<PoolSpec>[];
  pool(name: string): Outcome<Stored<PoolSpec>>;
  counts(pool: string): Outcome<PoolCounts>;
  /** Creates or updates; `version` makes it a compare-and-swap. Shrinking below a binding and overlapping another pool of the network are refused. */
  applyPool(
    name: string,
    spec: PoolSpecInput,
    options?: { readonly version?: string; readonly dryRun?: boolean },
  ): Promise<Outcome<{ readonly stored: Stored<PoolSpec>; readonly change: 'created' | 'updated' | 'unchanged' }>>;
  deletePool(name: string, options?: { readonly force?: boolean; readonly dryRun?: boolean }): Promise<Outcome<Stored<PoolSpec>>>;

  /** The whole store against itself. */
  checkStore(options: { readonly repair: boolean; readonly dryRun: boolean }): Promise<CheckReport>;
  collect(options: { readonly dryRun: boolean; readonly approve: boolean }): Promise<CollectReport>;

  /** Every change of a binding or a pool, in order; the returned function ends it. */
  subscribe(listener: (event: ChangeEvent) => void): () => void;
}
