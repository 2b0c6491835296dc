/**
 * Whatever is sent, the answer is one of those that the page promises, never 500, and the store stays whole. Bodies are
 * valid ones with a few values exchanged for hostile ones, because pure noise ends at the first check.
 */
import { fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { cniAdd, stamp } from './requests.ts';
import { poolDocument, serveReal } from './serve.ts';

const HOSTILE: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  '',
  ' ',
  '..',
  '\u0000',
  '💥',
  'é',
  '\ud800',
  'constructor',
  '__proto__',
  'x'.repeat(300),
  [],
  [[]],
  {},
  [null],
  '0.0.0.0',
  '255.255.255.255',
  '10.0.0.1',
  '10.0.0.01',
  '10.0.0.256',
  '10.0.0.5/24',
  '10.0.0.0/0',
  '10.0.0.0/99',
  '::',
  '::1',
  'fd00::5',
  'fd00::5%eth0',
  '::ffff:10.0.0.5',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '0x0a000001',
  '167772161',
  '10.0.0.9-10.0.0.1',
  'default',
  'blue',
  'six',
  'none',
  'IPv6',
  Number.MAX_SAFE_INTEGER,
  '9'.repeat(24),
  'Draining',
  'Wait',
  'Lowest',
];

const allocation = {
  pools: ['blue'],
  subinstance: 't',
  subid: 's',
  resource: { type: 'vm', value: 'v' },
  family: 'IPv4',
  slot: 0,
  address: '10.0.0.9',
  leaseSeconds: 60,
  tags: { a: 'b' },
};
const route = { dst: '0.0.0.0/0', gw: '10.0.0.1', mtu: 1500 };
const spec = {
  network: 'default',
  ranges: [{ cidr: '10.0.0.0/24' }, { first: '10.0.2.1', last: '10.0.2.9' }],
  reserved: ['10.0.0.7'],
  subnet: '10.0.0.0/16',
  gateway: '10.0.0.1',
  routes: [route],
  dns: { nameservers: ['10.0.0.1'], search: ['x'] },
  placement: 'Home',
  cooldownSeconds: 30,
  whenFull: 'Reuse',
  stickySeconds: 5,
  limits: { perSubinstance: 200 },
  priority: 1,
  default: true,
  requestedAddresses: 'Allowed',
  state: 'Active',
};

const SEEDS: readonly (readonly [method: string, path: string, body: unknown])[] = [
  [
    'POST',
    '/v1/cni/add',
    {
      ...cniAdd(),
      pod: { namespace: 'ns', name: 'p', uid: 'u' },
      pools: ['blue', ['six']],
      families: ['IPv4'],
      requested: ['10.0.0.5/24'],
    },
  ],
  ['POST', '/v1/cni/del', { ...cniAdd(), prevAddresses: ['10.0.0.5/24'] }],
  ['POST', '/v1/cni/check', { ...cniAdd(), prevAddresses: ['10.0.0.5/24'] }],
  [
    'POST',
    '/v1/cni/gc',
    { cniVersion: '1.1.0', cniNetwork: 'n1', stamp, validAttachments: [{ containerId: 'c1', ifName: 'eth0' }], gcMinAgeSeconds: 0 },
  ],
  ['POST', '/v1/cni/spool', { deletes: [cniAdd()] }],
  ['POST', '/v1/allocate', allocation],
  ['POST', '/v1/release', { network: 'default', address: '10.0.0.9' }],
  ['POST', '/v1/release', { subinstance: 't', subid: 's' }],
  ['POST', '/v1/renew', { network: 'default', address: '10.0.0.9', leaseSeconds: 5 }],
  ['POST', '/v1/check', { repair: true, dryRun: true }],
  ['POST', '/v1/collect', { dryRun: true, approve: true }],
  ['PUT', '/v1/pools/blue', poolDocument('blue', spec)],
  [
    'PUT',
    '/v1/pools/picky',
    poolDocument('picky', {
      ranges: [{ cidr: '10.9.0.0/24' }],
      namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }], matchLabels: { c: 'd' } },
    }),
  ],
  ['PUT', '/v1/pools/six', poolDocument('six', { ranges: [{ cidr: 'fd00::/64' }], gateway: 'fd00::1' })],
];

/** Every path to a value inside, leaves and branches. */
function pathsIn(value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (value === null || typeof value !== 'object') return [path];
  const keys: readonly (string | number)[] = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsIn((value as Record<string | number, unknown>)[key], [...path, key]))];
}

function withValueAt(value: any, [key, ...rest]: readonly (string | number)[], hostile: unknown): unknown {
  if (key === undefined) return hostile;
  if (value === null || typeof value !== 'object') return value;
  const copy: any = Array.isArray(value) ? [...value] : { ...value };
  copy[key] = withValueAt(copy[key], rest, hostile);
  return copy;
}

const request = fc.constantFrom(...SEEDS).chain(([method, path, body]) => {
  const change = fc.tuple(fc.constantFrom(...pathsIn(body)), fc.oneof(fc.constantFrom(...HOSTILE), fc.jsonValue({ maxDepth: 2 })));
  return fc.array(change, { maxLength: 2 }).map((changes) => ({
    method,
    path,
    body: changes.reduce((changed, [where, hostile]) => withValueAt(changed, where, hostile), body),
  }));
});

let ticks = stamp.startedTicks;

/** An older call than the last one is refused early; most should get further. */
function withLaterStamp(body: any): unknown {
  return body?.stamp?.startedTicks === stamp.startedTicks ? { ...body, stamp: { ...body.stamp, startedTicks: (ticks += 1) } } : body;
}

const word = fc.oneof(fc.constantFrom(...HOSTILE.filter((value) => typeof value === 'string')), fc.string());
const lookUp = fc.oneof(
  fc
    .tuple(fc.constantFrom('bindings', 'explain'), word, word)
    .map(([what, network, address]) => `/v1/${what}/${encode(network)}/${encode(address)}`),
  fc
    .tuple(
      fc.constantFrom('network', 'pool', 'subinstance', 'subid', 'resource', 'tag', 'node', 'address', 'state', 'limit', 'continue', 'x'),
      word,
    )
    .map(([name, value]) => `/v1/bindings?state=all&${name}=${encode(value)}`),
  word.map((name) => `/v1/pools/${encode(name)}`),
  fc.string().map((path) => `/${path.replaceAll(/[^\x21-\x7e]/g, '?')}`),
);

/** encodeURIComponent refuses half a character; a client that sends one sends its bytes. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

const EXPECTED = new Set([200, 201, 400, 403, 404, 405, 409, 415, 503]);

test('no request makes the controller fail, and the store stays whole', { timeout: 120_000 }, async () => {
  const { ask, log } = await serveReal();
  await ask('PUT', '/v1/pools/blue', poolDocument('blue', spec));
  await ask('PUT', '/v1/pools/six', poolDocument('six', { ranges: [{ cidr: 'fd00::/64' }], default: true }));
  await fc.assert(
    fc.asyncProperty(request, lookUp, async ({ method, path, body }, look) => {
      const written = await ask(method, path, withLaterStamp(body));
      const failure = log.find(({ level }) => level === 'error');
      expect(
        EXPECTED.has(written.status),
        `${written.status} ${written.text} ${(failure?.fields['err'] as Error | undefined)?.stack}`,
      ).toBe(true);
      if (written.status >= 400) expect(written.json).toMatchObject({ status: written.status, detail: expect.stringMatching(/./) });
      const read = await ask('GET', look);
      expect(EXPECTED.has(read.status), `${look}: ${read.status} ${read.text}`).toBe(true);
    }),
    { numRuns: 600, endOnFailure: false },
  );
  expect((await ask('POST', '/v1/check')).json.findings).toEqual([]);
  expect(log.filter(({ level }) => level === 'error')).toEqual([]);
});
