import { test as property, fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { formatAge } from '../../src/cli/age.ts';
import { formatJson, formatYaml } from '../../src/cli/documents.ts';
import { parseDuration, parseSeconds } from '../../src/cli/duration.ts';
import { exitCodeOf } from '../../src/cli/exit-code.ts';
import { readAddressName, readPoolName } from '../../src/cli/names.ts';
import { formatUse } from '../../src/cli/print-pools.ts';
import { formatTable } from '../../src/cli/table.ts';
import { count, printable } from '../../src/cli/text.ts';
import { nearest } from '../../src/cli/usage.ts';

describe('ages are as kubectl writes them', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [330, '5m30s'],
    [600, '10m'],
    [10_799, '179m'],
    [10_800, '3h'],
    [20_000, '5h33m'],
    [28_800, '8h'],
    [172_799, '47h'],
    [172_800, '2d'],
    [180_000, '2d2h'],
    [691_200, '8d'],
    [63_071_999, '729d'],
    [63_072_000, '2y'],
    [70_000_000, '2y80d'],
    [252_288_000, '8y'],
    [-1, '0s'],
    [-60, '<invalid>'],
    [Number.NaN, '<unknown>'],
  ];
  test.each(cases)('%d seconds are %s', (seconds, text) => expect(formatAge(seconds * 1000)).toBe(text));
});

describe('durations', () => {
  const cases: [string, number][] = [
    ['90', 90_000],
    ['500ms', 500],
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['1.5h', 5_400_000],
  ];
  test.each(cases)('%s', (text, milliseconds) => expect(parseDuration(text, '--lease')).toBe(milliseconds));
  test.each(['', 'h', '1x', '1h 30m', '-5s', '1h30', 's5', '1e3', '٣s'])('%j is none', (text) => {
    expect(() => parseDuration(text, '--lease')).toThrow(/^--lease: ".*" is no duration; write it like 30s, 1h30m or 7d$/);
  });
  test('columns stay in line below names of any script, accents and emoji', () => {
    const rows = ['web', '仮想マシン', 'e\u0301te\u0301', '한국', '👩‍👩‍👧', '❤️', 'ｶﾅ'].map((name) => [name, 'x']);
    const lines = formatTable({ columns: ['NAME', 'X'], rows }, { headers: false, colours: false }).split('\n');
    // As many blanks as a terminal's columns leave over: the widest has 10, and 3 are between the columns.
    expect(lines.slice(0, -1).map((line) => / +/.exec(line)![0].length)).toEqual([10, 3, 10, 9, 11, 11, 11]);
  });
  test('a lease is whole seconds', () => {
    expect(parseSeconds('1m', '--lease')).toBe(60);
    expect(() => parseSeconds('1500ms', '--lease')).toThrow('whole number of seconds');
    expect(() => parseSeconds('0', '--lease')).toThrow('at least 1');
    expect(() => parseSeconds('99999999999999999999', '--lease')).toThrow('whole number of seconds');
  });
});

test.each([
  ['lst', ['list', 'get'], 'list'],
  ['gte', ['list', 'get'], 'get'],
  ['dra', ['drain', 'resume'], 'drain'],
  ['nohead', ['no-headers', 'output'], 'no-headers'],
  ['Output', ['no-headers', 'output'], 'output'],
  ['xyz', ['list', 'get'], undefined],
])('nearest to %s is %s', (word, candidates, expected) => expect(nearest(word, candidates as string[])).toBe(expected));

test.each([
  ['blue', 'blue'],
  ['pool/blue', 'blue'],
  ['addresspool/blue', 'blue'],
  ['addresspool.berth-ipam.dev/blue', 'blue'],
])('the pool %s is %s', (text, name) => expect(readPoolName(text)).toBe(name));

test.each([
  ['10.0.0.5', '10.0.0.5', undefined],
  ['FD00:0::1', 'fd00::1', undefined],
  ['default.10-0-0-5', '10.0.0.5', 'default'],
  ['addressbinding/lab.10-0-0-5', '10.0.0.5', 'lab'],
  ['abind/a-b.fd00-0000-0000-0000-0000-0000-0000-0001', 'fd00::1', 'a-b'],
])('the address %s is %s in %s', (text, address, network) => expect(readAddressName(text)).toEqual({ address, network }));

test.each([
  '',
  '10.0.0',
  '10.0.0.256',
  '010.0.0.1',
  '10.0.0.5/24',
  'fe80::1%eth0',
  '::ffff:10.0.0.1',
  'default.10-0-0-256',
  'host.example',
])('%j is no address', (text) => expect(() => readAddressName(text)).toThrow(`"${text}" is not an IP address`));

test.each([
  ['256', '3', '0', '0%'],
  ['256', '3', '1', '<1%'],
  ['256', '3', '253', '100%'],
  ['256', '3', '252', '99%'],
  [String(2n ** 80n), '2', '1', '<1%'],
  [String(2n ** 80n), '0', String(2n ** 79n), '50%'],
  ['4', '4', '0', '-'],
])('%s with %s reserved and %s held is %s used', (total, reserved, allocated, use) =>
  expect(formatUse({ total, reserved, allocated })).toBe(use),
);

describe('tables', () => {
  const table = {
    columns: ['NAME', 'STATE', 'X'],
    rows: [
      ['a', { text: 'Bound', colour: 'green' as const }, '1'],
      ['größer', 'x', ''],
    ],
  };
  test('columns are as wide as their widest text, the last one is not padded', () => {
    expect(formatTable(table, { headers: true, colours: false })).toBe('NAME     STATE   X\na        Bound   1\ngrößer   x       \n');
  });
  test('colours do not shift columns', () => {
    expect(formatTable(table, { headers: false, colours: true })).toBe('a        \u001b[32mBound\u001b[39m   1\ngrößer   x       \n');
  });
  test('without rows there is nothing, not even headers', () =>
    expect(formatTable({ ...table, rows: [] }, { headers: true, colours: false })).toBe(''));
});

test('what could move a cursor, forge a line or turn the direction of writing is shown as an escape', () => {
  expect(printable('a\u001b[31m\r\n\u009b\u2028\u202eb\ud800\u200fé😀')).toBe(
    'a\\u001b[31m\\u000d\\u000a\\u009b\\u2028\\u202eb\\ud800\\u200fé😀',
  );
});

const documents = fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.array(fc.string())));
property.prop([documents])(
  'documents come back from JSON and YAML as they were, and hold no character that a terminal obeys',
  async (value) => {
    const plain = { ...value };
    for (const text of [formatJson(plain), await formatYaml(plain)]) {
      expect(text.replace(/\n/g, '')).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u);
      expect(parse(text, { uniqueKeys: false })).toEqual(plain);
    }
  },
);

test.each([
  ['2026-11-24T03:24:03Z', '"2026-11-24T03:24:03Z"'],
  ['02:00:00:00:00:01', '"02:00:00:00:00:01"'],
  ['no', '"no"'],
  ['0o7', '"0o7"'],
  ['1_000', '"1_000"'],
  ['blue', 'blue'],
])('YAML 1.1 and 1.2 readers both take %s for text', async (value, written) =>
  expect(await formatYaml({ value })).toBe(`value: ${written}\n`),
);

test('counting', () => {
  expect([count(0, 'pool'), count(1, 'pool'), count('1', 'address', 'addresses'), count('2', 'address', 'addresses')]).toEqual([
    '0 pools',
    '1 pool',
    '1 address',
    '2 addresses',
  ]);
});

test('exit codes: what is missing is 4, what is out of reach 3, every other no is 1', () => {
  expect([exitCodeOf('BindingNotFound'), exitCodeOf('UnknownPool'), exitCodeOf('Unavailable'), exitCodeOf('Overloaded')]).toEqual([
    4, 4, 3, 3,
  ]);
  expect([exitCodeOf('PoolFull'), exitCodeOf('IpAlreadyAllocated'), exitCodeOf('Conflict'), exitCodeOf('InvalidRequest')]).toEqual([
    1, 1, 1, 1,
  ]);
});
