/** CNI.md section 4, B: which verb, and what the environment must hold. */
import { readdirSync, readlinkSync, rmdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectError, expectResult, expectSilence, forEachHost } from './world.ts';

forEachHost('B. Dispatch and environment', (world) => {
  test('C010 no CNI_COMMAND: about text on stderr, nothing on stdout, exit 0', async () => {
    for (const value of [undefined, '']) {
      const said = await world().call('ADD', { env: { CNI_COMMAND: value } });
      expectSilence(said);
      expect(said.stderr).toMatch(/Berth.*CNI IPAM plugin[^]*0\.3\.0, 0\.3\.1, 0\.4\.0, 1\.0\.0, 1\.1\.0/);
    }
  });

  test.each([
    ['C011 an unknown command', 'FOO'],
    ['C012 lower case', 'add'],
  ])('%s is error 4 naming CNI_COMMAND', async (_name, value) => {
    expect(expectError(await world().call('ADD', { env: { CNI_COMMAND: value } }), 4).msg).toContain('CNI_COMMAND');
  });

  test.each([
    ['C013', 'ADD', ['CNI_CONTAINERID']],
    ['C014', 'ADD', ['CNI_NETNS']],
    ['C015', 'ADD', ['CNI_IFNAME']],
    ['C016', 'ADD', ['CNI_CONTAINERID', 'CNI_IFNAME']],
    ['C017', 'DEL', ['CNI_CONTAINERID']],
    ['C018', 'DEL', ['CNI_IFNAME']],
    ['C020', 'CHECK', ['CNI_NETNS']],
  ] as const)('%s %s without %j is error 4 naming each (C027: empty is unset)', async (_name, verb, names) => {
    for (const value of [undefined, '']) {
      const { msg } = expectError(await world().call(verb, { env: Object.fromEntries(names.map((name) => [name, value])) }), 4);
      for (const name of names) expect(msg).toContain(name);
    }
  });

  test('C019 DEL without CNI_NETNS, unset and empty', async () => {
    for (const value of [undefined, '']) expectSilence(await world().call('DEL', { env: { CNI_NETNS: value } }));
  });

  test.each([
    ['C021', '-a'],
    ['C022', 'a/b'],
    ['C022', '../x'],
    ['C022', 'a b'],
    ['C022', 'ü'],
    ['C022', 'a\nb'],
  ])('%s container id %j is error 4, and nothing is written anywhere', async (_name, id) => {
    const before = readdirSync(world().directory, { recursive: true });
    for (const verb of ['ADD', 'DEL', 'CHECK'] as const) {
      expect(expectError(await world().call(verb, { id }), 4).msg).toContain('CNI_CONTAINERID');
    }
    expect(readdirSync(world().directory, { recursive: true })).toEqual(before);
  });

  test.each([
    ['C023', 'f'.repeat(64)],
    ['C023', 'a_b.c-d'],
    ['C024', 'x'.repeat(300)],
  ])('%s container id %s is taken', async (_name, id) => {
    const { name } = await world().pool();
    expectResult(await world().call('ADD', { id, pools: [name] }));
    expectSilence(await world().call('DEL', { id, pools: [name] }));
  });

  test('C025 an interface name of 15 characters is taken, of 16 is error 4', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c025', ifName: 'e'.repeat(15), pools: [pool.name] }));
    expectError(await world().call('ADD', { id: 'c025', ifName: 'e'.repeat(16), pools: [pool.name] }), 4);
    expect(await world().held(pool)).toHaveLength(1);
  });

  test.each(['.', '..', 'a/b', 'a:b', 'a b', 'a\tb'])('C026 interface name %j is error 4', async (ifName) => {
    expect(expectError(await world().call('ADD', { ifName }), 4).msg).toContain('CNI_IFNAME');
  });

  test('C028 CNI_PATH is not needed', async () => {
    const { name } = await world().pool();
    for (const value of [undefined, '']) {
      expectResult(await world().call('ADD', { id: 'c028', env: { CNI_PATH: value }, pools: [name] }));
      expectSilence(await world().call('DEL', { id: 'c028', env: { CNI_PATH: value }, pools: [name] }));
    }
  });

  test('C029 CNI_NETNS need not exist', async () => {
    const { name } = await world().pool();
    expectResult(await world().call('ADD', { id: 'c029', env: { CNI_NETNS: '/nowhere/at/all' }, pools: [name] }));
  });

  test("C030 CNI_NETNS is the plugin's own: error 8 before anything is allocated", async () => {
    const pool = await world().pool();
    const env = { CNI_NETNS: `/proc/${process.pid}/ns/net` };
    expect(readlinkSync('/proc/self/ns/net')).toMatch(/^net:/);
    expectError(await world().call('ADD', { id: 'c030', env, pools: [pool.name] }), 8);
    expect(await world().held(pool)).toEqual([]);
    expectResult(await world().call('ADD', { id: 'c030', env: { ...env, CNI_NETNS_OVERRIDE: '1' }, pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c030', env, pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([]);
  });

  test('C031 other variables, huge ones too, change nothing', async () => {
    const { name } = await world().pool();
    const env = {
      CNI_FOO: 'x',
      HUGE: 'h'.repeat(100_000),
      NODE_OPTIONS: '--require /nowhere.js',
      BERTH_CONTROLLER: 'unix:///nowhere',
      SSL_CERT_FILE: '/nowhere',
      LD_BIND_NOW: '1',
    };
    expectResult(await world().call('ADD', { id: 'c031', env, pools: [name] }));
  });

  test('C032 without PATH and HOME (the base environment has neither)', async () => {
    const { name } = await world().pool();
    expectResult(await world().call('ADD', { id: 'c032', env: { CNI_PATH: undefined }, pools: [name] }));
  });

  test('C033 in /, and in a directory that was deleted', async () => {
    const { name } = await world().pool();
    expectResult(await world().call('ADD', { id: 'c033', cwd: '/', pools: [name] }));
    const gone = mkdtempSync(join(tmpdir(), 'berth-gone-'));
    const started = world().start('ADD', { id: 'c033', cwd: gone, pools: [name], env: {} });
    rmdirSync(gone);
    expectResult(await started.said);
  });
});
