/**
 * The writes of a binding, each with its three endings sorted out: it was written; somebody else was first (and the
 * view has learnt what is there now); or the answer was lost, and a read by name tells which of the two it was.
 */
import { bindingName } from '../core/binding-name.ts';
import { isBound, type BindingSpec } from '../core/binding.ts';
import type { Stamp } from '../core/stamp.ts';
import { StoreAmbiguous, StoreUnavailable, type Stored, type Written } from '../store/store.ts';
import type { Context } from './context.ts';
import { isNewer } from './view.ts';

/** Creates the record of an address; undefined: somebody else was first. */
export function createBinding(context: Context, spec: BindingSpec): Promise<Stored<BindingSpec> | undefined> {
  const name = bindingName(spec.network, spec.address);
  return settle(context, { name, spec, over: undefined }, () => context.store.bindings.create(name, spec));
}

/** Compare-and-swap; undefined: it is another by now, or gone. */
export function replaceBinding(context: Context, old: Stored<BindingSpec>, spec: BindingSpec): Promise<Stored<BindingSpec> | undefined> {
  return settle(context, { name: old.name, spec, over: old }, () => context.store.bindings.replace(old, spec));
}

/** Deletes exactly this version; false: it is another by now. Gone counts as deleted. */
export async function removeBinding(context: Context, old: Stored<BindingSpec>): Promise<boolean> {
  let written: Written<BindingSpec>;
  try {
    written = await context.store.bindings.remove(old);
  } catch (error) {
    if (!(error instanceof StoreAmbiguous)) throw error;
    const current = await learn(context, old.name);
    return current?.uid !== old.uid;
  }
  if (written.ok || written.conflict === 'Gone') {
    context.view.forget(old);
    return true;
  }
  await learn(context, old.name, written.current);
  return false;
}

/**
 * A quorum read by name, which the view learns from. What it shows is never older than what the view knew when it
 * began, unless the store was taken back in time: then the read is right.
 */
export async function learn(context: Context, name: string, known?: Stored<BindingSpec>): Promise<Stored<BindingSpec> | undefined> {
  if (known !== undefined) {
    context.view.wrote(known);
    return known;
  }
  const before = context.view.binding(name);
  const current = await context.store.bindings.get(name);
  // What was written since the read began is not gone, and not older.
  const isUnchanged = before !== undefined && before === context.view.binding(name);
  if (current === undefined) {
    if (isUnchanged) context.view.forget(before);
    return undefined;
  }
  if (isUnchanged && isNewer(before, current)) context.view.correct(current);
  else context.view.wrote(current);
  return current;
}

const RELEASE_ATTEMPTS = 8;

/**
 * Releases a record while `still` holds for what it is at that moment; whoever changes it meanwhile is read again.
 * Returns the released record, or undefined when there was nothing (any more) to release.
 */
export async function releaseBinding(
  context: Context,
  name: string,
  still: (spec: BindingSpec) => boolean,
  releasedBy?: Stamp,
): Promise<BindingSpec | undefined> {
  for (let attempt = 0; attempt < RELEASE_ATTEMPTS; attempt++) {
    const current = context.view.binding(name);
    if (current === undefined || !isBound(current.spec) || !still(current.spec)) return undefined;
    const { expiresAt: _, ...rest } = current.spec;
    const released: BindingSpec = {
      ...rest,
      releasedAt: context.timers.now(),
      ...(releasedBy !== undefined && { releasedBy }),
    };
    if ((await replaceBinding(context, current, released)) !== undefined) return released;
  }
  throw new StoreUnavailable(`${name} changed ${RELEASE_ATTEMPTS} times while it was being released`);
}

/** Of one write whose answers are lost. */
const WRITE_ATTEMPTS = 4;

interface Write {
  readonly name: string;
  readonly spec: BindingSpec;
  /** The version it replaces; undefined: there must be none. */
  readonly over: Stored<BindingSpec> | undefined;
}

/**
 * A write without an answer that a read does not show may still be on its way, so nothing else is tried in its place
 * (two records of one call, and nobody could tell which was answered): it is sent again, and only one of them can win.
 */
async function settle(
  context: Context,
  { name, spec, over }: Write,
  write: () => Promise<Written<BindingSpec>>,
): Promise<Stored<BindingSpec> | undefined> {
  for (let attempt = 1; ; attempt++) {
    let written: Written<BindingSpec> | undefined;
    let lost: unknown;
    try {
      written = await write();
    } catch (error) {
      if (!(error instanceof StoreAmbiguous)) throw error;
      lost = error;
    }
    if (written?.ok === true) {
      context.view.wrote(written.stored);
      return written.stored;
    }
    const current = await learn(context, name, written?.current);
    if (current !== undefined && sameSpec(current.spec, spec)) return current;
    const mayArrive = lost !== undefined && current?.uid === over?.uid && current?.version === over?.version;
    if (!mayArrive) return undefined;
    if (attempt === WRITE_ATTEMPTS) throw lost;
  }
}

/** Field by field, whatever their order: a store may give the keys back in another one. */
function sameSpec(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const left = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined));
  return left.length === right.size && left.every(([key, value]) => sameSpec(value, right.get(key)));
}
