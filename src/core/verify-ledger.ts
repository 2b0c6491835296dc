/** The ledger against itself: every index, count and mark against what the records alone say. */
import { BindingIndex } from './binding-index.ts';
import { isBound, type BindingSpec } from './binding.ts';
import type { ChurnMap } from './churn-map.ts';
import { FAR } from './segment.ts';
import type { PoolBook } from './pool-book.ts';
import type { Tombstone } from './tombstone.ts';

export interface LedgerParts {
  readonly networks: ReadonlyMap<string, { readonly records: ChurnMap<BindingSpec>; readonly books: readonly PoolBook[] }>;
  readonly books: ReadonlyMap<string, PoolBook>;
  readonly index: BindingIndex;
  readonly tombstones: ReadonlyMap<BindingSpec, Tombstone>;
  readonly over: ReadonlySet<BindingSpec>;
  readonly size: number;
}

/** One sentence for everything that does not fit. */
export function verifyLedger(parts: LedgerParts): readonly string[] {
  const findings: string[] = [];
  const rebuilt = new BindingIndex();
  let records = 0;
  let released = 0;
  for (const [name, network] of parts.networks) {
    for (const [address, binding] of network.records.entries()) {
      records++;
      rebuilt.enter(binding);
      if (binding.address !== address || binding.network !== name)
        findings.push(`${name} ${address} is filed under another address or network`);
      const tombstone = parts.tombstones.get(binding);
      if (!isBound(binding)) released++;
      if (isBound(binding) !== (tombstone === undefined))
        findings.push(`${name} ${address} is ${isBound(binding) ? 'bound and has' : 'released and has no'} tombstone`);
      if (tombstone && (tombstone.state === 'over') !== parts.over.has(binding))
        findings.push(`${name} ${address} is not where the janitor looks`);
      findings.push(...verifyRecord(parts.index, binding));
    }
  }
  if (records !== parts.size) findings.push(`${records} records are there, ${parts.size} are counted`);
  if (released !== parts.tombstones.size) findings.push(`${released} records are released, ${parts.tombstones.size} have a tombstone`);
  for (const key of ['subjects', 'released', 'resources', 'tags', 'nodes', 'podUids', 'containers'] as const) {
    if (parts.index[key].size !== rebuilt[key].size)
      findings.push(`the index of ${key} has ${parts.index[key].size} entries instead of ${rebuilt[key].size}`);
  }
  for (const book of parts.books.values()) findings.push(...verifyBook(book, parts));
  return findings;
}

function verifyRecord(index: BindingIndex, binding: BindingSpec): string[] {
  const found = new Map<string, boolean>();
  for (const attachment of binding.attachments) {
    found.set('containers', index.containers.get(attachment.containerId).includes(binding));
    if (!isBound(binding)) continue;
    found.set('nodes', index.nodes.get(attachment.node).includes(binding));
    if (attachment.podUid !== undefined) found.set('pods', index.podUids.get(attachment.podUid).includes(binding));
  }
  if (isBound(binding)) {
    found.set('subjects', index.subjects.get(binding.subinstance, binding.subid).includes(binding));
    found.set('resources', index.byResource(binding.resource.type, binding.resource.value).includes(binding));
    for (const [key, value] of Object.entries(binding.tags ?? {})) found.set(`tag ${key}`, index.byTag(key, value).includes(binding));
  } else {
    found.set('released', index.released.get(binding.subinstance, binding.subid).includes(binding));
  }
  return [...found]
    .filter(([, isThere]) => !isThere)
    .map(([name]) => `${binding.network} ${binding.address} is missing from the index of ${name}`);
}

function verifyBook(book: PoolBook, parts: LedgerParts): string[] {
  const { name, spec } = book.pool;
  const findings: string[] = [];
  const held = new Map<string, number>();
  const nodes = new Map<string, number>();
  let bound = 0n;
  let heldReserved = 0n;
  let cooling = 0;
  let sticky = 0;
  let marked = 0;
  for (const binding of parts.networks.get(spec.network)?.records.values() ?? []) {
    const place = book.space.locate(binding.address);
    if (!place) continue;
    const state = isBound(binding) ? 'bound' : parts.tombstones.get(binding)?.state;
    if (state === 'bound') {
      bound++;
      if (place.reserved) heldReserved++;
      held.set(binding.subinstance, (held.get(binding.subinstance) ?? 0) + 1);
      for (const node of new Set(binding.attachments.map((attachment) => attachment.node))) nodes.set(node, (nodes.get(node) ?? 0) + 1);
    } else if (!place.reserved && state === 'cooling') cooling++;
    else if (!place.reserved && state === 'sticky') sticky++;
    if (!place.segment || place.offset === FAR || place.reserved) continue;
    const isMarked = place.segment.taken.has(place.offset);
    if (state !== 'over') marked++;
    if (isMarked !== (state !== 'over'))
      findings.push(`pool ${name}: ${binding.address} is ${state} and ${isMarked ? '' : 'not '}marked as taken`);
  }
  for (const segment of book.space.segments) {
    for (const [first, last] of segment.reservedRuns) if (last - first < segment.longestMarked) marked += last - first + 1;
  }
  const counts = book.counts();
  const figures: readonly (readonly [string, unknown, unknown])[] = [
    ['bound', counts.allocated, bound],
    ['reserved and not held', counts.reserved, book.space.reservedCount - heldReserved],
    ['cooling', book.cooling.size, cooling],
    ['sticky', book.sticky.size, sticky],
    ['marked', book.space.markedCount, marked],
    ['tenants', summary(book.heldBySubinstance.entries()), summary(held)],
    ['nodes', summary(book.heldByNode.entries()), summary(nodes)],
  ];
  for (const [figure, counted, rebuilt] of figures) {
    if (counted !== rebuilt) findings.push(`pool ${name}: ${figure} is ${String(counted)} instead of ${String(rebuilt)}`);
  }
  return findings;
}

const summary = (counts: Iterable<readonly [string, number]>): string =>
  [...counts]
    .map(([key, count]) => `${key}=${count}`)
    .sort()
    .join(' ');
