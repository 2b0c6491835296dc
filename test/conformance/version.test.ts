/** CNI.md section 4, A: VERSION. */
import { expect, test } from 'vitest';
import { expectError, expectResult, forEachHost, parseOne } from './world.ts';

const SUPPORTED = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
const onlyCommand = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined, CNI_PATH: undefined, CNI_ARGS: undefined };

forEachHost('A. VERSION', (world) => {
  test('C001 only CNI_COMMAND: the supported versions, exit 0', async () => {
    const said = await world().call('VERSION', { env: onlyCommand, stdin: '{"cniVersion":"1.0.0"}' });
    expect(said.code).toBe(0);
    expect(parseOne(said)).toEqual({ cniVersion: '1.0.0', supportedVersions: SUPPORTED });
  });

  test('C002 the version of the input comes back', async () => {
    expect(parseOne(await world().call('VERSION', { version: '0.4.0' }))['cniVersion']).toBe('0.4.0');
  });

  test.each([
    ['C003 empty stdin', ''],
    ['C004 garbage on stdin', '}{ garbage'],
  ])('%s', async (_name, stdin) => {
    const said = await world().call('VERSION', { stdin });
    expect([said.code, parseOne(said)['supportedVersions']]).toEqual([0, SUPPORTED]);
  });

  test("C005 libcni's probe with dummies", async () => {
    const env = { CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_PATH: 'dummy', CNI_CONTAINERID: '', CNI_ARGS: '' };
    expect((await world().call('VERSION', { env })).code).toBe(0);
  });

  test('C006 an invalid container id and interface name are not looked at', async () => {
    expect((await world().call('VERSION', { id: '-a', ifName: 'a/b' })).code).toBe(0);
  });

  test('C007 each listed version is accepted by ADD, and no other', async () => {
    const { name } = await world().pool();
    for (const version of SUPPORTED) expectResult(await world().call('ADD', { id: 'c007', version, pools: [name] }));
    for (const version of ['0.1.0', '0.2.0', '0.5.0', '1.0.1', '1.2.0']) {
      expectError(await world().call('ADD', { id: 'c007', version, pools: [name] }), 1);
    }
  });

  test('C008 needs no controller', async () => {
    const said = await world().call('VERSION', { ipam: { controller: 'unix:///nowhere/berth.sock' } });
    expect(said.code).toBe(0);
    expect(said.milliseconds).toBeLessThan(10_000);
  });

  test('C009 a version of the future', async () => {
    const said = await world().call('VERSION', { version: '9.9.9' });
    expect([said.code, parseOne(said)['supportedVersions']]).toEqual([0, SUPPORTED]);
  });
});
