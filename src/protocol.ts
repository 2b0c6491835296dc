/**
 * The wire between plugin, CLI and controller: JSON bodies of the routes below. Types only; each side checks what
 * it reads (the server with zod, the plugin with plain guards), because the other side may be of another version.
 *
 *   POST /v1/cni/add     CniAdd    → CniAddAnswer
 *   POST /v1/cni/del     CniDel    → Released
 *   POST /v1/cni/check   CniCheck  → {}
 *   POST /v1/cni/gc      CniGc     → Released
 *   POST /v1/cni/spool   Spool     → Released            a batch of DELs; every entry is applied or was already
 *   GET  /v1/pools → List<AddressPool>        GET|PUT|DELETE /v1/pools/NAME  (PUT with metadata.resourceVersion is compare-and-swap;
 *                                             DELETE ?force=true for a pool with bindings; PUT and DELETE take ?dryRun=true;
 *                                             all answer AddressPool, PUT with the header `berth-change: created | updated | unchanged`)
 *   GET  /v1/bindings?network&pool&subinstance&subid&resource=type:value&tag=k[=v]&node&address&state=bound|released|all&limit&continue
 *                        → List<AddressBinding>          GET /v1/bindings/NETWORK/ADDRESS
 *   POST /v1/allocate    Allocate  → AddressBinding      idempotent per (subinstance, subid, slot, family)
 *   POST /v1/release     Release   → Released            takes dryRun in the body
 *   POST /v1/renew       Renew     → AddressBinding
 *   GET  /v1/stats       → Stats                         GET /v1/explain/NETWORK/ADDRESS → Explanation
 *   GET  /v1/explain-pod/NAMESPACE/NAME?pools=a,b        → PodExplanation
 *   POST /v1/check       CheckStore → CheckReport        POST /v1/collect Collect → CollectReport
 *   GET  /v1/events      server-sent events, `event:` put | removed, `data:` AddressBinding or AddressPool
 *   GET  /v1/backup      → the database as a file (application/vnd.sqlite3), where the store has one; the caller writes it, with its own rights
 *   GET  /v1/version     → VersionAnswer                 /openapi.json /metrics /livez /readyz
 *
 * A refusal is `application/problem+json` (RFC 9457): Problem.
 */
import type { Attachment, Resource, ResourceKind } from './core/binding.ts';
import type { Dns, PoolSpecInput, Route } from './core/pool-spec.ts';
import type { PoolReason, RefusalReason } from './core/refusal.ts';
import type { Stamp } from './core/stamp.ts';

/** The only name that the plugin accepts in the controller's certificate, whatever its address: it uses no DNS. */
export const SERVER_NAME = 'berth-controller.berth.svc';

export type { Attachment, Dns, PoolReason, PoolSpecInput, RefusalReason, Resource, ResourceKind, Route, Stamp };

export const API_VERSION = 'berth-ipam.dev/v1alpha1';

/** Which attachment a call is about. */
export interface CniKey {
  readonly cniVersion: string;
  readonly cniNetwork: string;
  readonly containerId: string;
  readonly ifName: string;
  readonly stamp: Stamp;
}

/** From CNI_ARGS (K8S_POD_*); the uid is absent where the runtime does not say. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}

export interface CniAdd extends CniKey {
  readonly pod?: PodIdentity;
  /** Pool names: of a family each further one is overflow; a nested list asks for several addresses of a family. */
  readonly pools?: readonly (string | readonly string[])[];
  /** Only these families; both that the pools offer, unless said. */
  readonly families?: readonly ('IPv4' | 'IPv6')[];
  /** Addresses asked for, with or without a prefix length. */
  readonly requested?: readonly string[];
}

export interface CniAddress {
  /** With the subnet's prefix length: "10.0.0.5/24". */
  readonly address: string;
  readonly gateway?: string;
  readonly pool: string;
}

export interface CniAddAnswer {
  readonly addresses: readonly CniAddress[];
  readonly routes: readonly Route[];
  readonly dns?: Dns;
}

export interface CniDel extends CniKey {
  /** prevResult's addresses: a hint where to look, never what to release. */
  readonly prevAddresses?: readonly string[];
}

export interface CniCheck extends CniKey {
  readonly pod?: PodIdentity;
  readonly prevAddresses?: readonly string[];
}

export interface CniGc {
  readonly cniVersion: string;
  readonly cniNetwork: string;
  readonly stamp: Stamp;
  readonly validAttachments: readonly { readonly containerId: string; readonly ifName: string }[];
  readonly gcMinAgeSeconds: number;
}

export interface Spool {
  readonly deletes: readonly CniDel[];
}

export interface Released {
  readonly released: readonly {
    readonly address: string;
    readonly network: string;
    readonly pool: string;
    readonly subinstance: string;
    readonly subid: string;
  }[];
}

export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** The CNI error code (DESIGN section 10). */
  readonly code: number;
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly address?: string;
  readonly holder?: string;
  readonly pools?: readonly PoolReason[];
  readonly retryAfterSeconds?: number;
}

export interface Metadata {
  readonly name: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** In a cluster: grows with the spec only, where the version grows with the status too. */
  readonly generation?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Counts are decimal text: a /48 has more addresses than a JSON number can count. */
export interface PoolStatus {
  readonly total: string;
  readonly allocated: string;
  readonly reserved: string;
  readonly cooling: string;
  readonly available: string;
}

export interface AddressPool {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'AddressPool';
  readonly metadata: Metadata;
  readonly spec: PoolSpecInput;
  readonly status?: PoolStatus;
}

/** BindingSpec with times as RFC 3339 text. */
export interface AddressBinding {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'AddressBinding';
  readonly metadata: Metadata;
  readonly spec: {
    readonly address: string;
    readonly pool: string;
    readonly network: string;
    readonly subinstance: string;
    readonly subid: string;
    readonly slot: number;
    readonly resource: Resource;
    readonly attachments: readonly Attachment[];
    readonly tags?: Readonly<Record<string, string>>;
    readonly boundAt: string;
    readonly expiresAt?: string;
    readonly releasedAt?: string;
    readonly releasedBy?: Stamp;
    readonly cooldownSeconds: number;
    readonly stickySeconds: number;
  };
}

export interface List<T> {
  readonly items: readonly T[];
  readonly continue?: string;
}

export interface Allocate {
  /** Tried in order; the default pools, by priority, when absent. */
  readonly pools?: readonly string[];
  readonly subinstance: string;
  readonly subid: string;
  readonly resource: Resource;
  readonly family?: 'IPv4' | 'IPv6';
  readonly slot?: number;
  readonly address?: string;
  readonly leaseSeconds?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** What it would be: nothing is bound, and the next call may find another. A binding that is not there has an empty uid. */
  readonly dryRun?: boolean;
}

/** Exactly one of address, or subinstance (with or without subid). */
export interface Release {
  readonly network?: string;
  readonly address?: string;
  readonly subinstance?: string;
  readonly subid?: string;
  readonly dryRun?: boolean;
}

export interface Renew {
  readonly network?: string;
  readonly address: string;
  readonly leaseSeconds: number;
}

export interface Stats {
  readonly pools: readonly ({
    readonly pool: string;
    readonly network: string;
    readonly family: 'IPv4' | 'IPv6';
    readonly state: string;
  } & PoolStatus)[];
}

export interface Explanation {
  readonly address: string;
  readonly network: string;
  readonly state: 'outside' | 'free' | 'held' | 'reserved' | 'cooling' | 'sticky';
  /** One sentence for a person. */
  readonly detail: string;
  readonly pool?: string;
  /** The record, bound or released: who has it or had it last. */
  readonly binding?: AddressBinding;
  readonly availableAt?: string;
}

/** What an ADD of the pod would find. */
export interface PodExplanation {
  readonly namespace: string;
  readonly name: string;
  /** gives: it holds nothing, and would get its addresses. gone: records are in the name of a pod that is not there. */
  readonly state: 'holds' | 'gives' | 'refuses' | 'gone';
  /** One sentence for a person. */
  readonly detail: string;
  readonly uid?: string;
  readonly node?: string;
  readonly asks: {
    readonly pools: readonly (string | readonly string[])[];
    /** Who named the pools: the network configuration, or an annotation of the pod or its namespace. */
    readonly by?: 'configuration' | 'pod' | 'namespace';
    readonly addresses: readonly string[];
  };
  readonly bindings: readonly AddressBinding[];
  /** Those that are tried, in order, then the others by name. */
  readonly pools: readonly PodPool[];
}

export interface PodPool {
  readonly pool: string;
  readonly family: 'IPv4' | 'IPv6';
  /** From 1: when it is tried. Absent: it is not, and `detail` says why. */
  readonly order?: number;
  /** Why it would refuse now; absent while it would give. */
  readonly reason?: RefusalReason;
  readonly detail: string;
}

export interface CheckStore {
  /** Mend what can be mended without guessing. */
  readonly repair?: boolean;
  /** With repair: only say what it would do. */
  readonly dryRun?: boolean;
}

export interface CheckReport {
  readonly checked: { readonly pools: number; readonly bindings: number };
  readonly findings: readonly {
    readonly code: string;
    readonly object: string;
    readonly detail: string;
    readonly repair?: string;
    readonly repaired: boolean;
  }[];
}

export interface Collect {
  readonly dryRun?: boolean;
  /** Let go what the brake holds back. */
  readonly approve?: boolean;
}

export interface CollectReport {
  readonly released: readonly { readonly address: string; readonly network: string; readonly evidence: string }[];
  readonly held: readonly { readonly address: string; readonly network: string; readonly reason: string }[];
  readonly dryRun: boolean;
  /** How many more there are of each, where an answer holds only so many. */
  readonly omitted?: { readonly released: number; readonly held: number };
}

export interface VersionAnswer {
  readonly version: string;
  readonly store: 'memory' | 'sqlite' | 'kubernetes';
}
