/** --pools FILE: read whole or not at all, applied in whatever order works. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Operations } from '../../src/ipam/operations.ts';
import { done, refuse } from '../../src/core/refusal.ts';
import { applyPools, parsePoolFile } from '../../src/server/pool-file.ts';
import { openWorld, take } from '../support/ipam-world.ts';
import { poolDocument } from './serve.ts';

const pool = (name: string, cidr = '10.0.0.0/24') =>
  `apiVersion: berth-ipam.dev/v1alpha1\nkind: AddressPool\nmetadata: { name: ${name} }\nspec: { ranges: [{ cidr: ${cidr} }] }\n`;
const other = '10.0.1.0/24';
const names = (text: string) => take(parsePoolFile(text)).map(({ metadata }) => metadata.name);

describe('reading', () => {
  test.each([
    ['nothing', '', []],
    ['comments only', '# later\n---\n# more\n', []],
    ['one document', pool('a'), ['a']],
    ['several, with empty ones between', `${pool('a')}---\n---\n${pool('b', other)}---\n`, ['a', 'b']],
    ['JSON', JSON.stringify(poolDocument('a', { ranges: [{ cidr: '10.0.0.0/24' }] })), ['a']],
    [
      'a list, as berthctl and the API give it',
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [poolDocument('a', { ranges: [{ cidr: '10.0.0.0/24' }] })] }),
      ['a'],
    ],
    [
      'what a cluster has, as kubectl prints it',
      JSON.stringify({
        ...poolDocument('a', { ranges: [{ cidr: '10.0.0.0/24' }] }),
        metadata: {
          name: 'a',
          uid: 'u',
          resourceVersion: '7',
          generation: 2,
          creationTimestamp: '2026-11-24T00:00:00Z',
          labels: { team: 'net' },
          annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
        },
        status: { range: '10.0.0.0/24', family: 'IPv4', total: '256', conditions: [{ type: 'Ready', status: 'True' }] },
      }),
      ['a'],
    ],
  ])('%s', (_name, text, expected) => {
    expect(names(text)).toEqual(expected);
  });

  test.each([
    ['broken YAML', `${pool('a')}---\nkind: [`, /^document 2 is not YAML: .* line \d+/],
    ['a mistyped field', pool('a').replace('ranges', 'rangs'), /^document 1 \("a"\): spec\.ranges: .*spec: unrecognized key: "rangs"\.$/],
    ['another kind', pool('a').replace('AddressPool', 'IPPool'), /^document 1 \("a"\): kind: /],
    ['the wrong version', pool('a').replace('v1alpha1', 'v1'), /^document 1 \("a"\): apiVersion: /],
    ['a name twice', `${pool('a')}---\n${pool('a')}`, /^pool a is there twice\.$/],
    ['host bits in the second document', `${pool('a')}---\n${pool('b', '10.0.1.7/24')}`, /^document 2 \("b"\): .*host bits/],
    [
      'pools that overlap',
      `${pool('a')}---\n${pool('b', '10.0.0.128/25')}`,
      /^document 2 \("b"\): 10\.0\.0\.0\/24 belongs to pool a of network default already; pools may not overlap$/,
    ],
    ['a text', 'hello', /^document 1: the document: /],
    ['a list of texts', '- a\n- b\n', /^document 1: the document: /],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /^document 1: /,
    ],
    ['binary', '\u0000\u0001\u0002', /^document 1/],
  ])('%s is refused', (_name, text, detail) => {
    const outcome = parsePoolFile(text);
    expect(outcome.ok ? 'accepted' : outcome.refusal.detail).toMatch(detail);
  });

  test('pools of two networks may have the same addresses', () => {
    expect(names(`${pool('a')}---\n${pool('b').replace('spec: {', 'spec: { network: blue,')}`)).toEqual(['a', 'b']);
  });

  test('the examples in deploy/examples are right, each on its own', async () => {
    const folder = new URL('../../deploy/examples/', import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const { ipam } = await openWorld();
      const applied = await applyPools(ipam, take(parsePoolFile(readFileSync(new URL(file, folder), 'utf8'))));
      expect(
        take(applied).every(({ change }) => change === 'created'),
        file,
      ).toBe(true);
      await ipam.close();
    }
  });
});

describe('applying', () => {
  test('a range that moves between pools of the file does so in either order', async () => {
    const { ipam } = await openWorld();
    const apply = async (...pools: readonly ReturnType<typeof poolDocument>[]) =>
      take(await applyPools(ipam, take(parsePoolFile(pools.map((document) => JSON.stringify(document)).join('\n---\n')))));
    await apply(
      poolDocument('a', { ranges: [{ cidr: '10.0.0.0/24' }, { cidr: '10.0.1.0/24' }] }),
      poolDocument('b', { ranges: [{ cidr: '10.0.2.0/24' }] }),
    );
    const grown = poolDocument('b', { ranges: [{ cidr: '10.0.1.0/24' }, { cidr: '10.0.2.0/24' }], subnet: '10.0.0.0/16' });
    expect(await apply(grown, poolDocument('a', { ranges: [{ cidr: '10.0.0.0/24' }] }))).toEqual([
      { pool: 'a', change: 'updated' },
      { pool: 'b', change: 'updated' },
    ]);
    await ipam.close();
  });

  test('a pool drained and an address reserved by hand stay so, unless the file says otherwise', async () => {
    const { ipam } = await openWorld();
    const range = { ranges: [{ cidr: '10.0.0.0/24' }] };
    const apply = async (spec: object) =>
      take(await applyPools(ipam, take(parsePoolFile(JSON.stringify(poolDocument('a', spec))))))[0]?.change;
    const now = () => {
      const { state, reserved, cooldownSeconds } = take(ipam.pool('a')).spec;
      return { state, reserved, cooldownSeconds };
    };
    await apply({ ...range, cooldownSeconds: 5 });
    await ipam.applyPool('a', { ...range, state: 'Draining', reserved: ['10.0.0.9'], cooldownSeconds: 7 });
    expect(await apply({ ...range, cooldownSeconds: 5 })).toBe('updated');
    expect(now()).toEqual({ state: 'Draining', reserved: ['10.0.0.9'], cooldownSeconds: 5 });
    expect(await apply({ ...range, cooldownSeconds: 5 })).toBe('unchanged');
    await apply({ ...range, state: 'Active', reserved: [] });
    expect(now()).toEqual({ state: 'Active', reserved: [], cooldownSeconds: 30 });
    await ipam.close();
  });

  test('what stays refused is told, with the pool’s name, and not tried for ever', async () => {
    let calls = 0;
    const operations: Pick<Operations, 'applyPool' | 'pool'> = {
      pool: () => refuse('UnknownPool', 'there is none'),
      applyPool: async (name) => {
        calls += 1;
        if (name === 'bad') return refuse('InvalidRange', 'the ranges overlap');
        return done({ stored: { name, uid: '', version: '', spec: {} as never }, change: 'created' as const });
      },
    };
    const documents = take(parsePoolFile(`${pool('bad')}---\n${pool('good', other)}`));
    const outcome = await applyPools(operations, documents);
    expect(outcome).toEqual(refuse('InvalidRange', 'pool bad: the ranges overlap'));
    expect(calls).toBe(3);
  });
});
