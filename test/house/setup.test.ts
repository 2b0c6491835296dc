import { describe, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, so that it runs on an old Node before anything is installed
import { missingPackages } from '../../cmd/dev/setup.mjs';

const missing = missingPackages as (locked: unknown, installed: unknown, platform: string, arch: string) => string[];
const entry = { version: '1.0.0', integrity: 'sha512-a' };

/** `node_modules/vitest` is there whenever this runs; the folder is looked at too. */
const path = 'node_modules/vitest';

describe('setup finds what is not installed as locked', () => {
  test.each([
    ['as locked', { [path]: entry }, { [path]: entry }, []],
    ['nothing installed', { [path]: entry }, undefined, [path]],
    ['another version', { [path]: entry }, { [path]: { ...entry, version: '1.0.1' } }, [path]],
    ['same version, other content', { [path]: entry }, { [path]: { ...entry, integrity: 'sha512-b' } }, [path]],
    [
      'recorded, but its folder is gone',
      { 'node_modules/not-there': entry },
      { 'node_modules/not-there': entry },
      ['node_modules/not-there'],
    ],
    ['for another platform', { [path]: { ...entry, optional: true, os: ['darwin'] } }, {}, []],
    ['for another processor', { [path]: { ...entry, optional: true, cpu: ['arm64'] } }, {}, []],
    ['optional, for this platform', { [path]: { ...entry, optional: true, os: ['linux'], cpu: ['x64'] } }, {}, [path]],
    ['optional, asked for only by another platform', { [path]: { ...entry, optional: true } }, {}, []],
  ])('%s', (_name, locked, installed, expected) => {
    expect(missing({ packages: { '': {}, ...locked } }, installed && { packages: installed }, 'linux', 'x64')).toEqual(expected);
  });

  test('a broken lockfile is said to be so', () => {
    expect(() => missing(undefined, {}, 'linux', 'x64')).toThrow('package-lock.json is not there or broken');
  });
});
