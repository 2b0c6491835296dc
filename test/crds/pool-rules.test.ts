/** AddressPool: what one object can tell is refused at once, in words that help. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnreadableResource, poolResource } from '../../src/kubernetes/resources.ts';
import { describeCluster, request } from '../support/cluster.ts';
import { judge, pool, POOLS, refusalsOf } from './objects.ts';

const V4 = { ranges: [{ cidr: '10.244.0.0/24' }] };
const V6 = { ranges: [{ cidr: 'fd00::/64' }] };
const span = (first: string, last: string) => ({ ranges: [{ first, last }] });

const NOT_AN_ADDRESS = 'must be an IPv4 or IPv6 address (no leading zeros, no zone, no IPv4 within IPv6)';
const EITHER = 'a range is either a cidr, or first and last';
const OVERLAP = 'spec.ranges: two ranges overlap: each address belongs to one range';
const ONE_FAMILY = 'spec.ranges: all ranges of a pool are of one family: make a pool for IPv4 and a pool for IPv6';
const RESERVED = 'must be an address, a CIDR without bits behind its prefix, or first-last';
const GATEWAY_OUTSIDE =
  'spec.gateway: the gateway must lie inside the subnet, which is the pool’s only CIDR unless spec.subnet says another'.replace('’', "'");
const GATEWAY_UNUSABLE = 'spec.gateway: the gateway must not be the network or broadcast address of the subnet';

/** What is wrong with a pool of that spec; nothing, if nothing is expected. */
const ROWS: readonly [title: string, spec: object, ...expected: string[]][] = [
  // Ranges
  ['a CIDR', V4],
  ['an IPv6 CIDR', V6],
  ['upper case and unshortened IPv6', { ranges: [{ cidr: 'FD00:0:0::/64' }] }],
  ['first and last', span('10.0.0.10', '10.0.0.20')],
  ['a single address', span('10.0.0.10', '10.0.0.10')],
  ['a CIDR and a span that touch', { ranges: [{ cidr: '10.0.0.0/24' }, { first: '10.0.1.0', last: '10.0.1.9' }] }],
  ['the whole of IPv6', { ranges: [{ cidr: '::/0' }] }],
  ['64 ranges', { ranges: Array.from({ length: 64 }, (_, index) => ({ cidr: `10.0.${index}.0/24` })) }],
  [
    '64 spans of IPv6',
    { ranges: Array.from({ length: 64 }, (_, index) => ({ first: `fd00:0:0:${index}::1`, last: `fd00:0:0:${index}::ffff` })) },
  ],
  ['no range', { ranges: [] }, 'spec.ranges: spec.ranges in body should have at least 1 items'],
  [
    '65 ranges',
    { ranges: Array.from({ length: 65 }, (_, index) => ({ cidr: `10.0.${index}.0/24` })) },
    'spec.ranges: Too many: 65: must have at most 64 items',
  ],
  ['an empty range', { ranges: [{}] }, `spec.ranges[0]: ${EITHER}`],
  ['only first', { ranges: [{ first: '10.0.0.1' }] }, `spec.ranges[0]: ${EITHER}`],
  ['only last', { ranges: [{ last: '10.0.0.1' }] }, `spec.ranges[0]: ${EITHER}`],
  ['both forms', { ranges: [{ cidr: '10.0.0.0/24', first: '10.0.0.1', last: '10.0.0.9' }] }, `spec.ranges[0]: ${EITHER}`],
  [
    'no CIDR at all',
    { ranges: [{ cidr: '10.244.0.0' }] },
    'spec.ranges[0].cidr: must be a CIDR, such as 10.244.0.0/16 or fd00:10:244::/64',
  ],
  [
    'a prefix too long',
    { ranges: [{ cidr: '10.244.0.0/33' }] },
    'spec.ranges[0].cidr: must be a CIDR, such as 10.244.0.0/16 or fd00:10:244::/64',
  ],
  [
    'bits behind the prefix',
    { ranges: [{ cidr: '10.244.0.7/24' }] },
    'spec.ranges[0].cidr: has bits behind the prefix: write the first address of the block, such as 10.244.0.0/16',
  ],
  [
    'bits behind an IPv6 prefix',
    { ranges: [{ cidr: 'fd00::1/64' }] },
    'spec.ranges[0].cidr: has bits behind the prefix: write the first address of the block, such as 10.244.0.0/16',
  ],
  ['first that is no address', span('10.0.0.256', '10.0.1.1'), `spec.ranges[0].first: ${NOT_AN_ADDRESS}`],
  ['last with a leading zero', span('10.0.0.1', '10.0.0.010'), `spec.ranges[0].last: ${NOT_AN_ADDRESS}`],
  [
    'an IPv4-mapped address',
    span('::ffff:10.0.0.1', '::ffff:10.0.0.9'),
    `spec.ranges[0].first: ${NOT_AN_ADDRESS}`,
    `spec.ranges[0].last: ${NOT_AN_ADDRESS}`,
  ],
  ['first and last of two families', span('10.0.0.1', 'fd00::1'), 'spec.ranges[0]: first and last must be of one family'],
  ['a span that is reversed', span('10.0.0.20', '10.0.0.9'), 'spec.ranges[0]: first must not come after last'],
  ['an IPv6 span that is reversed', span('fd00::1:0', 'fd00::ffff'), 'spec.ranges[0]: first must not come after last'],
  ['an IPv6 span across the middle', span('fd00::ffff', 'fd00::1:0:0:0:1')],
  [
    'IPv6 spans in all spellings',
    {
      ranges: [
        { first: '::', last: '::ff' },
        { first: '0:0::100', last: '0::FFFF' },
        { first: 'fd00:0:0:0:0:0:0:1', last: 'fd00::2' },
      ],
    },
  ],
  ['ranges of two families', { ranges: [...V4.ranges, ...V6.ranges] }, ONE_FAMILY],
  ['a CIDR within another', { ranges: [{ cidr: '10.0.0.0/16' }, { cidr: '10.0.7.0/24' }] }, OVERLAP],
  ['the same CIDR twice', { ranges: [{ cidr: '10.0.0.0/16' }, { cidr: '10.0.0.0/16' }] }, OVERLAP],
  ['a span that begins in a CIDR', { ranges: [{ cidr: '10.0.0.0/24' }, { first: '10.0.0.255', last: '10.0.1.9' }] }, OVERLAP],
  ['a span that ends in a CIDR', { ranges: [{ cidr: '10.0.1.0/24' }, { first: '10.0.0.255', last: '10.0.1.0' }] }, OVERLAP],
  ['a span around a CIDR', { ranges: [{ cidr: '10.0.1.0/24' }, { first: '10.0.0.255', last: '10.0.2.0' }] }, OVERLAP],
  [
    'spans that overlap',
    {
      ranges: [
        { first: '10.0.0.9', last: '10.0.0.20' },
        { first: '10.0.0.20', last: '10.0.0.30' },
      ],
    },
    OVERLAP,
  ],
  [
    'IPv6 spans that overlap',
    {
      ranges: [
        { first: 'fd00::9', last: 'fd00::a0' },
        { first: 'fd00::a', last: 'fd00::b' },
      ],
    },
    OVERLAP,
  ],
  // Subnet and gateway
  ['a subnet around the ranges', { ...span('10.0.0.10', '10.0.0.20'), subnet: '10.0.0.0/24' }],
  ['a subnet that is none', { ...V4, subnet: '10.244.0.0/x' }, 'spec.subnet: must be a CIDR, such as 10.244.0.0/16 or fd00:10:244::/64'],
  [
    'a subnet with bits behind the prefix',
    { ...V4, subnet: '10.244.1.0/16' },
    'spec.subnet: has bits behind the prefix: write the first address of the block, such as 10.244.0.0/16',
  ],
  ['a subnet smaller than the range', { ...V4, subnet: '10.244.0.0/25' }, 'spec.subnet: every range must lie inside spec.subnet'],
  [
    'a subnet that ends before the span',
    { ...span('10.0.0.10', '10.0.1.1'), subnet: '10.0.0.0/24' },
    'spec.subnet: every range must lie inside spec.subnet',
  ],
  ['a gateway', { ...V4, gateway: '10.244.0.1' }],
  ['an IPv6 gateway', { ...V6, gateway: 'fd00::1' }],
  ['a gateway of spans without a subnet', { ...span('10.0.0.10', '10.0.0.20'), gateway: '192.168.0.1' }],
  ['a gateway that is no address', { ...V4, gateway: 'router' }, `spec.gateway: ${NOT_AN_ADDRESS}`],
  ['a gateway of the other family', { ...V4, gateway: 'fd00::1' }, "spec.gateway: the gateway must be of the ranges' family"],
  ['a gateway outside the only CIDR', { ...V4, gateway: '10.244.1.1' }, GATEWAY_OUTSIDE],
  ['a gateway outside the subnet', { ...V4, subnet: '10.244.0.0/23', gateway: '10.244.2.1' }, GATEWAY_OUTSIDE],
  ['a gateway in the subnet, outside the range', { ...V4, subnet: '10.244.0.0/23', gateway: '10.244.1.1' }],
  ['the network address as gateway', { ...V4, gateway: '10.244.0.0' }, GATEWAY_UNUSABLE],
  ['the broadcast address as gateway', { ...V4, gateway: '10.244.0.255' }, GATEWAY_UNUSABLE],
  ['the last but one as gateway', { ...V4, gateway: '10.244.0.254' }],
  ['the subnet-router anycast address as gateway', { ...V6, gateway: 'fd00::' }, GATEWAY_UNUSABLE],
  ['the last IPv6 address as gateway', { ...V6, gateway: 'fd00::ffff:ffff:ffff:ffff' }],
  ['both ends of a /31 (RFC 3021)', { ranges: [{ cidr: '10.0.0.0/31' }], gateway: '10.0.0.1' }],
  ['the first of a /127 (RFC 6164)', { ranges: [{ cidr: 'fd00::/127' }], gateway: 'fd00::' }],
  // Reserved
  ['reserved in all forms', { ...V4, reserved: ['10.244.0.5', '10.244.0.64/28', '10.244.0.100-10.244.0.110'] }],
  ['reserved outside the ranges', { ...V4, reserved: ['192.168.0.1'] }],
  ['reserved that is a word', { ...V4, reserved: ['10.244.0.5', 'printer'] }, `spec.reserved[1]: ${RESERVED}`],
  ['reserved with bits behind the prefix', { ...V4, reserved: ['10.244.0.5/28'] }, `spec.reserved[0]: ${RESERVED}`],
  ['reserved with three parts', { ...V4, reserved: ['10.244.0.1-10.244.0.2-10.244.0.3'] }, `spec.reserved[0]: ${RESERVED}`],
  ['reserved that is reversed', { ...V4, reserved: ['10.244.0.10-10.244.0.9'] }, 'spec.reserved[0]: first must not come after last'],
  ['reserved with IPv4 within IPv6', { ...V6, reserved: ['fd00::1.2.3.4'] }, `spec.reserved[0]: ${RESERVED}`],
  ['reserved of the other family', { ...V4, reserved: ['fd00::1'] }, "spec.reserved: reserved addresses must be of the ranges' family"],
  ['reserved twice', { ...V4, reserved: ['10.244.0.5', '10.244.0.5'] }, 'spec.reserved[1]: Duplicate value: "10.244.0.5"'],
  // Routes and DNS
  [
    'routes',
    {
      ...V4,
      routes: [
        { dst: '0.0.0.0/0' },
        { dst: '10.0.0.0/8', gw: '10.244.0.2', mtu: 1400, advmss: 1360, priority: 10, table: 100, scope: 253 },
      ],
    },
  ],
  ['a route without a destination', { ...V4, routes: [{ gw: '10.244.0.2' }] }, 'spec.routes[0].dst: Required value'],
  ['a route to a word', { ...V4, routes: [{ dst: 'default' }] }, 'spec.routes[0].dst: must be a CIDR, such as 0.0.0.0/0'],
  [
    'a route with bits behind the prefix',
    { ...V4, routes: [{ dst: '10.1.0.0/8' }] },
    'spec.routes[0].dst: has bits behind the prefix: write the first address of the block, such as 10.244.0.0/16',
  ],
  [
    'a route over the other family',
    { ...V4, routes: [{ dst: '0.0.0.0/0', gw: 'fd00::1' }] },
    'spec.routes[0]: dst and gw must be of one family',
  ],
  ['a route over a word', { ...V4, routes: [{ dst: '0.0.0.0/0', gw: 'router' }] }, `spec.routes[0].gw: ${NOT_AN_ADDRESS}`],
  [
    'an MTU below nothing',
    { ...V4, routes: [{ dst: '0.0.0.0/0', mtu: -1 }] },
    'spec.routes[0].mtu: spec.routes[0].mtu in body should be greater than or equal to 0',
  ],
  [
    'DNS',
    { ...V4, dns: { nameservers: ['10.96.0.10', 'fd00::10'], domain: 'example.org', search: ['a.example.org'], options: ['ndots:5'] } },
  ],
  ['a name server that is a name', { ...V4, dns: { nameservers: ['dns.example.org'] } }, `spec.dns.nameservers[0]: ${NOT_AN_ADDRESS}`],
  // Policy
  ['the network of a VRF', { ...V4, network: 'blue-2' }],
  [
    'a network that is no label',
    { ...V4, network: 'Blue_2' },
    'spec.network: must be a DNS label: lower-case letters, digits and dashes, at most 63 characters',
  ],
  [
    'an empty network',
    { ...V4, network: '' },
    'spec.network: must be a DNS label: lower-case letters, digits and dashes, at most 63 characters',
  ],
  [
    'a placement that is none',
    { ...V4, placement: 'Random' },
    'spec.placement: Unsupported value: "Random": supported values: "Home", "Lowest"',
  ],
  [
    'a state that is none',
    { ...V4, state: 'Off' },
    'spec.state: Unsupported value: "Off": supported values: "Active", "NoNew", "Draining"',
  ],
  [
    'a cooldown beyond a year',
    { ...V4, cooldownSeconds: 31_622_401 },
    'spec.cooldownSeconds: spec.cooldownSeconds in body should be less than or equal to 31622400',
  ],
  [
    'a limit of none',
    { ...V4, limits: { perPod: 0 } },
    'spec.limits.perPod: spec.limits.perPod in body should be greater than or equal to 1',
  ],
];

const LABEL_KEY = "a label's key must be a name of at most 63 characters, optionally with a DNS prefix and a slash";
const LABEL_VALUE = "a label's value must be at most 63 letters, digits, dashes, dots and underscores";
const VALUES = 'values must be given for In and NotIn, and must not be given for Exists and DoesNotExist';

const SELECTORS: readonly [title: string, selector: object, ...expected: string[]][] = [
  ['an empty one', {}],
  ['labels', { matchLabels: { 'kubernetes.io/metadata.name': 'shop', tier: '' } }],
  [
    'expressions',
    {
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'example.org/x', operator: 'Exists' },
      ],
    },
  ],
  ['a key with a space', { matchLabels: { 'my team': 'x' } }, `.matchLabels: ${LABEL_KEY}`],
  ['a value with a slash', { matchLabels: { team: 'a/b' } }, `.matchLabels: ${LABEL_VALUE}`],
  [
    'an operator of its own',
    { matchExpressions: [{ key: 'a', operator: 'Is' }] },
    '.matchExpressions[0].operator: Unsupported value: "Is": supported values: "In", "NotIn", "Exists", "DoesNotExist"',
  ],
  ['In without values', { matchExpressions: [{ key: 'a', operator: 'In' }] }, `.matchExpressions[0]: ${VALUES}`],
  ['Exists with values', { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }, `.matchExpressions[0]: ${VALUES}`],
  ['a key with two slashes', { matchExpressions: [{ key: 'a/b/c', operator: 'Exists' }] }, `.matchExpressions[0].key: ${LABEL_KEY}`],
];

/** Texts that are an address, a block or a run to one reader and perhaps not to another. */
const TEXTS = [
  ...['10.244.0.9', '010.0.0.1', '10.0.0', '1.2.3.4.5', '0x0a.1.1.1', ' 10.244.0.9', '10.244.0.9 ', '10.244.0.9/32', ''],
  ...[
    'fd00::',
    'FD00::7',
    'fd00:0:0:0:0:0:0:7',
    '::1.2.3.4',
    'fd00::1.2.3.4',
    '::ffff:10.244.0.1',
    'fd00::1%eth0',
    'fd00:::1',
    '[fd00::1]',
  ],
  ...['10.244.0.0/24', '10.244.0.0/024', '10.244.0.0/+24', '10.244.0.0/33', '10.244.0.0/', '0.0.0.0/0', 'fd00::/64', 'fd00::/129', '::/0'],
  ...['fd00::1.2.3.4/128', '::ffff:10.0.0.0/104', '10.244.0.5-10.244.0.9', '10.244.0.9-10.244.0.5', '10.244.0.5 - 10.244.0.9'],
  ...['fd00::5-fd00::9', 'fd00::1.2.3.4-fd00::1.2.3.5', '10.244.0.5-fd00::9', '-', '10.244.0.5-'],
];

/** Each text in each field that holds one. */
const SPECS: readonly object[] = [V4, V6].flatMap((base) =>
  TEXTS.flatMap((text) => [
    { ...base, gateway: text },
    { ...base, reserved: [text] },
    { ...base, subnet: text },
    { ...base, dns: { nameservers: [text] } },
    { ...base, routes: [{ dst: text }] },
    { ...base, routes: [{ dst: base === V4 ? '0.0.0.0/0' : '::/0', gw: text }] },
    { ranges: [{ cidr: text }] },
    { ranges: [{ first: text, last: base === V4 ? '10.244.0.255' : 'fd00::ffff' }] },
  ]),
);

/** As the controller reads it from the API server. */
function refusalOfCore(spec: object): string | undefined {
  try {
    poolResource.toSpec(pool(spec) as Parameters<typeof poolResource.toSpec>[0]);
    return undefined;
  } catch (error) {
    if (error instanceof UnreadableResource) return error.message;
    throw error;
  }
}

describeCluster('an AddressPool', () => {
  test(`which the API server takes is taken by the controller: ${SPECS.length} specs, however spelled`, { timeout: 120_000 }, async () => {
    let taken = 0;
    for (const spec of SPECS) {
      const refusals = await judge(POOLS, pool(spec));
      expect(refusals.filter((refusal) => /out of bounds|no such|evaluating/.test(refusal))).toEqual([]);
      if (refusals.length > 0) continue;
      taken++;
      expect(refusalOfCore(spec), JSON.stringify(spec)).toBeUndefined();
    }
    expect([taken > 50, taken < SPECS.length / 2]).toEqual([true, true]);
  });

  test('only a reversed run of IPv6 in spec.reserved is left to the controller, which says so in the condition Ready', async () => {
    const reversed = { ...V6, reserved: ['fd00::9-fd00::5'] };
    expect([await judge(POOLS, pool(reversed)), refusalOfCore(reversed)]).toEqual([
      [],
      'the pool pods cannot be used: spec.reserved: the range is reversed: fd00::9 comes after fd00::5',
    ]);
  });

  test.each(ROWS)('with %s', async (_title, spec, ...expected) => {
    expect(await judge(POOLS, pool(spec))).toEqual(expected.toSorted());
  });

  describe.each(['namespaceSelector', 'podSelector', 'nodeSelector'])('with a %s', (field) => {
    test.each(SELECTORS)('%s', async (_title, selector, ...expected) => {
      expect(await judge(POOLS, pool({ ...V4, [field]: selector }))).toEqual(
        expected.map((refusal) => `spec.${field}${refusal}`).toSorted(),
      );
    });
  });

  test('is named by a DNS label', async () => {
    expect(await judge(POOLS, pool(V4, 'pods.blue'))).toEqual([
      "metadata.name: a pool's name must be a DNS label: lower-case letters, digits and dashes, at most 63 characters",
    ]);
    expect(await judge(POOLS, pool(V4, 'p'.repeat(63)))).toEqual([]);
    expect(await judge(POOLS, pool(V4, 'p'.repeat(64)))).toEqual(['metadata.name: Too long: may not be more than 63 bytes']);
  });

  test('with a typo is refused where the caller asks for strictness, as kubectl does', async () => {
    const typo = { ...V4, cooldownSecond: 5 };
    const answer = await request('POST', `${POOLS}?dryRun=All&fieldValidation=Strict`, pool(typo));
    expect(answer.status).toBe(400);
    expect(answer.json.message).toContain('unknown field "spec.cooldownSecond"');
  });

  describe('once it is there', () => {
    beforeAll(async () => {
      expect((await request('POST', POOLS, pool(V4, 'kept'))).status).toBe(201);
    });
    afterAll(async () => {
      expect((await request('DELETE', `${POOLS}/kept`)).status).toBe(200);
    });

    test('has every default', async () => {
      expect((await request('GET', `${POOLS}/kept`)).json.spec).toEqual({
        ...V4,
        network: 'default',
        placement: 'Home',
        cooldownSeconds: 30,
        whenFull: 'Reuse',
        stickySeconds: 0,
        priority: 0,
        default: false,
        requestedAddresses: 'Forbidden',
        state: 'Active',
      });
    });

    test('keeps its network, and may change everything else', async () => {
      const patch = (spec: object) =>
        request('PATCH', `${POOLS}/kept?dryRun=All`, { spec }, { 'content-type': 'application/merge-patch+json' });
      expect(refusalsOf(await patch({ network: 'blue' }))).toEqual([
        "spec.network: a pool's network cannot be changed, because the names of its bindings begin with it: make another pool",
      ]);
      expect(refusalsOf(await patch({ network: 'default', ranges: [{ cidr: '10.244.0.0/16' }], state: 'Draining' }))).toEqual([]);
    });

    // With a /32 nothing on its subnet is on-link, and network and broadcast address would be given away.
    test('keeps having a subnet when it grows', async () => {
      const patch = async (spec: object) =>
        refusalsOf(await request('PATCH', `${POOLS}/kept?dryRun=All`, { spec }, { 'content-type': 'application/merge-patch+json' }));
      const lost =
        'spec.subnet: the pool would lose its subnet, and its addresses their prefix length: only a single cidr is a subnet by itself; write spec.subnet, or make another pool for the new range';
      const grown = [{ cidr: '10.244.0.0/24' }, { cidr: '10.244.1.0/24' }];
      expect(await patch({ ranges: grown })).toEqual([lost]);
      expect(await patch({ ranges: [{ first: '10.244.0.10', last: '10.244.0.99' }] })).toEqual([lost]);
      expect(await patch({ ranges: grown, subnet: '10.244.0.0/16' })).toEqual([]);
    });

    test('takes a status only through its subresource, and counts only as text', async () => {
      const counts = { total: '256', allocated: '1', reserved: '3', cooling: '0', available: '252' };
      const patch = (path: string, body: object) => request('PATCH', path, body, { 'content-type': 'application/merge-patch+json' });
      await patch(`${POOLS}/kept`, { status: counts });
      expect((await request('GET', `${POOLS}/kept`)).json).not.toHaveProperty('status');
      const huge = { ...counts, total: '340282366920938463463374607431768211456' };
      const before = (await request('GET', `${POOLS}/kept`)).json.metadata.generation;
      expect((await patch(`${POOLS}/kept/status`, { status: huge, spec: { state: 'NoNew' } })).json).toMatchObject({
        status: huge,
        spec: { state: 'Active' },
        metadata: { generation: before },
      });
      expect(refusalsOf(await patch(`${POOLS}/kept/status?dryRun=All`, { status: { total: '1e9' } }))).toEqual([
        "status.total: total in body should match '^[0-9]{1,39}$'",
      ]);
    });
  });
});
