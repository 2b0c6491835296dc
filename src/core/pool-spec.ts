/**
 * What a pool is: the shape of `AddressPool.spec`, the same in a custom resource, in the embedded store and on
 * the HTTP API. Normalising and checking it is pool.ts.
 */
import type { Family } from './binding.ts';

export type RangeText = { readonly cidr: string } | { readonly first: string; readonly last: string };

/** CNI result routes; mtu, advmss, priority, table and scope exist since CNI 1.1.0. */
export interface Route {
  readonly dst: string;
  readonly gw?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

export interface Dns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** Kubernetes' label selector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface Limits {
  readonly perSubinstance?: number;
  readonly perNode?: number;
  readonly perPod?: number;
}

/** `Home` starts at the subject's home (a salted hash) and goes on from there; `Lowest` takes the lowest available. */
export type Placement = 'Home' | 'Lowest';
/** When only cooling addresses are left: give out the oldest, or refuse. */
export type WhenFull = 'Reuse' | 'Wait';
export type PoolState = 'Active' | 'NoNew' | 'Draining';

/** As a person writes it: everything but `ranges` has a default. */
export interface PoolSpecInput {
  readonly network?: string;
  readonly ranges: readonly RangeText[];
  /** Addresses, CIDRs or "first-last" that are never handed out automatically. */
  readonly reserved?: readonly string[];
  /** The on-link subnet: its length goes into the CNI result; its network and broadcast address are reserved. */
  readonly subnet?: string;
  readonly gateway?: string;
  readonly routes?: readonly Route[];
  readonly dns?: Dns;
  readonly placement?: Placement;
  readonly cooldownSeconds?: number;
  readonly whenFull?: WhenFull;
  readonly stickySeconds?: number;
  readonly limits?: Limits;
  readonly namespaceSelector?: LabelSelector;
  readonly podSelector?: LabelSelector;
  readonly nodeSelector?: LabelSelector;
  /** Higher is tried first. */
  readonly priority?: number;
  readonly default?: boolean;
  readonly requestedAddresses?: 'Allowed' | 'Forbidden';
  readonly state?: PoolState;
}

/** Normalised: defaults filled in, all text canonical, one family. */
export interface PoolSpec extends PoolSpecInput {
  readonly network: string;
  readonly family: Family;
  readonly placement: Placement;
  readonly cooldownSeconds: number;
  readonly whenFull: WhenFull;
  readonly stickySeconds: number;
  readonly priority: number;
  readonly default: boolean;
  readonly requestedAddresses: 'Allowed' | 'Forbidden';
  readonly state: PoolState;
}
