/**
 * What the controller says of each pool in its status: how full it is, and what is wrong with it. The leader looks
 * every five seconds and writes what changed; nothing else reads it, so a write that is lost is made by the next look.
 */
import { isDeepStrictEqual } from 'node:util';
import { parseAddress } from '../core/address.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import { rangesOf } from '../core/pool.ts';
import { contains, overlaps, type RangeSet } from '../core/range-set.ts';
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import type { Ipam } from '../ipam/open.ts';
import type { Client } from './client.ts';
import { ADDRESS_POOLS } from './objects.ts';
import type { AddressPool, AddressPoolStatus } from './resources.generated.ts';
import { poolResource, UnreadableResource } from './resources.ts';
import { ApiUnreachable, describeBriefly, type ApiStatus } from './status.ts';

const EVERY_MS = 5_000;

export interface PoolStatusOptions {
  readonly client: Client;
  readonly ipam: Pick<Ipam, 'counts' | 'bindings' | 'synced'>;
  readonly leads: () => boolean;
  readonly timers: Timers;
  readonly log: Log;
}

type Condition = NonNullable<AddressPoolStatus['conditions']>[number];
type Judgement = Pick<Condition, 'type' | 'reason' | 'message'> & { readonly holds: boolean };

/** Until the returned function is called. */
export function keepPoolStatus(options: PoolStatusOptions): () => void {
  const { timers, leads, ipam, log } = options;
  let stopped = false;
  let cancel = timers.after(EVERY_MS, look);
  function look(): void {
    const work = leads() && ipam.synced() ? writeStatuses(options) : Promise.resolve();
    void work
      .catch((error: unknown) => {
        if (!(error instanceof ApiUnreachable)) throw error;
        log.warn({ detail: error.message }, 'pools’ status could not be written');
      })
      .then(() => {
        if (!stopped) cancel = timers.after(EVERY_MS, look);
      });
  }
  return () => {
    stopped = true;
    cancel();
  };
}

/** What a look has read: of a pool that cannot be used, why. */
type Readable = { readonly spec: PoolSpec; readonly ranges: RangeSet };
type Seen = ReadonlyMap<string, Readable | UnreadableResource>;

/** One look: writes what is not as it should be. */
async function writeStatuses({ client, ipam, timers, log }: PoolStatusOptions): Promise<void> {
  const refused = (status: ApiStatus): void => log.warn({ detail: describeBriefly(status) }, 'pools’ status could not be written');
  const page = await client.list<AddressPool & { readonly metadata: { readonly name: string } }>(ADDRESS_POOLS);
  if (!page.ok) return refused(page.status);
  const pools = page.value.items;
  const seen: Seen = new Map(pools.map((pool) => [pool.metadata.name, readPool(pool)]));
  const now = new Date(timers.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  for (const pool of pools) {
    const status = statusOf(pool, seen, ipam, now);
    if (isDeepStrictEqual(status, pool.status)) continue;
    const { name, uid } = pool.metadata;
    const answer = await client.patch(ADDRESS_POOLS, { name, subresource: 'status' }, [
      { op: 'test', path: '/metadata/uid', value: uid }, // Not another pool of that name.
      { op: 'add', path: '/status', value: status },
    ]);
    if (!answer.ok && answer.status.reason !== 'NotFound' && answer.status.reason !== 'Invalid') return refused(answer.status);
  }
}

function readPool(pool: AddressPool): Readable | UnreadableResource {
  try {
    const spec = poolResource.toSpec(pool);
    return { spec, ranges: rangesOf(spec) };
  } catch (error) {
    if (error instanceof UnreadableResource) return error;
    throw error;
  }
}

/** @param now RFC 3339, for the conditions that change */
function statusOf(pool: AddressPool, seen: Seen, ipam: PoolStatusOptions['ipam'], now: string): AddressPoolStatus {
  const { name, generation } = pool.metadata;
  const judged = (judgements: readonly Judgement[]): Condition[] => judgements.map((one) => toCondition(one, pool, now));
  const about = generation === undefined ? {} : { observedGeneration: generation };
  const notReady = (reason: string, message: string): AddressPoolStatus => ({
    ...about,
    conditions: judged([{ type: 'Ready', holds: false, reason, message }]),
  });
  const read = seen.get(name)!;
  if (read instanceof UnreadableResource) return notReady('Invalid', read.message);
  const counts = ipam.counts(name);
  if (!counts.ok) return notReady('NotReadYet', counts.refusal.detail);
  const { total, allocated, reserved, cooling, available } = counts.value;
  const [first, ...more] = read.spec.ranges;
  const text = first === undefined ? '' : 'cidr' in first ? first.cidr : `${first.first}-${first.last}`;
  return {
    ...about,
    range: more.length === 0 ? text : `${text} +${more.length}`,
    family: read.spec.family,
    total: String(total),
    allocated: String(allocated),
    reserved: String(reserved),
    cooling: String(cooling),
    available: String(available),
    conditions: judged([judgeReady(pool, read, ipam), judgeExhausted(available, cooling), judgeOverlapping(name, read, seen)]),
  };
}

/** Looking through all bindings is for when the ranges changed, or were found to be too small before. */
function judgeReady(pool: AddressPool, { spec, ranges }: Readable, ipam: PoolStatusOptions['ipam']): Judgement {
  const { name, generation } = pool.metadata;
  const before = pool.status?.conditions?.find(({ type }) => type === 'Ready');
  if (before?.status !== 'True' || before.observedGeneration !== generation) {
    const outside = ipam.bindings({ pool: name }).filter(({ spec: { address } }) => !isIn(ranges, address));
    const [example] = outside;
    if (example !== undefined) {
      const message = `${outside.length} addresses are held outside the ranges, such as ${example.spec.address}; they stay until they are released`;
      return { type: 'Ready', holds: false, reason: 'HeldOutside', message };
    }
  }
  const messages = {
    Active: 'the pool hands out addresses',
    NoNew: 'the pool hands out nothing new: its state is NoNew',
    Draining: 'the pool hands out nothing new, and waits for its addresses to come back: its state is Draining',
  };
  return { type: 'Ready', holds: true, reason: spec.state, message: messages[spec.state] };
}

function isIn(ranges: RangeSet, text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && contains(ranges, address.family, address.value);
}

function judgeExhausted(available: bigint, cooling: bigint): Judgement {
  if (available > 0n) return { type: 'Exhausted', holds: false, reason: 'Available', message: 'addresses can be handed out' };
  const message = cooling > 0n ? 'nothing is left but what cools' : 'nothing is left';
  return { type: 'Exhausted', holds: true, reason: 'NothingLeft', message };
}

function judgeOverlapping(name: string, { spec, ranges }: Readable, seen: Seen): Judgement {
  const shares = (other: Readable | UnreadableResource): boolean =>
    !(other instanceof UnreadableResource) && other.spec.network === spec.network && overlaps(ranges, other.ranges);
  const others = [...seen].filter(([other, read]) => other !== name && shares(read));
  if (others.length === 0)
    return { type: 'Overlapping', holds: false, reason: 'Apart', message: 'no other pool of the network has its addresses' };
  const names = others.map(([other]) => other).sort().join(', '); // prettier-ignore
  return {
    type: 'Overlapping',
    holds: true,
    reason: 'SharedAddresses',
    message: `it has addresses in common with ${names}; each is still held only once, and counts in both`,
  };
}

/** Kubernetes API conventions: the time is that of the last change of status. */
function toCondition({ holds, ...rest }: Judgement, pool: AddressPool, now: string): Condition {
  const status = holds ? 'True' : 'False';
  const before = pool.status?.conditions?.find(({ type }) => type === rest.type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
  const { generation } = pool.metadata;
  return { ...rest, status, lastTransitionTime, ...(generation !== undefined && { observedGeneration: generation }) };
}
