/** A disk that is full, and one that cannot be written: real ones, in a mount namespace. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { open, tempFolder } from './temp.ts';
import { Reserve } from '../../src/sqlite/reserve.ts';
import { canMount, runOnReadOnlyDisk, runOnSmallDisk } from './small-disk.ts';

// Child processes that fill disks: seconds on a quiet machine, many on a busy one.
vi.setConfig({ testTimeout: 120_000 });

const hasPrlimit = spawnSync('prlimit', ['--fsize=1000000:unlimited', 'true']).status === 0;
const isRoot = process.getuid?.() === 0;

describe.skipIf(!canMount)('with mounts of our own (needs root or user namespaces)', () => {
  test('a full disk: releases go on, nothing new is bound, nothing is lost, and space makes it well', () => {
    const path = tempFolder();
    const full = {
      ok: 'thrown',
      name: 'StoreUnavailable',
      fault: 'Full',
      message: `the disk of the database ${path}/berth.db is full: nothing new is bound until 16 MiB are free on it; releases go on, and nothing that was acknowledged is lost`,
    };
    expect(runOnSmallDisk('fill-disk.ts', path, 60 * 1024, String(20 * 1024))).toEqual({
      acknowledged: true,
      refused: [full],
      released: 300,
      agreedAfterReleases: true,
      agreedWhileFull: true,
      releasedWhileFull: 20,
      agreedAfterRestart: true,
      releasedKept: 100,
      releasedAfterRestart: 20,
      bindAfterRestart: full,
      afterSpace: { ok: true },
    });
  });

  test('a controller on a full disk serves every DEL and what is held already, and refuses new ADDs with the reason', () => {
    const path = tempFolder();
    expect(runOnSmallDisk('serve-on-full-disk.ts', path, 40 * 1024)).toEqual({
      before: 20,
      sameAgain: 5,
      refused: {
        ok: false,
        refusal: {
          reason: 'Unavailable',
          detail: `the disk of the database ${path}/berth.db is full: nothing new is bound until 16 MiB are free on it; releases go on, and nothing that was acknowledged is lost`,
          retryAfterSeconds: 1,
        },
      },
      released: 20,
      bound: 0,
      afterwards: true,
    });
  });

  test('a full disk that is too small for a reserve: everything stops with a sentence, nothing is lost', () => {
    const path = tempFolder();
    expect(runOnSmallDisk('fill-disk.ts', path, 12 * 1024, String(2 * 1024))).toMatchObject({
      acknowledged: true,
      refused: [
        {
          name: 'StoreUnavailable',
          fault: 'Full',
          message: expect.stringContaining(`the disk of the database ${path}/berth.db is full: free some space`),
        },
      ],
      agreedAfterReleases: true,
      agreedWhileFull: true,
      agreedAfterRestart: true,
      afterSpace: { ok: true },
    });
  });

  test('a read-only file system is refused at the door', async () => {
    const folder = tempFolder();
    await open(join(folder, 'berth.db')).close();
    expect(runOnReadOnlyDisk('try-open.ts', folder)).toEqual({
      name: 'StoreUnavailable',
      fault: 'ReadOnly',
      message: `the database ${folder}/berth.db cannot be written: the file, its folder or its file system is read-only for this user`,
    });
  });
});

test.skipIf(!hasPrlimit)(
  'a disk that fails during a commit: nobody is told that it was written or not, nothing half-done is seen, and later writes go on',
  () => {
    const folder = tempFolder();
    const script = fileURLToPath(new URL('failing-disk.ts', import.meta.url));
    const limited = `trap '' XFSZ; exec prlimit --fsize=1000000:unlimited "$0" "$@"`;
    const child = spawnSync('sh', ['-c', limited, process.execPath, script, folder], { encoding: 'utf8' });
    expect(child.stderr).toBe('');
    expect(JSON.parse(child.stdout)).toEqual({
      refused: {
        name: 'StoreAmbiguous',
        message: `the disk of the database ${folder}/berth.db answers with errors: look at the kernel's log, and have a backup ready`,
      },
      counted: 1,
      again: true,
      listed: 0,
      seen: 0,
      kept: 0,
    });
  },
);

describe('without the right to write', () => {
  const script = fileURLToPath(new URL('try-open.ts', import.meta.url));
  // Root may write everywhere, so the process that tries is nobody's.
  const tryOpen = (folder: string): unknown => {
    const child = spawnSync(process.execPath, [script, folder], {
      encoding: 'utf8',
      cwd: '/',
      ...(isRoot && { uid: 65_534, gid: 65_534 }),
    });
    if (child.status !== 0) throw new Error(child.stderr);
    return JSON.parse(child.stdout);
  };

  test('the file: refused with its path', async () => {
    const folder = tempFolder();
    const path = join(folder, 'berth.db');
    await open(path).close();
    chmodSync(folder, 0o777);
    chmodSync(path, 0o444);
    expect(tryOpen(folder)).toMatchObject({
      fault: 'ReadOnly',
      message: expect.stringContaining(`the database ${path} cannot be written`),
    });
  });

  test('the folder: refused with the path', () => {
    const folder = join(tempFolder(), 'sub');
    mkdirSync(folder);
    chmodSync(join(folder, '..'), 0o755);
    chmodSync(folder, 0o555);
    expect(tryOpen(folder)).toMatchObject({ fault: 'ReadOnly', message: expect.stringContaining(`${folder}/berth.db cannot be written`) });
  });
});

test('a reserve that can be neither taken nor given up is none: the commit that asked goes on', () => {
  const gone = new Reserve(join(tempFolder(), 'unmounted', 'berth.db'));
  expect(gone.hold()).toBe(false);
  expect(gone.spend()).toBe(false);
  const folder = tempFolder();
  mkdirSync(join(folder, 'berth.db-reserve'));
  expect(new Reserve(join(folder, 'berth.db')).hold()).toBe(false);
});
