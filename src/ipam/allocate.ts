/**
 * Addresses for what is no container: VMs, MACs, anything with a name. No attachment holds such a record, so it lives
 * until it is released or its lease ends. Idempotent per (subinstance, subid, slot, family).
 */
import type { BindingSpec } from '../core/binding.ts';
import { canonicalAddress } from '../core/address.ts';
import { bindingName } from '../core/binding-name.ts';
import type { LedgerPool } from '../core/ledger.ts';
import { DEFAULT_NETWORK } from '../core/pool.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import { normaliseResource } from '../core/resource.ts';
import type { Stored } from '../store/store.ts';
import { chooseInPools } from './choose-in-pools.ts';
import type { Context } from './context.ts';
import type { AllocateRequest, ReleaseTarget } from './operations.ts';
import { inAddressOrder } from './listing.ts';
import { createBinding, learn, releaseBinding, replaceBinding } from './write.ts';

const ATTEMPTS = 16;

export async function allocate(context: Context, request: AllocateRequest): Promise<Outcome<Stored<BindingSpec>>> {
  const pools = poolsFor(context, request);
  if (!pools.ok) return pools;
  const requested = request.address === undefined ? undefined : canonicalAddress(request.address);
  if (request.address !== undefined && requested === undefined) {
    return refuse('InvalidIpAddress', `"${request.address}" is not an IP address`);
  }
  const resource = normaliseResource(request.resource);
  if (!resource.ok) return resource;
  const canonical = { ...request, resource: resource.value };
  const { subinstance, subid, slot = 0 } = request;
  return context.locks.run(`subject/${subinstance}/${subid}/${slot}`, () => allocateOne(context, canonical, pools.value, slot, requested));
}

async function allocateOne(
  context: Context,
  request: AllocateRequest,
  pools: readonly LedgerPool[],
  slot: number,
  requested: string | undefined,
): Promise<Outcome<Stored<BindingSpec>>> {
  const { subinstance, subid } = request;
  const family = (pools[0] as LedgerPool).spec.family;
  const tried = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const own = context.view.ledger
      .bySubject(subinstance, subid)
      .find((binding) => binding.attachments.length === 0 && binding.slot === slot && pools.some((pool) => pool.name === binding.pool));
    if (own !== undefined) {
      if (requested !== undefined && own.address !== requested) {
        return refuse('IpNotAvailable', `${subinstance}/${subid} holds ${own.address} already; release it, or ask for another slot`, {
          address: own.address,
        });
      }
      if (request.dryRun === true) return done(context.view.storedOf(own));
      const kept = await keep(context, context.view.storedOf(own), request);
      if (kept !== undefined) return done(kept);
      continue;
    }
    const seed = `${subinstance}/${subid}/${slot}`;
    const seeker = { subinstance, subid, slot, family, seed, mayRequest: true, ...(requested !== undefined && { requested }) };
    const choice = chooseInPools(context, pools, seeker, attempt, tried);
    if (!choice.ok) return choice;
    const { address, pool, replaces } = choice.value;
    const now = context.timers.now();
    const spec: BindingSpec = {
      address,
      pool: pool.name,
      network: pool.spec.network,
      subinstance,
      subid,
      slot,
      resource: request.resource,
      attachments: [],
      ...(request.tags !== undefined && Object.keys(request.tags).length > 0 && { tags: request.tags }),
      boundAt: now,
      ...(request.leaseSeconds !== undefined && { expiresAt: now + request.leaseSeconds * 1000 }),
      cooldownSeconds: pool.spec.cooldownSeconds,
      stickySeconds: pool.spec.stickySeconds,
    };
    if (request.dryRun === true) return done({ name: bindingName(spec.network, address), uid: '', version: '', spec });
    const land = context.flights.start(spec);
    try {
      const stored =
        replaces === undefined ? await createBinding(context, spec) : await replaceBinding(context, context.view.storedOf(replaces), spec);
      if (stored !== undefined) return done(stored);
    } finally {
      land();
    }
    tried.add(`${spec.network}/${address}`);
  }
  return refuse('Overloaded', `lost ${ATTEMPTS} races for an address in a row`, { retryAfterSeconds: 1 });
}

/** What the subject holds already, proven by a quorum read, or by the write that renews its lease. Undefined: it changed. */
async function keep(context: Context, own: Stored<BindingSpec>, request: AllocateRequest): Promise<Stored<BindingSpec> | undefined> {
  const now = context.timers.now();
  if (request.leaseSeconds !== undefined)
    return replaceBinding(context, own, { ...own.spec, expiresAt: now + request.leaseSeconds * 1000 });
  const { expiresAt, ...withoutLease } = own.spec;
  // It ended, and nobody has collected it yet: given as it is it would be let go a moment later, under its holder.
  if (expiresAt !== undefined && expiresAt <= now) return replaceBinding(context, own, { ...withoutLease, boundAt: now });
  const current = await learn(context, own.name);
  return current?.version === own.version ? current : undefined;
}

/** The named pools, else the default ones by priority; of one family: the one asked for, else the first pool's. */
function poolsFor(context: Context, request: AllocateRequest): Outcome<readonly LedgerPool[]> {
  const { ledger } = context.view;
  const names = request.pools ?? defaultPools(ledger.pools());
  if (names.length === 0) return refuse('InvalidRequest', 'no pool is named and there is no default pool');
  const pools: LedgerPool[] = [];
  for (const name of names) {
    const pool = ledger.pool(name);
    if (pool === undefined) return refuse('UnknownPool', `there is no pool "${name}"`);
    pools.push(pool);
  }
  const wanted = request.family ?? familyOf(request.address) ?? (pools[0] as LedgerPool).spec.family;
  const ofFamily = pools.filter((pool) => pool.spec.family === wanted);
  return ofFamily.length > 0 ? done(ofFamily) : refuse('InvalidRequest', `none of the pools (${names.join(', ')}) is of family ${wanted}`);
}

const defaultPools = (pools: readonly LedgerPool[]): string[] =>
  pools
    .filter((pool) => pool.spec.default)
    .toSorted((a, b) => b.spec.priority - a.spec.priority || (a.name < b.name ? -1 : 1))
    .map((pool) => pool.name);

const familyOf = (address: string | undefined) => (address === undefined ? undefined : address.includes(':') ? 'IPv6' : 'IPv4');

/** They share the store's commits: one after the other, a tenant of 5,000 took longer than berthctl waits for an answer. */
const RELEASES_AT_ONCE = 64;

/** Releases one address, all of a subject, or all of a tenant, in address order. One address or subject that holds nothing is a refusal; an empty tenant is not. */
export async function release(context: Context, target: ReleaseTarget, dryRun: boolean): Promise<Outcome<readonly BindingSpec[]>> {
  const found = heldBy(context, target);
  if (!found.ok) return found;
  const held = inAddressOrder(found.value, (spec) => spec);
  if (dryRun) return done(held);
  const released: BindingSpec[] = [];
  for (let index = 0; index < held.length; index += RELEASES_AT_ONCE) {
    const gone = await Promise.all(held.slice(index, index + RELEASES_AT_ONCE).map((binding) => releaseOne(context, binding)));
    released.push(...gone.filter((binding) => binding !== undefined));
  }
  return done(released);
}

function releaseOne(context: Context, { network, address, subinstance, subid }: BindingSpec): Promise<BindingSpec | undefined> {
  const same = (spec: BindingSpec) => spec.subinstance === subinstance && spec.subid === subid;
  return releaseBinding(context, bindingName(network, address), same);
}

function heldBy(context: Context, target: ReleaseTarget): Outcome<readonly BindingSpec[]> {
  const { ledger } = context.view;
  if ('address' in target) {
    const address = canonicalAddress(target.address);
    if (address === undefined) return refuse('InvalidIpAddress', `"${target.address}" is not an IP address`);
    const network = target.network ?? DEFAULT_NETWORK;
    const binding = ledger.get(network, address);
    if (binding !== undefined && binding.releasedAt === undefined) return done([binding]);
    return refuse('BindingNotFound', `nobody holds ${address} in network ${network}`, { address });
  }
  if (target.subid === undefined) return done([...ledger.bySubinstance(target.subinstance)]);
  const bindings = ledger.bySubject(target.subinstance, target.subid);
  return bindings.length > 0 ? done([...bindings]) : refuse('BindingNotFound', `${target.subinstance}/${target.subid} holds no address`);
}

const RENEW_ATTEMPTS = 8;

/** Moves the end of a lease; gives one to a record without. */
export async function renew(
  context: Context,
  network: string,
  address: string,
  leaseSeconds: number,
): Promise<Outcome<Stored<BindingSpec>>> {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return refuse('InvalidIpAddress', `"${address}" is not an IP address`);
  for (let attempt = 0; attempt < RENEW_ATTEMPTS; attempt++) {
    const current = context.view.binding(bindingName(network, canonical));
    if (current === undefined || current.spec.releasedAt !== undefined) {
      return refuse('BindingNotFound', `nobody holds ${canonical} in network ${network}`, { address: canonical });
    }
    if (current.spec.attachments.length > 0) {
      return refuse('NotAllowed', `${canonical} is held by a container attachment, which has no lease`, { address: canonical });
    }
    const stored = await replaceBinding(context, current, { ...current.spec, expiresAt: context.timers.now() + leaseSeconds * 1000 });
    if (stored !== undefined) return done(stored);
  }
  return refuse('Conflict', `${canonical} is being changed by somebody else; try again`, { address: canonical });
}
