/** Bodies that are wrong: refused with the field's name, never with its value, before anything is done. */
import { describe, expect, test } from 'vitest';
import { done } from '../../src/core/refusal.ts';
import { ask } from '../support/http.ts';
import { stubOperations } from '../support/stub-operations.ts';
import { cniAdd, stamp } from './requests.ts';
import { poolDocument, serve } from './serve.ts';

const allocation = { subinstance: 't', subid: 's', resource: { type: 'vm', value: 'v' } };

const ROWS: readonly [name: string, method: string, path: string, body: unknown, detail: RegExp][] = [
  ['a field missing', 'POST', '/v1/cni/add', { ...cniAdd(), containerId: undefined }, /^containerId: /],
  ['a field too many', 'POST', '/v1/cni/add', { ...cniAdd(), colour: 1 }, /^the body: unrecognized key: "colour"\.$/],
  [
    'a number as text',
    'POST',
    '/v1/cni/add',
    cniAdd({ stamp: { ...stamp, startedTicks: '1' as never } }),
    /^stamp\.startedTicks: .*expected number/,
  ],
  [
    'a stamp of broken nanoseconds',
    'POST',
    '/v1/cni/add',
    cniAdd({ stamp: { ...stamp, monotonicNs: '1e9' } }),
    /^stamp\.monotonicNs: must be a decimal number/,
  ],
  ['a stamp from before the boot', 'POST', '/v1/cni/add', cniAdd({ stamp: { ...stamp, startedTicks: -1 } }), /^stamp\.startedTicks: /],
  [
    'an interface name with a slash',
    'POST',
    '/v1/cni/add',
    cniAdd({ ifName: 'eth/0' }),
    /^ifName: must be the name of a network interface\.$/,
  ],
  ['the interface ".."', 'POST', '/v1/cni/add', cniAdd({ ifName: '..' }), /^ifName: /],
  ['an interface name of 16 bytes', 'POST', '/v1/cni/add', cniAdd({ ifName: 'x'.repeat(16) }), /^ifName: too big/],
  ['a container id that climbs', 'POST', '/v1/cni/del', cniAdd({ containerId: '../../etc' }), /^containerId: must start with a letter/],
  ['a container id of 2 KiB', 'POST', '/v1/cni/del', cniAdd({ containerId: 'x'.repeat(2048) }), /^containerId: too big/],
  ['a network name with a line break', 'POST', '/v1/cni/del', cniAdd({ cniNetwork: 'a\nb' }), /^cniNetwork: /],
  ['a pool name in capitals', 'POST', '/v1/cni/add', cniAdd({ pools: ['Blue'] }), /^pools\.0: /],
  ['40 pools', 'POST', '/v1/cni/add', cniAdd({ pools: Array.from({ length: 40 }, (_, index) => `p${index}`) }), /^pools: too big/],
  ['an empty nested list', 'POST', '/v1/cni/add', cniAdd({ pools: [[]] }), /^pools\.0: /],
  ['a family of its own', 'POST', '/v1/cni/add', cniAdd({ families: ['IPv5' as never] }), /^families\.0: /],
  [
    'requested addresses without end',
    'POST',
    '/v1/cni/add',
    cniAdd({ requested: Array.from({ length: 33 }, () => '10.0.0.1') }),
    /^requested: too big/,
  ],
  ['GC without a list', 'POST', '/v1/cni/gc', { cniVersion: '1.1.0', cniNetwork: 'n', stamp, gcMinAgeSeconds: 0 }, /^validAttachments: /],
  [
    'GC with a negative age',
    'POST',
    '/v1/cni/gc',
    { cniVersion: '1.1.0', cniNetwork: 'n', stamp, validAttachments: [], gcMinAgeSeconds: -1 },
    /^gcMinAgeSeconds: /,
  ],
  [
    'a spool of 5,000',
    'POST',
    '/v1/cni/spool',
    { deletes: Array.from({ length: 5_000 }, () => ({ cniVersion: '1' })) },
    /^deletes|and \d+ more/,
  ],
  ['no subject', 'POST', '/v1/allocate', { ...allocation, subid: '' }, /^subid: too small/],
  [
    'a subject with control characters',
    'POST',
    '/v1/allocate',
    { ...allocation, subid: 'a\u0000b\u001b[31m' },
    /^subid: must not contain control characters\.$/,
  ],
  [
    'half a character',
    'POST',
    '/v1/allocate',
    `{"subinstance":"t","subid":"\\ud800","resource":{"type":"vm","value":"v"}}`,
    /^subid: must not contain control characters\.$/,
  ],
  [
    'a kind of resource of its own',
    'POST',
    '/v1/allocate',
    { ...allocation, resource: { type: 'toaster', value: 'x' } },
    /^resource\.type: /,
  ],
  ['a lease of no time', 'POST', '/v1/allocate', { ...allocation, leaseSeconds: 0 }, /^leaseSeconds: too small/],
  ['a lease of a billion years', 'POST', '/v1/allocate', { ...allocation, leaseSeconds: 1e18 }, /^leaseSeconds: /],
  ['a slot that is none', 'POST', '/v1/allocate', { ...allocation, slot: 1.5 }, /^slot: /],
  ['a tag that is no text', 'POST', '/v1/allocate', { ...allocation, tags: { a: 1 } }, /^tags\.a: /],
  ['a tag with "="', 'POST', '/v1/allocate', { ...allocation, tags: { 'a=b': 'c' } }, /^tags\.a=b: /],
  [
    '100 tags',
    'POST',
    '/v1/allocate',
    { ...allocation, tags: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`t${index}`, ''])) },
    /^tags: must not have more than 64 entries\.$/,
  ],
  ['a release of everything', 'POST', '/v1/release', {}, /^the body: exactly one of address and subinstance must be given\.$/],
  [
    'a release of two things',
    'POST',
    '/v1/release',
    { address: '10.0.0.1', subinstance: 't' },
    /^the body: exactly one of address and subinstance must be given\.$/,
  ],
  ['a release of a subid of nobody', 'POST', '/v1/release', { address: '10.0.0.1', subid: 's' }, /subid needs subinstance\.$/],
  ['a network with subjects', 'POST', '/v1/release', { network: 'default', subinstance: 't' }, /^network goes with address only\.$/],
  ['a renewal without a time', 'POST', '/v1/renew', { address: '10.0.0.1' }, /^leaseSeconds: /],
  ['repair as text', 'POST', '/v1/check', { repair: 'yes' }, /^repair: /],
  ['a pool without ranges', 'PUT', '/v1/pools/a', poolDocument('a', { ranges: [] }), /^spec\.ranges: too small/],
  [
    'a mistyped pool field',
    'PUT',
    '/v1/pools/a',
    poolDocument('a', { ranges: [{ cidr: '10.0.0.0/24' }], gatway: '10.0.0.1' }),
    /^spec: unrecognized key: "gatway"\.$/,
  ],
  [
    'a pool of another kind',
    'PUT',
    '/v1/pools/a',
    { ...poolDocument('a', { ranges: [{ cidr: '10.0.0.0/24' }] }), kind: 'IPPool' },
    /^kind: /,
  ],
  [
    'a pool of another name',
    'PUT',
    '/v1/pools/a',
    poolDocument('b', { ranges: [{ cidr: '10.0.0.0/24' }] }),
    /^metadata\.name is "b" but the path names "a"\.$/,
  ],
  ['a pool name that climbs', 'PUT', '/v1/pools/a', poolDocument('../a', { ranges: [{ cidr: '10.0.0.0/24' }] }), /^metadata\.name: /],
];

describe('a wrong body', () => {
  test.each(ROWS)('%s', async (_name, method, path, body, detail) => {
    const { socketPath } = await serve(stubOperations());
    const response = await ask({ socketPath }, method, path, body);
    expect(response.json).toMatchObject({ status: 400, code: 7, reason: 'InvalidRequest' });
    expect(response.json.detail).toMatch(detail);
    expect(response.headers['content-type']).toBe('application/problem+json');
  });

  test('is not repeated: it may hold a secret', async () => {
    const { socketPath, log } = await serve(stubOperations());
    const secret = 'planted-token-5f3a';
    const bodies = [
      { ...cniAdd(), stamp: secret },
      cniAdd({ ifName: `${secret}/x` }),
      cniAdd({ containerId: ` ${secret}` }),
      { ...allocation, leaseSeconds: secret },
      `{"${secret}`,
    ];
    for (const body of bodies) {
      const response = await ask({ socketPath }, 'POST', '/v1/cni/add', body, { authorization: `Bearer ${secret}` });
      expect(response.status).toBe(400);
      expect(response.text).not.toContain(secret);
    }
    expect(log.length).toBeGreaterThan(0);
    expect(JSON.stringify(log)).not.toContain(secret);
  });

  test('no more than three faults are told at once', async () => {
    const { socketPath } = await serve(stubOperations());
    const { json } = await ask({ socketPath }, 'POST', '/v1/cni/add', {});
    expect(json.detail).toMatch(/^cniVersion: .*; cniNetwork: .*; containerId: .*; and 2 more\.$/);
  });

  test('a key "__proto__" does nothing', async () => {
    const seen: unknown[] = [];
    const operations = stubOperations({
      release: async (target) => {
        seen.push(target);
        return done([]);
      },
    });
    const { socketPath } = await serve(operations);
    const response = await ask({ socketPath }, 'POST', '/v1/release', '{"subinstance":"t","__proto__":{"subid":"x"}}');
    expect([response.status, seen]).toEqual([400, []]);
    expect({}).not.toHaveProperty('subid');
  });
});

describe('what a DEL may say wrongly', () => {
  test('its hint about addresses is not worth failing for', async () => {
    const seen: unknown[] = [];
    const operations = stubOperations({
      del: async (_caller, request) => {
        seen.push(request.prevAddresses);
        return done([]);
      },
    });
    const { socketPath } = await serve(operations);
    const response = await ask({ socketPath }, 'POST', '/v1/cni/del', { ...cniAdd(), prevAddresses: ['nonsense', ''] });
    expect([response.status, response.json, seen]).toEqual([200, { released: [] }, [['nonsense', '']]]);
  });
});
