/**
 * Listings in address order. A listing of many pages is sorted once and remembered for its further pages: sorting
 * 100,000 records for each page of 500 would hold up everybody else's ADD.
 */
import { canonicalAddress, parseAddress } from '../core/address.ts';
import { bindingName, parseBindingName } from '../core/binding-name.ts';
import { isBound, type BindingSpec } from '../core/binding.ts';
import { normaliseResource } from '../core/resource.ts';
import type { Stored } from '../store/store.ts';
import type { BindingFilter } from './operations.ts';
import type { View } from './view.ts';

interface Snapshot {
  readonly filter: string;
  readonly names: readonly string[];
  /** Name to place, made when a further page is asked for. */
  places?: ReadonlyMap<string, number>;
}

const REMEMBERED = 4;

export class Listings {
  readonly #view: View;
  readonly #snapshots: Snapshot[] = [];

  constructor(view: View) {
    this.#view = view;
  }

  list(filter: BindingFilter, page?: { readonly limit: number; readonly after?: string }): readonly Stored<BindingSpec>[] {
    if (page === undefined) return sortByAddress(select(this.#view, filter));
    const key = JSON.stringify(filter);
    const remembered =
      page.after === undefined
        ? undefined
        : this.#snapshots.find((snapshot) => snapshot.filter === key && placeOf(snapshot, page.after as string) !== undefined);
    const snapshot = remembered ?? { filter: key, names: sortByAddress(select(this.#view, filter)).map(({ name }) => name) };
    // What fits in one page has no further ones, and must not drive out what others are in the middle of.
    if (snapshot !== remembered && snapshot.names.length > page.limit) this.#remember(snapshot);
    const start = page.after === undefined ? 0 : placeBehind(snapshot, page.after);

    const found: Stored<BindingSpec>[] = [];
    for (let index = start; index < snapshot.names.length && found.length < page.limit; index++) {
      const stored = this.#view.binding(snapshot.names[index] as string);
      if (stored !== undefined && matches(stored.spec, filter)) found.push(stored);
    }
    return found;
  }

  #remember(snapshot: Snapshot): void {
    this.#snapshots.unshift(snapshot);
    this.#snapshots.length = Math.min(this.#snapshots.length, REMEMBERED);
  }
}

function placeOf(snapshot: Snapshot, name: string): number | undefined {
  snapshot.places ??= new Map(snapshot.names.map((known, place) => [known, place]));
  return snapshot.places.get(name);
}

/**
 * Where the next page begins. The last record of the page before may be gone, and its listing forgotten (a restart, many
 * readers): then it goes on where that record would stand, and nobody is shown twice.
 */
function placeBehind(snapshot: Snapshot, name: string): number {
  const place = placeOf(snapshot, name);
  if (place !== undefined) return place + 1;
  const key = sortKeyOfName(name);
  const behind = snapshot.names.findIndex((other) => sortKeyOfName(other) > key);
  return behind < 0 ? snapshot.names.length : behind;
}

/** The narrowest index first; the rest of the filter is checked on what it gives. */
function select(view: View, given: BindingFilter): Stored<BindingSpec>[] {
  const { ledger } = view;
  const filter = withCanonicalResource(given);
  const state = filter.state ?? 'bound';
  if (filter.address !== undefined) return atAddress(view, filter, filter.address);
  let candidates: Iterable<BindingSpec> | undefined;
  if (state === 'bound') {
    if (filter.resource !== undefined) candidates = ledger.byResource(filter.resource.type, filter.resource.value);
    else if (filter.subinstance !== undefined && filter.subid !== undefined)
      candidates = ledger.bySubject(filter.subinstance, filter.subid);
    else if (filter.subinstance !== undefined) candidates = ledger.bySubinstance(filter.subinstance);
    else if (filter.tag !== undefined) candidates = ledger.byTag(filter.tag.key, filter.tag.value);
    else if (filter.node !== undefined) candidates = ledger.byNode(filter.node);
  }
  if (candidates !== undefined) return [...candidates].filter((spec) => matches(spec, filter)).map((spec) => view.storedOf(spec));
  const found: Stored<BindingSpec>[] = [];
  for (const { stored } of view.bindings()) if (matches(stored.spec, filter)) found.push(stored);
  return found;
}

/** A MAC is found in whatever spelling it is asked for. */
function withCanonicalResource(filter: BindingFilter): BindingFilter {
  const resource = filter.resource && normaliseResource(filter.resource);
  return resource?.ok ? { ...filter, resource: resource.value } : filter;
}

/** One record a network at the most. */
function atAddress(view: View, filter: BindingFilter, text: string): Stored<BindingSpec>[] {
  const address = canonicalAddress(text);
  if (address === undefined) return [];
  const networks = filter.network === undefined ? view.ledger.networks() : [filter.network];
  return networks
    .map((network) => view.binding(bindingName(network, address)))
    .filter((stored) => stored !== undefined && matches(stored.spec, { ...filter, address })) as Stored<BindingSpec>[];
}

/** The same judgement on records that come one by one. */
export function matcherOf(given: BindingFilter): (spec: BindingSpec) => boolean {
  const filter = withCanonicalResource(given);
  return (spec) => matches(spec, filter);
}

function matches(spec: BindingSpec, filter: BindingFilter): boolean {
  const state = filter.state ?? 'bound';
  return (
    (state === 'all' || isBound(spec) === (state === 'bound')) &&
    (filter.network === undefined || spec.network === filter.network) &&
    (filter.pool === undefined || spec.pool === filter.pool) &&
    (filter.subinstance === undefined || spec.subinstance === filter.subinstance) &&
    (filter.subid === undefined || spec.subid === filter.subid) &&
    (filter.address === undefined || spec.address === filter.address) &&
    (filter.node === undefined || spec.attachments.some((attachment) => attachment.node === filter.node)) &&
    (filter.resource === undefined || (spec.resource.type === filter.resource.type && spec.resource.value === filter.resource.value)) &&
    (filter.tag === undefined || hasTag(spec, filter.tag))
  );
}

function hasTag(spec: BindingSpec, tag: { readonly key: string; readonly value?: string }): boolean {
  const value = spec.tags?.[tag.key];
  return value !== undefined && (tag.value === undefined || tag.value === value);
}

const sortByAddress = (bindings: readonly Stored<BindingSpec>[]): Stored<BindingSpec>[] => inAddressOrder(bindings, ({ spec }) => spec);

/** By network, then IPv4 before IPv6, then by number. */
export function inAddressOrder<T>(items: readonly T[], specOf: (item: T) => BindingSpec): T[] {
  const keyed = items.map((item) => ({ item, key: sortKey(specOf(item)) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ item }) => item);
}

const sortKeyOfName = (name: string): string => sortKey(parseBindingName(name) ?? { network: name, address: '' });

function sortKey({ network, address }: Pick<BindingSpec, 'network' | 'address'>): string {
  const parsed = parseAddress(address);
  if (parsed === undefined) return `${network}\u0000`;
  return `${network}\u0000${parsed.family}${parsed.value.toString(16).padStart(32, '0')}`;
}
