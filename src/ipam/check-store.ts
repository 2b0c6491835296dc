/**
 * The whole store against itself: what this replica believes against what the store says, each record against its
 * name and its pool, the indexes against the records, and two records for one holder. It repairs only where nothing
 * has to be guessed.
 */
import { bindingName } from '../core/binding-name.ts';
import { isBound, type BindingSpec } from '../core/binding.ts';
import { holderKeyOf } from '../core/holder.ts';
import type { CheckReport } from '../protocol.ts';
import type { Stored } from '../store/store.ts';
import type { Context } from './context.ts';
import { learn } from './write.ts';

interface Finding {
  readonly code: string;
  readonly object: string;
  readonly detail: string;
  readonly repair?: { readonly words: string; readonly run: () => Promise<unknown> };
}

export async function checkStore(context: Context, options: { readonly repair: boolean; readonly dryRun: boolean }): Promise<CheckReport> {
  const [bindings, pools] = [await context.store.bindings.list(), await context.store.pools.list()];
  const findings: Finding[] = [
    ...staleView(context, bindings),
    ...context.view.ledger.verify().map((detail) => ({ code: 'IndexMismatch', object: 'ledger', detail })),
    ...bindings.flatMap((stored) => misplaced(context, stored)),
    ...twoForOneHolder(bindings),
  ];
  const report: CheckReport['findings'][number][] = [];
  for (const { code, object, detail, repair } of findings) {
    const repaired = options.repair && !options.dryRun && repair !== undefined;
    if (repaired) await repair.run();
    report.push({ code, object, detail, ...(repair !== undefined && { repair: repair.words }), repaired });
  }
  return { checked: { pools: pools.length, bindings: bindings.length }, findings: report };
}

/** Records written while the check ran are newer in the view than in the listing: no finding. */
function staleView(context: Context, bindings: readonly Stored<BindingSpec>[]): Finding[] {
  const listed = new Map(bindings.map((stored) => [stored.name, stored]));
  const newest = bindings.reduce((most, { version }) => (Number(version) > most ? Number(version) : most), 0);
  const behind = bindings.filter((stored) => {
    const known = context.view.binding(stored.name);
    return known === undefined || Number(known.version) < Number(stored.version);
  });
  const vanished = [...context.view.bindings()].filter(({ stored }) => !listed.has(stored.name) && Number(stored.version) <= newest);
  return [...behind, ...vanished.map(({ stored }) => stored)].map(({ name }) => ({
    code: 'ViewBehindStore',
    object: name,
    detail: 'the controller knows an older state than the store',
    repair: { words: 'read it again', run: () => learn(context, name) },
  }));
}

function misplaced(context: Context, { name, spec }: Stored<BindingSpec>): Finding[] {
  if (name !== bindingName(spec.network, spec.address)) {
    return [
      {
        code: 'NameMismatch',
        object: name,
        detail: `the record says ${spec.address} of network ${spec.network}: delete it by hand after looking at who uses it`,
      },
    ];
  }
  if (!isBound(spec)) return [];
  const pools = context.view.ledger.poolsContaining(spec.network, spec.address);
  if (pools.length === 0)
    return [
      { code: 'OutsidePools', object: name, detail: `${spec.address} is held by ${spec.subinstance}/${spec.subid} and lies in no pool` },
    ];
  if (pools.length > 1)
    return [{ code: 'PoolsOverlap', object: name, detail: `lies in several pools: ${pools.map((pool) => pool.name).join(', ')}` }];
  if (context.view.ledger.isReserved((pools[0] as { name: string }).name, spec.address)) {
    return [
      {
        code: 'ReservedHeld',
        object: name,
        detail: `${spec.address} is reserved, and held by ${spec.subinstance}/${spec.subid} since before`,
      },
    ];
  }
  return [];
}

/** Those of one boot are healed as they arrive (release-condemned.ts); of two boots only a person, or a DEL, can tell. */
function twoForOneHolder(bindings: readonly Stored<BindingSpec>[]): Finding[] {
  const byHolder = new Map<string, Stored<BindingSpec>>();
  const findings: Finding[] = [];
  for (const stored of bindings.filter(({ spec }) => isBound(spec))) {
    for (const attachment of stored.spec.attachments) {
      const key = `${stored.spec.network}/${holderKeyOf(stored.spec, attachment)}`;
      const other = byHolder.get(key);
      byHolder.set(key, stored);
      if (other === undefined) continue;
      const detail = `one attachment of ${stored.spec.subinstance}/${stored.spec.subid} holds ${other.spec.address} and ${stored.spec.address}: release the one it does not use`;
      findings.push({ code: 'TwoForOneHolder', object: stored.name, detail });
    }
  }
  return findings;
}
