/**
 * The record that an address is held. Flat and small; all of it lives in `spec`, as in a Kubernetes Lease.
 * Its name is its address (see binding-name.ts), so creating it is the lock.
 */
import type { Stamp } from './stamp.ts';

export type Family = 'IPv4' | 'IPv6';

export type ResourceKind = 'mac' | 'vm' | 'container' | 'pod' | 'custom';

/** What the subject is. A MAC's `value` is kept in lower case with colons, so that all spellings compare equal. */
export interface Resource {
  readonly type: ResourceKind;
  readonly value: string;
}

/** The CNI fact that holds a binding. */
export interface Attachment {
  readonly cniNetwork: string;
  readonly ifName: string;
  readonly containerId: string;
  /** Absent outside Kubernetes, and where the runtime does not say. */
  readonly podUid?: string;
  /** A static pod: the absence of its mirror proves nothing. */
  readonly static?: boolean;
  readonly node: string;
  readonly nodeUid?: string;
  readonly terminationGraceSeconds?: number;
  readonly stamp: Stamp;
}

export interface BindingSpec {
  /** Canonical text (RFC 5952 for IPv6). */
  readonly address: string;
  readonly pool: string;
  /** The uniqueness domain, `default` unless said. */
  readonly network: string;
  /** The tenant; in Kubernetes the namespace. */
  readonly subinstance: string;
  /** Who within the tenant; in Kubernetes the pod's name. */
  readonly subid: string;
  /** Which of several addresses of one family this is; 0 for the first. */
  readonly slot: number;
  readonly resource: Resource;
  /** None for a record that lives until released or expired; two only during a VM's hand-over. */
  readonly attachments: readonly Attachment[];
  readonly tags?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, by the clock of who wrote it: for people, never compared between machines. */
  readonly boundAt: number;
  /** A lease ends here. */
  readonly expiresAt?: number;
  /** Present: released, kept as a tombstone that cools (and is sticky) until the janitor deletes it. */
  readonly releasedAt?: number;
  /** The stamp of the DEL that released it: an older ADD of that container is refused. */
  readonly releasedBy?: Stamp;
  /** The pool's release policy at the time of the ADD, so that a DEL needs no pool. */
  readonly cooldownSeconds: number;
  readonly stickySeconds: number;
}

export const isBound = (binding: BindingSpec): boolean => binding.releasedAt === undefined;
