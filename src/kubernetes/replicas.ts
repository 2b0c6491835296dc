/**
 * Which replicas are there, and where: each has a Lease of its own beside the leader's, renews it while it lives, and
 * writes its addresses on it. So what the nodes read changes only when a replica comes or goes. No clocks are compared: a Lease
 * that stands still for long, by the clock of who looks, is of a replica that is gone.
 */
import type { Timers } from '../core/clock.ts';
import type { Client } from './client.ts';
import { apiVersionOf, LEASES, type KubernetesObject } from './objects.ts';
import { describeStatus, type ApiAnswer, type ApiStatus } from './status.ts';

export interface ReplicasOptions {
  readonly client: Client;
  readonly timers: Pick<Timers, 'now' | 'monotonic'>;
  readonly namespace: string;
  /** Of this process. */
  readonly identity: string;
  /** https://ADDRESS:PORT, as nodes reach this replica. */
  readonly urls: readonly string[];
}

interface ReplicaLease extends KubernetesObject {
  readonly spec?: { readonly holderIdentity?: string; readonly leaseDurationSeconds?: number; readonly renewTime?: string };
}

const PREFIX = 'berth-replica-';
const URLS = 'berth-ipam.dev/urls';
const GONE_AFTER_MS = 5 * 60_000;

export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #name: string;
  /** Every Lease's version, and since when it has stood there. */
  #seen = new Map<string, { readonly version: string | undefined; readonly since: number }>();

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#name = nameOf(options.identity);
  }

  /** Says that this replica lives. Throws when it cannot. */
  async beat(): Promise<void> {
    const { client, namespace } = this.#options;
    const found = await client.get<ReplicaLease>(LEASES, { namespace, name: this.#name });
    const lease = this.#lease();
    const written = found.ok
      ? await client.replace<ReplicaLease>(LEASES, { ...lease, metadata: { ...found.value.metadata, ...lease.metadata } })
      : mayCreate(found.status)
        ? await client.create<ReplicaLease>(LEASES, lease)
        : found;
    must(written);
  }

  /** Takes the Lease away: this replica stops. */
  async leave(): Promise<void> {
    const { client, namespace } = this.#options;
    const found = await client.get<ReplicaLease>(LEASES, { namespace, name: this.#name });
    if (found.ok) await this.#remove(found.value);
    else if (!mayCreate(found.status)) must(found);
  }

  /**
   * The addresses of all who live, each once; Leases of those who are gone are removed. The latest to come are first:
   * of the others one may be gone, and a node tries them in this order, up to a second each.
   */
  async endpoints(): Promise<readonly string[]> {
    const { client, namespace, timers } = this.#options;
    const { items } = must(await client.list<ReplicaLease>(LEASES, { namespace }));
    const leases = items.filter(({ metadata }) => metadata.name.startsWith(PREFIX));
    const now = timers.monotonic();
    this.#seen = new Map(leases.map(({ metadata: { name, resourceVersion } }) => [name, this.#seenAs(name, resourceVersion, now)]));
    const isGone = ({ metadata: { name } }: ReplicaLease): boolean => now - this.#seen.get(name)!.since >= GONE_AFTER_MS;
    for (const lease of leases.filter(isGone)) await this.#remove(lease);
    return [
      ...new Set(
        leases
          .filter((lease) => !isGone(lease))
          .toSorted(latestFirst)
          .flatMap(urlsOf),
      ),
    ];
  }

  #seenAs(name: string, version: string | undefined, now: number): { readonly version: string | undefined; readonly since: number } {
    const last = this.#seen.get(name);
    return last !== undefined && last.version === version ? last : { version, since: now };
  }

  /** Exactly that version: one that is renewed meanwhile lives. */
  async #remove({ metadata: { name, uid, resourceVersion } }: ReplicaLease): Promise<void> {
    const { client, namespace } = this.#options;
    const preconditions = { uid: uid as string, resourceVersion: resourceVersion as string };
    const removed = await client.remove(LEASES, { namespace, name }, preconditions);
    if (!removed.ok && removed.status.reason !== 'NotFound' && removed.status.reason !== 'Conflict') must(removed);
  }

  #lease(): ReplicaLease {
    const { namespace, identity, urls, timers } = this.#options;
    return {
      apiVersion: apiVersionOf(LEASES),
      kind: LEASES.kind,
      metadata: { namespace, name: this.#name, annotations: { [URLS]: urls.join(' ') } },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: GONE_AFTER_MS / 1000,
        // For people and other tools; no replica reads it.
        renewTime: new Date(timers.now()).toISOString().replace('Z', '000Z'),
      },
    };
  }
}

const nameOf = (identity: string): string => `${PREFIX}${identity.toLowerCase().replaceAll(/[^a-z0-9.-]/g, '-')}`.slice(0, 253);

/** What somebody else has written there counts as nothing. */
const urlsOf = ({ metadata }: ReplicaLease): readonly string[] =>
  (metadata.annotations?.[URLS] ?? '').split(' ').filter((url) => url.startsWith('https://'));

/** By the API server's clock, to the second; all replicas see the same order. */
const latestFirst = ({ metadata: one }: ReplicaLease, { metadata: other }: ReplicaLease): number =>
  Date.parse(other.creationTimestamp ?? '') - Date.parse(one.creationTimestamp ?? '') || (one.name < other.name ? -1 : 1);

const mayCreate = ({ reason }: ApiStatus): boolean => reason === 'NotFound';

function must<T>(answer: ApiAnswer<T>): T {
  if (!answer.ok) throw new Error(describeStatus(answer.status));
  return answer.value;
}
