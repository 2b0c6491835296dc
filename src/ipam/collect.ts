/**
 * Releases what nobody will DEL, each with its evidence: leases that ended, and outside a cluster the attachments of a
 * boot that is over (in a cluster see collector/). The janitor then deletes released records whose cooling and sticky time passed.
 */
import { isBound, type BindingSpec } from '../core/binding.ts';
import type { CollectReport } from '../protocol.ts';
import type { Stored } from '../store/store.ts';
import type { Context } from './context.ts';
import { releaseBinding, removeBinding } from './write.ts';

interface Finding {
  readonly stored: Stored<BindingSpec>;
  readonly proof: 'lease' | 'boot';
  readonly evidence: string;
  /** Checked again on what the record is just before the write. */
  readonly still: (spec: BindingSpec) => boolean;
}

/** Releases all that the evidence allows, or with `dryRun` only says what it would release. */
export async function collect(context: Context, options: { readonly dryRun: boolean }): Promise<CollectReport> {
  const findings = [...endedLeases(context), ...(await overBoots(context))];
  const released: { address: string; network: string; evidence: string }[] = [];
  for (const { stored, proof, evidence, still } of findings) {
    const { address, network } = stored.spec;
    if (!options.dryRun && (await releaseBinding(context, stored.name, still)) === undefined) continue;
    released.push({ address, network, evidence });
    if (options.dryRun) continue;
    context.tally.released(proof);
    context.log.info({ address, network, evidence }, 'address collected');
  }
  return { released, held: [], dryRun: options.dryRun };
}

/**
 * By the wall clock, and by the monotonic clock since this replica saw the lease written: a wall clock that jumps
 * ahead must not end every lease at once.
 */
function endedLeases(context: Context): Finding[] {
  const { timers, view } = context;
  const isOver = ({ expiresAt }: BindingSpec, name: string): boolean => {
    const seen = view.seen(name);
    if (expiresAt === undefined || seen === undefined || timers.now() < expiresAt) return false;
    return timers.monotonic() - seen.monotonic >= expiresAt - seen.wall;
  };
  return [...view.ledger.expired(timers.now())]
    .map((spec) => view.storedOf(spec))
    .filter((stored) => isOver(stored.spec, stored.name))
    .map((stored) => ({ stored, proof: 'lease', evidence: 'its lease ended', still: (spec) => isOver(spec, stored.name) }));
}

async function overBoots(context: Context): Promise<Finding[]> {
  const { nodes } = context;
  if (nodes.isSuperseded === undefined) return [];
  const held = new Map<string, Stored<BindingSpec>[]>();
  for (const { stored } of context.view.bindings()) {
    const attachment = stored.spec.attachments[0];
    if (attachment === undefined || !isBound(stored.spec)) continue;
    const key = JSON.stringify([attachment.node, attachment.stamp.bootId]);
    const others = held.get(key);
    if (others === undefined) held.set(key, [stored]);
    else others.push(stored);
  }
  const findings: Finding[] = [];
  for (const [key, records] of held) {
    const [node, bootId] = JSON.parse(key) as [string, string];
    if (!(await nodes.isSuperseded(node, bootId))) continue;
    const still = (spec: BindingSpec) =>
      spec.attachments.length > 0 && spec.attachments.every((one) => one.node === node && one.stamp.bootId === bootId);
    findings.push(
      ...records
        .filter(({ spec }) => still(spec))
        .map((stored) => ({ stored, proof: 'boot' as const, evidence: `node ${node} has booted since`, still })),
    );
  }
  return findings;
}

/** Deletes at most `most` released records that nothing needs any more; says how many. */
export async function sweep(context: Context, most: number): Promise<number> {
  const due = context.view.ledger.forgettable().slice(0, most);
  const removed = await Promise.all(due.map((spec) => removeBinding(context, context.view.storedOf(spec))));
  return removed.filter(Boolean).length;
}
