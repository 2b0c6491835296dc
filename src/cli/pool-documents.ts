/** AddressPool documents from a file: YAML, several with "---", or JSON; single ones, or a List as `-o yaml` prints it. */
import { normalisePool, overlapOf, rangesOf } from '../core/pool.ts';
import { API_VERSION, type AddressPool } from '../protocol.ts';
import { isFields } from '../client/check-answer.ts';
import { didYouMean } from './usage.ts';

export type PoolDocuments =
  | { readonly ok: true; readonly pools: readonly AddressPool[] }
  /** Everything that is wrong, a sentence each. */
  | { readonly ok: false; readonly problems: readonly string[] };

const DOCUMENT_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];
/** Also what kubectl shows besides. */
const METADATA_FIELDS = ['name', 'uid', 'resourceVersion', 'annotations', 'labels', 'generation', 'creationTimestamp', 'managedFields'];
const SPEC_FIELDS = [
  ...[
    'network',
    'ranges',
    'reserved',
    'subnet',
    'gateway',
    'routes',
    'dns',
    'placement',
    'cooldownSeconds',
    'whenFull',
    'stickySeconds',
    'limits',
  ],
  ...['namespaceSelector', 'podSelector', 'nodeSelector', 'priority', 'default', 'requestedAddresses', 'state'],
];

/** Checks each document by itself, and the documents against each other; what the store already has is the controller's to check. */
export async function parsePoolDocuments(text: string): Promise<PoolDocuments> {
  const { parseAllDocuments } = await import('yaml');
  const problems: string[] = [];
  const pools: AddressPool[] = [];
  const documents = parseAllDocuments(text, { prettyErrors: true, intAsBigInt: true });
  for (const [index, document] of ('empty' in documents ? [] : documents).entries()) {
    const where = `document ${index + 1}`;
    const error = document.errors[0];
    if (error) {
      problems.push(`${where} is not YAML: ${error.message.split('\n')[0]!.replace(/:$/, '')}`);
      continue;
    }
    const value = toPlain(document);
    if (value === null || value === undefined) continue;
    for (const item of itemsOf(value)) {
      const problem = problemOf(item);
      if (problem === undefined) pools.push(item as AddressPool);
      else problems.push(`${where}${nameOf(item)}: ${problem}`);
    }
  }
  if (problems.length === 0) problems.push(...problemsBetween(pools));
  if (problems.length === 0 && pools.length === 0) problems.push('there is no AddressPool in it');
  return problems.length === 0 ? { ok: true, pools } : { ok: false, problems };
}

const toPlain = (document: { toJS(options: { maxAliasCount: number }): unknown }): unknown => {
  try {
    return withNumbers(document.toJS({ maxAliasCount: 100 }));
  } catch {
    return 'too many aliases';
  }
};

/** Integers are read exactly; one that a number cannot hold stays a bigint, and is refused by its field's check. */
function withNumbers(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  if (isFields(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withNumbers(inner)]));
  return value;
}

const itemsOf = (value: unknown): readonly unknown[] =>
  isFields(value) && typeof value['kind'] === 'string' && value['kind'].endsWith('List') && Array.isArray(value['items'])
    ? value['items']
    : [value];

const nameOf = (item: unknown): string =>
  isFields(item) && isFields(item['metadata']) && typeof item['metadata']['name'] === 'string' ? ` (${item['metadata']['name']})` : '';

/** What is wrong with one document by itself. */
function problemOf(item: unknown): string | undefined {
  if (!isFields(item)) return `an AddressPool document is wanted, not ${JSON.stringify(item)?.slice(0, 40)}`;
  const said = (key: string): string => `${key} is ${item[key] === undefined ? 'missing' : JSON.stringify(item[key])}`;
  if (item['kind'] !== 'AddressPool') return `${said('kind')}; only AddressPool can be applied`;
  if (item['apiVersion'] !== API_VERSION) return `${said('apiVersion')}; this berthctl knows ${API_VERSION}`;
  const { metadata, spec } = item;
  if (!isFields(metadata) || typeof metadata['name'] !== 'string') return 'metadata.name is missing';
  if (!isFields(spec)) return 'spec is missing';
  const unknown =
    unknownField(item, DOCUMENT_FIELDS, '') ??
    unknownField(metadata, METADATA_FIELDS, 'metadata.') ??
    unknownField(spec, SPEC_FIELDS, 'spec.');
  if (unknown !== undefined) return unknown;
  const normalised = normalisePool(metadata['name'], spec as unknown as AddressPool['spec']);
  return normalised.ok ? undefined : normalised.refusal.detail;
}

function unknownField(value: Record<string, unknown>, known: readonly string[], prefix: string): string | undefined {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return undefined;
  const isRange = ['cidr', 'first', 'last', 'subnets', 'addresses'].includes(unknown) && known.includes('ranges');
  const hint = isRange ? `; write spec.ranges: [{cidr: 10.0.0.0/24}], or first and last` : didYouMean(unknown, known, prefix);
  return `${prefix}${unknown} is no field${hint}`;
}

/** The same name twice, or two pools of one network that overlap. */
function problemsBetween(pools: readonly AddressPool[]): string[] {
  const problems: string[] = [];
  const seen: { readonly name: string; readonly network: string; readonly ranges: ReturnType<typeof rangesOf> }[] = [];
  for (const { metadata, spec } of pools) {
    const normalised = normalisePool(metadata.name, spec);
    if (!normalised.ok) continue;
    const { network } = normalised.value;
    const ranges = rangesOf(normalised.value);
    if (seen.some(({ name }) => name === metadata.name)) problems.push(`pool ${metadata.name} is there twice`);
    for (const other of seen.filter((candidate) => candidate.network === network && candidate.name !== metadata.name)) {
      const overlap = overlapOf(other.ranges, ranges);
      if (overlap !== undefined) problems.push(`pools ${other.name} and ${metadata.name} of network ${network} both have ${overlap}`);
    }
    seen.push({ name: metadata.name, network, ranges });
  }
  return problems;
}
