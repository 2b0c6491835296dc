/**
 * Changing pools without losing anything: what would make an address belong to two pools, or leave a held address
 * outside its pool, is refused with the reason. One change at a time in this replica.
 */
import { parseAddress } from '../core/address.ts';
import { isBound, type BindingSpec } from '../core/binding.ts';
import type { PoolSpec, PoolSpecInput } from '../core/pool-spec.ts';
import { normalisePool, rangesOf } from '../core/pool.ts';
import { contains, intersect } from '../core/range-set.ts';
import { formatRange } from '../core/range.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { Stored, Written } from '../store/store.ts';
import { StoreAmbiguous } from '../store/store.ts';
import type { Context } from './context.ts';
import { sameSpec } from './same-spec.ts';

export interface AppliedPool {
  readonly stored: Stored<PoolSpec>;
  readonly change: 'created' | 'updated' | 'unchanged';
}

export function applyPool(
  context: Context,
  name: string,
  input: PoolSpecInput,
  options: { readonly version?: string; readonly dryRun?: boolean },
): Promise<Outcome<AppliedPool>> {
  return context.locks.run('pools', async () => {
    const spec = normalisePool(name, { ...context.poolDefaults, ...input });
    if (!spec.ok) return spec;
    const current = context.view.pool(name);
    if (options.version !== undefined && current?.version !== options.version) {
      return refuse(
        'Conflict',
        `pool ${name} is at version ${current?.version ?? 'none: it does not exist'}, not ${options.version}; read it again`,
      );
    }
    if (current !== undefined && sameSpec(current.spec, spec.value)) return done({ stored: current, change: 'unchanged' });
    const objection = objectionTo(context, name, spec.value, current);
    if (objection !== undefined) return objection;
    if (options.dryRun === true) {
      const stored = current === undefined ? { name, uid: '', version: '', spec: spec.value } : { ...current, spec: spec.value };
      return done({ stored, change: current === undefined ? 'created' : 'updated' });
    }
    const written = await writePool(context, name, spec.value, current);
    if (!written.ok) return refuse('Conflict', `pool ${name} was changed by somebody else meanwhile; read it again`);
    context.view.wrotePool(written.stored);
    context.log.info({ pool: name, change: current === undefined ? 'created' : 'updated' }, 'pool applied');
    return done({ stored: written.stored, change: current === undefined ? 'created' : 'updated' });
  });
}

export function deletePool(
  context: Context,
  name: string,
  options: { readonly force?: boolean; readonly dryRun?: boolean },
): Promise<Outcome<Stored<PoolSpec>>> {
  return context.locks.run('pools', async () => {
    const current = context.view.pool(name);
    if (current === undefined) return refuse('UnknownPool', `there is no pool "${name}"`);
    const held = context.view.ledger.counts(name).allocated;
    if (held > 0n && options.force !== true) {
      return refuse(
        'PoolInUse',
        `${held} addresses of pool ${name} are held: drain it first (berthctl pool drain ${name}), or delete it with force; the bindings then stay until released`,
      );
    }
    if (options.dryRun === true) return done(current);
    const written = await context.store.pools.remove(current);
    if (!written.ok && written.conflict !== 'Gone')
      return refuse('Conflict', `pool ${name} was changed by somebody else meanwhile; read it again`);
    context.view.forgetPool(current);
    context.log.info({ pool: name, held: Number(held) }, 'pool deleted');
    return done(current);
  });
}

/** Why this spec may not be; undefined: nothing speaks against it. */
function objectionTo(
  context: Context,
  name: string,
  spec: PoolSpec,
  current: Stored<PoolSpec> | undefined,
): ReturnType<typeof refuse> | undefined {
  if (current !== undefined && current.spec.network !== spec.network) {
    return refuse('InvalidRequest', `the network of pool ${name} is ${current.spec.network} and cannot be changed: make another pool`);
  }
  const ranges = rangesOf(spec);
  for (const other of context.view.pools()) {
    if (other.name === name || other.spec.network !== spec.network) continue;
    const shared = intersect(ranges, rangesOf(other.spec))[0];
    if (shared !== undefined) {
      return refuse(
        'InvalidRange',
        `${formatRange(shared)} belongs to pool ${other.name} of network ${spec.network} already; pools of one network may not overlap`,
      );
    }
  }
  if (current === undefined) return undefined;
  const lost = heldOutside(context, current, spec);
  if (lost.length === 0) return losesSubnet(name, current.spec, spec);
  const [first] = lost as [BindingSpec];
  return refuse(
    'PoolInUse',
    `pool ${name} would no longer hold ${lost.length} addresses that are in use, ${first.address} of ${first.subinstance}/${first.subid} among them; release them first`,
    {
      address: first.address,
      holder: `${first.subinstance}/${first.subid}`,
    },
  );
}

/** Quietly, by a second range: containers would get /32 beside those with the subnet's length, and its broadcast address would be dealt. */
function losesSubnet(name: string, old: PoolSpec, spec: PoolSpec): ReturnType<typeof refuse> | undefined {
  if (old.subnet === undefined || spec.subnet !== undefined) return undefined;
  return refuse(
    'InvalidSubnet',
    `pool ${name} would lose its subnet ${old.subnet}, and its addresses their prefix length: only a single cidr is a subnet by itself; write spec.subnet, or make another pool for the new range`,
  );
}

/** Bound records inside the old ranges and outside the new ones. */
function heldOutside(context: Context, old: Stored<PoolSpec>, spec: PoolSpec): readonly BindingSpec[] {
  const [before, after] = [rangesOf(old.spec), rangesOf(spec)];
  const lost: BindingSpec[] = [];
  for (const binding of context.view.ledger.all()) {
    if (binding.network !== spec.network || !isBound(binding)) continue;
    const address = parseAddress(binding.address);
    if (address === undefined) continue;
    if (contains(before, address.family, address.value) && !contains(after, address.family, address.value)) lost.push(binding);
  }
  return lost;
}

async function writePool(
  context: Context,
  name: string,
  spec: PoolSpec,
  current: Stored<PoolSpec> | undefined,
): Promise<Written<PoolSpec>> {
  try {
    return current === undefined ? await context.store.pools.create(name, spec) : await context.store.pools.replace(current, spec);
  } catch (error) {
    if (!(error instanceof StoreAmbiguous)) throw error;
    const found = await context.store.pools.get(name);
    return found !== undefined && sameSpec(found.spec, spec) ? { ok: true, stored: found } : { ok: false, conflict: 'Changed' };
  }
}
