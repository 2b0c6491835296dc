import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { openDatabase } from '../../src/sqlite/open-database.ts';
import { MIGRATIONS } from '../../src/sqlite/migrations.ts';
import { makeVersionOne } from './version-one.ts';
import { open, tempFolder, tempPath, thrownBy } from './temp.ts';

const pragma = (database: DatabaseSync, name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];

/** A closed database with that many bindings. */
async function filled(count: number): Promise<string> {
  const path = tempPath();
  const { store, close } = open(path);
  await Promise.all(Array.from({ length: count }, (_, host) => store.bindings.create(contractName(host), contractBinding(host, 'a'))));
  await close();
  return path;
}

function overwrite(path: string, position: number, length: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(length, 0xa5), 0, length, position);
  closeSync(file);
}

describe('a new database', () => {
  test('says what it is, syncs every commit, and can be read by nobody else', () => {
    const path = tempPath();
    const { close } = open(path);
    const reader = new DatabaseSync(path, { readOnly: true });
    onTestFinished(() => reader.close());
    expect([pragma(reader, 'application_id'), pragma(reader, 'user_version'), pragma(reader, 'journal_mode')]).toEqual([
      0x42657274,
      MIGRATIONS.length,
      'wal',
    ]);
    expect(readdirSync(dirname(path)).sort()).toEqual(['berth.db', 'berth.db-lock', 'berth.db-reserve', 'berth.db-shm', 'berth.db-wal']);
    for (const file of readdirSync(dirname(path))) expect((statSync(join(dirname(path), file)).mode & 0o777).toString(8), file).toBe('600');
    return close();
  });

  test('has the settings that durability rests on', () => {
    const database = openDatabase(tempPath());
    onTestFinished(() => database.close());
    expect([pragma(database, 'synchronous'), pragma(database, 'journal_mode'), pragma(database, 'busy_timeout')]).toEqual([2, 'wal', 250]);
  });

  test('an empty file is one, too', async () => {
    const path = tempPath();
    writeFileSync(path, '');
    expect(await open(path).store.bindings.list()).toEqual([]);
  });

  test('what was written is there when it is opened again, with the same uid and version', async () => {
    const path = await filled(3);
    const first = open(path);
    const before = await first.store.bindings.list();
    await first.close();
    expect(await open(path).store.bindings.list()).toEqual(before);
    expect(before.length).toBe(3);
  });
});

describe('is refused with a sentence', () => {
  test('a file that another controller has open, also by another path, until that one is gone', async () => {
    const path = tempPath();
    const link = join(tempFolder(), 'link.db');
    const first = open(path);
    await first.store.pools.list();
    symlinkSync(path, link);
    for (const way of [path, link]) {
      expect(thrownBy(() => open(way))).toMatchObject({
        name: 'StoreUnavailable',
        fault: 'InUse',
        message: `the database ${path} is in use by another controller: stop that one first`,
      });
    }
    await first.store.bindings.create(contractName(1), contractBinding(1, 'a'));
    await first.close();
    expect((await open(link).store.bindings.list()).length).toBe(1);
  });

  test('a file that another process has, and not any more once that was killed', async () => {
    const path = tempPath();
    const holder = spawn(process.execPath, [fileURLToPath(new URL('hold-database.ts', import.meta.url)), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(holder, 'exit');
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    expect(thrownBy(() => open(path)).fault).toBe('InUse');
    holder.kill('SIGKILL');
    await exited;
    expect((await open(path).store.bindings.list()).map((stored) => stored.name)).toEqual([contractName(1)]);
  });

  test('a newer version', async () => {
    const path = await filled(1);
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    const before = readFileSync(path);
    expect(thrownBy(() => open(path))).toMatchObject({
      name: 'StoreUnavailable',
      fault: 'Newer',
      message: `the database ${path} was written by a newer Berth: install that version again, or restore a backup made before the upgrade (its version is 99, this Berth knows ${MIGRATIONS.length})`,
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a file of something else, which is left as it is', () => {
    const folder = tempFolder();
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'these are my notes, and they are longer than a header\n'.repeat(40));
    const other = join(folder, 'other.db');
    const database = new DatabaseSync(other);
    database.exec('CREATE TABLE songs (title TEXT)');
    database.close();
    const directory = join(folder, 'directory');
    mkdirSync(directory);
    for (const path of [text, other, directory]) {
      const before = path === directory ? undefined : readFileSync(path);
      const error = thrownBy(() => open(path));
      expect(error.fault).toBe('Foreign');
      expect(error.message).toContain(`${path} is not a Berth database`);
      if (before) expect(readFileSync(path).equals(before)).toBe(true);
    }
  });

  test('a folder that does not exist', () => {
    const path = join(tempFolder(), 'nowhere', 'berth.db');
    expect(thrownBy(() => open(path))).toMatchObject({ fault: 'Missing', message: expect.stringContaining('its folder has to exist') });
  });

  test('pages overwritten in the middle', async () => {
    const path = await filled(500);
    overwrite(path, 4096 * 5, 4096 * 20);
    expect(thrownBy(() => open(path))).toMatchObject({
      fault: 'Corrupt',
      message: expect.stringContaining(`the database ${path} is damaged: stop the controller, keep the file`),
    });
  });

  test('a record whose text is not what was written', async () => {
    const path = await filled(3);
    const content = readFileSync(path);
    const position = content.indexOf('{"address":"10.0.0.1"');
    expect(position).toBeGreaterThan(0);
    overwrite(path, position, 4);
    expect(thrownBy(() => open(path))).toMatchObject({
      fault: 'Corrupt',
      message: expect.stringContaining(`the database ${path} is damaged`),
    });
  });

  test('a file cut short', async () => {
    const path = await filled(500);
    truncateSync(path, 4096 * 10 + 17);
    expect(thrownBy(() => open(path)).fault).toBe('Corrupt');
  });

  test('a file whose beginning is gone', async () => {
    const path = await filled(1);
    overwrite(path, 0, 100);
    expect(thrownBy(() => open(path))).toMatchObject({
      fault: 'Foreign',
      message: expect.stringContaining('or its beginning has been overwritten'),
    });
  });

  test('an empty file beside a log that is not', async () => {
    const path = tempPath();
    const { store } = open(path);
    await store.bindings.create(contractName(1), contractBinding(1, 'a'));
    const moved = join(tempFolder(), 'berth.db');
    copyFileSync(`${path}-wal`, `${moved}-wal`);
    expect(thrownBy(() => open(moved))).toMatchObject({
      fault: 'Corrupt',
      message: expect.stringContaining('is missing or empty, but its log'),
    });
    expect(existsSync(moved)).toBe(false);
  });

  test('a refused file is not kept locked', async () => {
    const path = await filled(1);
    const saved = readFileSync(path);
    overwrite(path, 0, 100);
    thrownBy(() => open(path));
    writeFileSync(path, saved);
    expect((await open(path).store.bindings.list()).length).toBe(1);
  });
});

describe('an older version', () => {
  test('is brought to the newest with everything in it, and a copy of it stays', async () => {
    const path = tempPath();
    makeVersionOne(path);
    writeFileSync(`${path}.v1.partial`, 'of a start that was killed');
    const { store, nodes, close } = open(path, { localNode: { name: 'here', bootId: 'boot-1' } });
    expect((await store.bindings.list()).map(({ name, uid, version, spec }) => [name, uid, version, spec])).toEqual(
      [1, 2, 3].map((host) => [contractName(host), `uid-${host}`, String(host), contractBinding(host, 'a')]),
    );
    const old = await store.bindings.get(contractName(1));
    expect(old && (await store.bindings.replace(old, contractBinding(1, 'b'))).ok).toBe(true);
    expect(await nodes.judgeBoot('here', 'boot-1')).toMatchObject({ verdict: 'current' });
    await close();
    const copy = new DatabaseSync(`${path}.v1`, { readOnly: true });
    onTestFinished(() => copy.close());
    expect(pragma(copy, 'user_version')).toBe(1);
    expect(copy.prepare('SELECT count(*) AS n FROM bindings').get()?.['n']).toBe(3);
  });

  test('that went back from an upgrade and is upgraded again leaves a copy of what it is now', async () => {
    const path = tempPath();
    makeVersionOne(path);
    await open(path).close();
    rmSync(path);
    copyFileSync(`${path}.v1`, path);
    const back = new DatabaseSync(path);
    back.exec('DELETE FROM bindings WHERE name = (SELECT min(name) FROM bindings)');
    back.close();
    await open(path).close();
    const copy = new DatabaseSync(`${path}.v1`, { readOnly: true });
    onTestFinished(() => copy.close());
    expect(copy.prepare('SELECT count(*) AS n FROM bindings').get()?.['n']).toBe(2);
  });

  test('stays what it was when a step fails', () => {
    const path = tempPath();
    makeVersionOne(path);
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE one_current_boot (x TEXT) STRICT');
    database.close();
    expect(thrownBy(() => open(path)).message).toContain('one_current_boot');
    const after = new DatabaseSync(path);
    onTestFinished(() => after.close());
    expect(pragma(after, 'user_version')).toBe(1);
    const tables = after.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    expect(tables.map((table) => table['name'])).toEqual(['bindings', 'meta', 'one_current_boot', 'pools']);
  });
});

test('a shell that holds the write lock makes writes fail with a sentence, and nothing else', async () => {
  const path = tempPath();
  const { store } = open(path);
  await store.bindings.create(contractName(1), contractBinding(1, 'a'));
  const shell = new DatabaseSync(path);
  onTestFinished(() => shell.close());
  shell.exec('BEGIN IMMEDIATE');
  const refused = await store.bindings.create(contractName(2), contractBinding(2, 'a')).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    name: 'StoreUnavailable',
    fault: 'Busy',
    message: expect.stringContaining(`the database ${path} is locked by another program`),
  });
  expect((await store.bindings.list()).length).toBe(1);
  shell.exec('ROLLBACK');
  expect((await store.bindings.create(contractName(2), contractBinding(2, 'a'))).ok).toBe(true);
});
