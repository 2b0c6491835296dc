import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { backupDatabase } from '../../src/sqlite/backup.ts';
import type { SqliteStore } from '../../src/sqlite/open.ts';
import { open, tempFolder, tempPath, thrownBy } from './temp.ts';

const fill = async ({ store }: SqliteStore, from: number, to: number): Promise<void> => {
  const hosts = Array.from({ length: to - from }, (_, index) => from + index);
  await Promise.all(hosts.map((host) => store.bindings.create(contractName(host), contractBinding(host, 'a'))));
};

test('a backup of a running store is one file that opens as the database of that moment', async () => {
  const running = open(tempPath());
  await fill(running, 0, 500);
  const moment = await running.store.bindings.list();
  const folder = tempFolder();
  const destination = join(folder, 'saved.db');
  expect(await running.backup(destination)).toEqual({ path: destination, bytes: statSync(destination).size, bindings: 500, pools: 0 });
  expect(readdirSync(folder)).toEqual(['saved.db']);
  expect((statSync(destination).mode & 0o777).toString(8)).toBe('600');
  await fill(running, 500, 510);
  expect(await open(destination).store.bindings.list()).toEqual(moment);
  expect((await running.store.bindings.list()).length).toBe(510);
});

test('while a backup is made, writes go on, and each is wholly in it or not at all', async () => {
  const running = open(tempPath());
  await fill(running, 0, 4_000);
  const destination = join(tempFolder(), 'saved.db');
  const progress = { finished: false };
  const backup = running.backup(destination).then(() => (progress.finished = true));
  let written = 4_000;
  do await fill(running, written, (written += 10));
  while (!progress.finished);
  await backup;
  const kept = await open(destination).store.bindings.list();
  expect(kept.length).toBeGreaterThanOrEqual(4_000);
  expect(kept.length).toBeLessThanOrEqual(written);
  expect(kept.length % 10, 'ten at a time shared a commit').toBe(0);
});

test('another process can make it, and the running one does not notice', async () => {
  const path = tempPath();
  const running = open(path);
  await fill(running, 0, 3);
  const destination = join(tempFolder(), 'saved.db');
  expect(await backupDatabase(path, destination)).toMatchObject({ bindings: 3 });
  await fill(running, 3, 6);
  expect((await running.store.bindings.list()).length).toBe(6);
});

test('a streamed backup is the same file, and leaves none behind', async () => {
  const path = tempPath();
  const running = open(path);
  await fill(running, 0, 50);
  const sink = new PassThrough();
  const [made, content] = await Promise.all([running.streamBackup(sink), buffer(sink)]);
  const destination = join(tempFolder(), 'saved.db');
  writeFileSync(destination, content);
  expect([made.bytes, made.bindings]).toEqual([content.length, 50]);
  expect(await open(destination).store.bindings.list()).toEqual(await running.store.bindings.list());
  expect(readdirSync(dirname(path)).filter((name) => name.includes('stream'))).toEqual([]);
});

test('a reader that goes away ends a streamed backup, and nothing stays', async () => {
  const path = tempPath();
  const running = open(path);
  await fill(running, 0, 2_000);
  const sink = new PassThrough();
  sink.once('data', () => sink.destroy());
  await expect(running.streamBackup(sink)).rejects.toThrow(/premature close/i);
  expect(readdirSync(dirname(path)).filter((name) => name.includes('stream'))).toEqual([]);
  await fill(running, 2_000, 2_001);
});

test('what a killed process left of a streamed backup goes at the next start', async () => {
  const path = tempPath();
  await open(path).close();
  writeFileSync(`${path}.stream-4711-1`, 'half');
  writeFileSync(`${path}.stream-4711-2.partial`, 'half');
  writeFileSync(join(dirname(path), 'mine.txt'), 'kept');
  await open(path).close();
  expect(readdirSync(dirname(path)).sort()).toEqual(['berth.db', 'berth.db-lock', 'berth.db-reserve', 'mine.txt']);
});

test('a backup overwrites nothing, and a failed one leaves nothing', async () => {
  const path = tempPath();
  const running = open(path);
  const folder = tempFolder();
  const taken = join(folder, 'taken.db');
  writeFileSync(taken, 'mine');
  await expect(running.backup(taken)).rejects.toThrow(`${taken} exists already: a backup never overwrites a file`);
  await expect(running.backup(path)).rejects.toThrow('exists already');
  await expect(running.backup(join(folder, 'nowhere', 'x.db'))).rejects.toThrow('does not exist');
  const notes = join(folder, 'notes.txt');
  writeFileSync(notes, 'these are my notes, and they are longer than a header\n'.repeat(40));
  await expect(backupDatabase(notes, join(folder, 'x.db'))).rejects.toMatchObject({ fault: 'Foreign' });
  await expect(backupDatabase(join(folder, 'absent.db'), join(folder, 'x.db'))).rejects.toMatchObject({ fault: 'Missing' });
  rmSync(notes);
  expect(readFileSync(taken, 'utf8')).toBe('mine');
  expect(readdirSync(folder)).toEqual(['taken.db']);
});

test('a database restored as the page says is that of the backup, and gives no version twice', async () => {
  const path = tempPath();
  const first = open(path);
  const created = await first.store.bindings.create(contractName(1), contractBinding(1, 'a'));
  const saved = join(tempFolder(), 'saved.db');
  await first.backup(saved);
  const changed = created.ok && (await first.store.bindings.replace(created.stored, contractBinding(1, 'b')));
  await first.close();
  for (const ending of ['', '-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
  copyFileSync(saved, path);
  const second = open(path);
  expect((await second.store.bindings.get(contractName(1)))?.spec.subid).toBe('a');
  const again = created.ok && (await second.store.bindings.replace(created.stored, contractBinding(1, 'c')));
  expect(changed && again && changed.ok && again.ok && changed.stored.version !== again.stored.version).toBe(true);
});

test('a backup copied over a database whose log is still there is refused: the log would be played into it', async () => {
  const path = tempPath();
  const killed = open(path);
  await fill(killed, 0, 20);
  const saved = join(tempFolder(), 'saved.db');
  await killed.backup(saved);
  await fill(killed, 20, 40);
  const restored = tempPath();
  copyFileSync(saved, restored);
  copyFileSync(`${path}-wal`, `${restored}-wal`);
  const error = thrownBy(() => open(restored));
  expect(error).toMatchObject({
    fault: 'Corrupt',
    message: expect.stringContaining(`move ${restored}-wal and ${restored}-shm away, and start again`),
  });
  rmSync(`${restored}-wal`);
  expect((await open(restored).store.bindings.list()).length).toBe(20);
});

test('a damaged database is not backed up as if it were sound', async () => {
  const path = tempPath();
  const running = open(path);
  await fill(running, 0, 500);
  await running.close();
  const content = readFileSync(path);
  content.fill(0xa5, 4096 * 5, 4096 * 25);
  writeFileSync(path, content);
  const folder = tempFolder();
  await expect(backupDatabase(path, join(folder, 'saved.db'))).rejects.toMatchObject({
    fault: 'Corrupt',
    message: expect.stringContaining(`the database ${path} is damaged`),
  });
  expect(readdirSync(folder)).toEqual([]);
  expect(existsSync(path)).toBe(true);
  expect(thrownBy(() => open(path)).fault).toBe('Corrupt');
});
