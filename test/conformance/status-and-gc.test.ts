/** CNI.md section 4, H and I: STATUS and GC, both since 1.1.0. */
import { createServer } from 'node:net';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addressOf, type CallOptions, expectError, expectResult, expectSilence, forEachHost } from './world.ts';

const v = { version: '1.1.0' };
const noAttachment = { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '', CNI_ARGS: '' };

forEachHost('H. STATUS', (world) => {
  test('C129, C134 healthy, the other variables unset or empty', async () => {
    expectSilence(await world().call('STATUS', { ...v, env: { ...noAttachment, CNI_PATH: undefined } }));
    expectSilence(
      await world().call('STATUS', { ...v, env: Object.fromEntries(Object.keys(noAttachment).map((key) => [key, undefined])) }),
    );
  });

  test('C130 at 1.0.0 is error 1', async () => {
    expect(expectError(await world().call('STATUS', { version: '1.0.0' }), 1).msg).toContain('STATUS');
  });

  test('C131 a controller that is away is no error; a socket whose directory is missing is 50, as is a missing token', async () => {
    expectSilence(await world().call('STATUS', { ...v, ipam: { controller: `unix://${world().directory}/nobody.sock` } }));
    expectError(await world().call('STATUS', { ...v, ipam: { controller: 'unix:///nowhere/at/all/berth.sock' } }), 50);
    const identityDir = join(world().directory, 'identity');
    mkdirSync(identityDir, { recursive: true });
    expect(expectError(await world().call('STATUS', { ...v, ipam: { controller: 'https://127.0.0.1:1', identityDir } }), 50).msg).toContain(
      'token',
    );
  });

  test('C132, C135 a full pool is no error, and asking changes nothing', async () => {
    const pool = await world().pool();
    for (let index = 0; index < 5; index += 1) expectResult(await world().call('ADD', { id: `c132-${index}`, pools: [pool.name] }));
    const before = (await world().controller.ask('GET', '/v1/bindings?state=all')).text;
    expectSilence(await world().call('STATUS', { ...v, pools: [pool.name] }));
    expect((await world().controller.ask('GET', '/v1/bindings?state=all')).text).toBe(before);
  });

  test('C133 no name is error 7, broken JSON error 6, an unknown key error 2', async () => {
    expectError(await world().call('STATUS', { ...v, config: { name: undefined } }), 7);
    expectError(await world().call('STATUS', { stdin: '{' }), 6);
    expectError(await world().call('STATUS', { ...v, ipam: { nonsense: 1 } }), 2);
  });

  test('C136 an error does not impair the DEL after it', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c136', pools: [pool.name] }));
    expectError(await world().call('STATUS', { ...v, ipam: { controller: 'unix:///nowhere/at/all/berth.sock' } }), 50);
    expectSilence(await world().call('DEL', { id: 'c136', pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([]);
  });

  test('C137 a controller that hangs is not asked', async () => {
    const socket = join(world().directory, 'hanging.sock');
    let connections = 0;
    const server = createServer(() => (connections += 1));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    expectSilence(await world().call('STATUS', { ...v, ipam: { controller: `unix://${socket}` } }));
    expect(connections).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });
});

forEachHost('I. GC', (world) => {
  const KEY = 'cni.dev/valid-attachments';
  const gc = (network: string, valid: unknown, options: CallOptions = {}) =>
    world().call('GC', {
      ...v,
      network,
      env: noAttachment,
      ...options,
      ipam: { gcMinAgeSeconds: 0, ...options.ipam },
      config: { ...(valid === undefined ? {} : { [KEY]: valid }), ...options.config },
    });

  /** A network of its own with c1/eth0 and c2/eth0. */
  async function two(
    network: string,
  ): Promise<{ pool: Awaited<ReturnType<ReturnType<typeof world>['pool']>>; first: string; second: string }> {
    const pool = await world().pool();
    const [first, second] = [
      addressOf(await world().call('ADD', { id: `${network}-c1`, network, pools: [pool.name] })),
      addressOf(await world().call('ADD', { id: `${network}-c2`, network, pools: [pool.name] })),
    ];
    return { pool, first, second };
  }
  const eth0 = (containerID: string, ifname = 'eth0') => ({ containerID, ifname });

  test('C138, C144, C146 what is not valid goes, unknown ids do not matter, and again is the same', async () => {
    const { pool, first } = await two('g138');
    for (let round = 0; round < 2; round += 1) {
      expectSilence(await gc('g138', [eth0('g138-c1'), eth0('never-seen')]));
      expect(await world().held(pool)).toEqual([first]);
    }
    expectSilence(await world().call('DEL', { id: 'g138-c2', network: 'g138', pools: [pool.name] })); // C150
  });

  test('C139 id and interface match as a pair', async () => {
    const { pool } = await two('g139');
    expectSilence(await gc('g139', [eth0('g139-c1', 'net1')]));
    expect(await world().held(pool)).toEqual([]);
  });

  test.each([
    ['C140 []', []],
    ['C140 null', null],
  ])('%s frees all of this network, C142 and nothing of another', async (name, valid) => {
    const network = `g140${name.length}`;
    const [mine, other] = [await two(network), await two(`${network}x`)];
    expectSilence(await gc(network, valid));
    expect(await world().held(mine.pool)).toEqual([]);
    expect(await world().held(other.pool)).toHaveLength(2);
  });

  test('C141 no list at all is error 7, and frees nothing', async () => {
    const { pool } = await two('g141');
    expectError(await gc('g141', undefined), 7);
    expect(await world().held(pool)).toHaveLength(2);
  });

  test('C145 at 1.0.0 is error 1', async () => {
    expect(expectError(await gc('g145', [], { version: '1.0.0' }), 1).msg).toContain('GC');
  });

  test('C148 of two lists the one of the specification counts; alone, the other does', async () => {
    const { pool, first } = await two('g148');
    expectSilence(await gc('g148', [eth0('g148-c1'), eth0('g148-c2')], { config: { 'cni.dev/attachments': [] } }));
    expect(await world().held(pool)).toHaveLength(2);
    expectSilence(await gc('g148', undefined, { config: { 'cni.dev/attachments': [eth0('g148-c1')] } }));
    expect(await world().held(pool)).toEqual([first]);
  });

  test.each([
    ['strings', ['c1/eth0']],
    ['no ifname', [{ containerID: 'c1' }]],
    ['an object', {}],
    ['text', 'all'],
  ])('C149 a malformed list (%s) is error 7, and frees nothing', async (name, valid) => {
    const network = `g149${name.length}`;
    const { pool } = await two(network);
    expectError(await gc(network, valid), 6, 7);
    expect(await world().held(pool)).toHaveLength(2);
  });

  test('C151 what is younger than gcMinAgeSeconds stays, ten minutes unless said', async () => {
    const { pool } = await two('g151');
    expectSilence(await gc('g151', [], { ipam: { gcMinAgeSeconds: undefined } }));
    expect(await world().held(pool)).toHaveLength(2);
    expectSilence(await gc('g151', []));
    expect(await world().held(pool)).toEqual([]);
  });
});
