import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

describe('setup finds a Node', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-setup-'));
    mkdirSync(join(folder, 'cmd/dev'), { recursive: true });
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    cpSync('cmd/dev/setup.mjs', join(folder, 'cmd/dev/setup.mjs'));
    writeFileSync(join(folder, 'package-lock.json'), '{"packages": {"": {}}}');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const pinned = () => join(folder, 'node_modules/.bin/node');
  const setUp = () =>
    new Promise<{ code: number | undefined; output: string }>((done) => {
      execFile(process.execPath, [join(folder, 'cmd/dev/setup.mjs')], (error, stdout, stderr) => {
        done({ code: error === null ? 0 : (error.code as number), output: stdout + stderr });
      });
    });

  test('one that runs is not mentioned', async () => {
    writeFileSync(pinned(), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    expect(await setUp()).toEqual({ code: 0, output: '' });
  });

  test('one that does not run is taken away, with its own words and what it needs', async () => {
    writeFileSync(pinned(), '#!/bin/sh\necho "node: error while loading shared libraries: libatomic.so.1" >&2\nexit 127\n');
    chmodSync(pinned(), 0o755);
    const { code, output } = await setUp();
    expect(output).toContain('the pinned Node does not run here: node: error while loading shared libraries: libatomic.so.1');
    expect(output).toContain('apt-get install libatomic1');
    expect(code).toBe(0); // this test runs on a Node that is new enough, which is then the one
    expect(existsSync(pinned())).toBe(false);
  });
});
