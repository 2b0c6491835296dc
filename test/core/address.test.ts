import fc from 'fast-check';
import { parseIp, stringifyIp } from 'ip-bigint';
import { describe, expect, test } from 'vitest';
import { formatIPv6, parseParts, partsOf, valueOf } from '../../src/core/address-parts.ts';
import { canonicalAddress, formatAddress, makeAddress, parseAddress } from '../../src/core/address.ts';
import { bindingName, parseBindingName } from '../../src/core/binding-name.ts';

const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
/** Mostly zeros in runs, because that is where "::" goes. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff), fc.nat(0xf)), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n))
  .filter((value) => value >> 32n !== 0xffffn);

describe('text', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
    expect(canonicalAddress(canonical)).toBe(canonical);
  });

  test.each([
    '',
    ' ',
    '10.0.0',
    '10.1',
    '167772161',
    '0x0a000001',
    '010.0.0.1',
    '10.0.0.01',
    '10.0.0.1.1',
    '10.0.0.256',
    '10.0.0.-1',
    '10.0.0.1 ',
    ' 10.0.0.1',
    '10.0.0.1\n',
    '10.0.0.1/32',
    '١.٢.٣.٤',
    '10。0。0。1',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    'g::',
    'fe80::1%eth0',
    'fe80::1%',
    '[::1]',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    '0:0:0:0:0:ffff:0a00:0001',
    '::010.0.0.1',
    '::1.2.3.4',
    '::1.2.3',
    '00',
    'ab',
    '::1.2.3.256',
    '1.2.3.4::',
    '2001:db8::/64',
    '1'.repeat(100_000),
    ':'.repeat(100_000),
    '1.'.repeat(100_000),
    '__proto__',
  ])('%j is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
    expect(canonicalAddress(text)).toBeUndefined();
  });

  test.each([undefined, null, 7, 10n, {}, [], ['10.0.0.1'], true])('%s is no text', (value) => {
    expect(parseAddress(value as never)).toBeUndefined();
    expect(canonicalAddress(value as never)).toBeUndefined();
  });

  test('random text is refused or means what another library says it means', () => {
    const alphabet = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABF:.%/ x'), maxLength: 45 });
    fc.assert(
      fc.property(alphabet, (text) => {
        const address = parseAddress(text);
        expect(canonicalAddress(text)).toBe(address && formatAddress(address));
        if (address) expect(address.value).toBe(parseIp(text).number);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('against ip-bigint', () => {
  test('IPv4 both ways', () => {
    fc.assert(
      fc.property(ipv4, (value) => {
        const text = stringifyIp({ number: value, version: 4 });
        expect(formatAddress(makeAddress('IPv4', value))).toBe(text);
        expect(parseAddress(text)).toEqual({ family: 'IPv4', value });
      }),
    );
  });

  test('IPv6 both ways, in every spelling', () => {
    fc.assert(
      fc.property(ipv6, (value) => {
        const text = stringifyIp({ number: value, version: 6 });
        expect(formatAddress(makeAddress('IPv6', value))).toBe(text);
        const long = stringifyIp({ number: value, version: 6 }, { compress: false });
        for (const spelling of [text, long, text.toUpperCase()]) expect(parseAddress(spelling)).toEqual({ family: 'IPv6', value });
        expect(parseParts(text)).toEqual(partsOf(value));
        expect(valueOf(partsOf(value))).toBe(value);
      }),
      { numRuns: 500 },
    );
  });

  test('all 256 patterns of zero and other groups', () => {
    for (let pattern = 0; pattern < 256; pattern++) {
      const value = Array.from({ length: 8 }, (_, index) => BigInt((pattern >> index) & 1)).reduce(
        (sum, group) => (sum << 16n) | group,
        0n,
      );
      const { high, middle, low } = partsOf(value);
      expect(formatIPv6(high, middle, low)).toBe(stringifyIp({ number: value, version: 6 }));
    }
  });
});

test('an address is frozen', () => {
  expect(Object.isFrozen(parseAddress('10.0.0.1'))).toBe(true);
});

describe('names of records', () => {
  const dnsSafe = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

  test.each([
    ['default', '10.244.1.7', 'default.10-244-1-7'],
    ['vrf-blue', '2001:db8::1', 'vrf-blue.2001-0db8-0000-0000-0000-0000-0000-0001'],
    ['a', '::', 'a.0000-0000-0000-0000-0000-0000-0000-0000'],
  ])('%s %s is %s', (network, address, name) => {
    expect(bindingName(network, address)).toBe(name);
    expect(parseBindingName(name)).toEqual({ network, address });
  });

  test('are safe, and come back as what they were', () => {
    const network = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
    const address = fc.oneof(
      ipv4.map((value) => makeAddress('IPv4', value)),
      ipv6.map((value) => makeAddress('IPv6', value)),
    );
    fc.assert(
      fc.property(network, address, (name, value) => {
        const text = bindingName(name, formatAddress(value));
        expect(text).toMatch(dnsSafe);
        expect(text.length).toBeLessThanOrEqual(253);
        expect(parseBindingName(text)).toEqual({ network: name, address: formatAddress(value) });
      }),
    );
  });

  test.each([
    '',
    'default',
    'default.10-0-0',
    'default.10-0-0-256',
    'default.010-0-0-1',
    'default.10-0-0-1-1',
    'Default.10-0-0-1',
    '.10-0-0-1',
    '-a.10-0-0-1',
    'default.2001-db8-0-0-0-0-0-1',
    'default.2001-0DB8-0000-0000-0000-0000-0000-0001',
    `${'a'.repeat(10_000)}.10-0-0-1`,
    'default.10-0-0-1\n',
  ])('%j is no name', (name) => expect(parseBindingName(name)).toBeUndefined());
});
