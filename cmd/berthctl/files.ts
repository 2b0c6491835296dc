/** The real disk behind src/cli's Files. */
import { access, constants, link, open, readFile, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import type { Files } from '../../src/cli/world.ts';

const ACCESS = { read: constants.R_OK, write: constants.W_OK, execute: constants.X_OK };

export const files: Files = {
  readText: (path) => readFile(path, 'utf8'),
  list: (directory) => readdir(directory),
  async facts(path) {
    const found = await stat(path);
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : found.isSocket() ? 'socket' : 'other';
    return { kind, mode: found.mode & 0o7777, uid: found.uid };
  },
  mayAccess: (path, how) =>
    access(path, ACCESS[how]).then(
      () => true,
      () => false,
    ),
  async writeWhole(path, replace, fill) {
    if (!replace) await refuseExisting(path);
    const partial = `${path}.partial-${process.pid}`;
    // Opened before anything is asked for: what cannot be written is known at once.
    const file = await open(partial, 'wx', 0o600);
    try {
      const bytes = await fill(sinkOf(file));
      await file.sync();
      // A link refuses to replace, a rename does not.
      if (replace) await rename(partial, path);
      else await link(partial, path);
      await syncDirectory(dirname(path));
      return bytes;
    } finally {
      await file.close();
      await unlink(partial).catch(() => undefined);
    }
  },
};

const sinkOf = (file: FileHandle): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, callback) => {
      // From the current position, and all of it: FileHandle.write may stop short.
      file.writeFile(chunk).then(() => callback(), callback);
    },
  });

async function refuseExisting(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  await directory.sync().finally(() => directory.close());
}
