/** CNI.md section 4, C: stdin and what it may hold. */
import { expect, test } from 'vitest';
import { expectError, expectResult, forEachHost } from './world.ts';

forEachHost('C. stdin and configuration', (world) => {
  test.each([
    ['C034 empty stdin', '', 6],
    ['C035 half an object', '{', 6],
    ['C036 a list', '[]', 6],
    ['C036 null', 'null', 6],
    ['C036 a lone string', '"x"', 6],
    ['C036 a deep nest', '['.repeat(200_000), 6],
  ])('%s', async (_name, stdin, code) => {
    expectError(await world().call('ADD', { stdin }), code);
  });

  test.each([
    ['C037 no name', { name: undefined }, 7],
    ['C038 name "a b"', { name: 'a b' }, 7],
    ['C038 name "../n"', { name: '../n' }, 7],
    ['C039 no ipam', { ipam: undefined }, 7],
    ['C042 cniVersion is a number', { cniVersion: 5 }, 6],
    ['C042 ipam is text', { ipam: 'x' }, 7],
    ['C042 name is a number', { name: 5 }, 7],
  ])('%s', async (_name, config, code) => {
    expectError(await world().call('ADD', { config }), code);
  });

  test.each([
    ['pools', 'p1'],
    ['pools', [5]],
    ['pools', [[]]],
    ['families', ['IPv5']],
    ['families', []],
    ['controller', 'http://127.0.0.1:80'],
    ['controller', 'https://controller.example:443'],
    ['identityDir', 'relative'],
    ['spoolDir', 7],
    ['logFile', ''],
    // Half of a surrogate pair: the log is written after the answer, and must not become a second one.
    ['logFile', '/var/log/\ud800/berth.log'],
    ['spoolDir', '/var/lib/\udc00'],
    ['controller', 'unix:///run/\ud800'],
    ['gcMinAgeSeconds', -1],
    ['gcMinAgeSeconds', '600'],
  ])('C042 ipam.%s = %j is error 7 naming it', async (key, value) => {
    expect(expectError(await world().call('ADD', { ipam: { [key]: value } }), 7).msg).toContain(`ipam.${key}`);
  });

  test('C040 no pool named and no default one: an error, nothing allocated', async () => {
    const everything = async () => (await world().controller.ask('GET', '/v1/bindings?state=all')).text;
    const before = await everything();
    const { msg } = expectError(await world().call('ADD', { id: 'c040' }), 7);
    expect(msg).toContain('no default pool');
    expect(await everything()).toBe(before);
  });

  test('C041 a pool that does not exist is named', async () => {
    const error = expectError(await world().call('ADD', { id: 'c041', pools: ['no-such-pool'] }), 101);
    expect(`${error.msg} ${error.details}`).toContain('no-such-pool');
  });

  test("C043 the main plugin's keys are left alone", async () => {
    const { name } = await world().pool();
    const config = {
      capabilities: { ips: true, mac: true },
      dns: { nameservers: ['10.0.0.53'] },
      ipMasq: true,
      bridge: 'cni0',
      isGateway: true,
      nonsense: { a: [1] },
    };
    const { dns } = expectResult(await world().call('ADD', { id: 'c043', config, pools: [name] }));
    expect(dns).toBeUndefined();
  });

  test('C044 an unknown key in ipam is error 2 with key and value', async () => {
    const { msg } = expectError(await world().call('ADD', { ipam: { subnet: '10.0.0.0/8' } }), 2);
    expect(msg).toContain('subnet');
    expect(msg).toContain('10.0.0.0/8');
    expectError(await world().call('ADD', { ipam: { toString: 1 } }), 2);
  });

  test('C045 stdin of a MiB, white space around it', async () => {
    const { name } = await world().pool();
    expectResult(await world().call('ADD', { id: 'c045', config: { ballast: 'b'.repeat(1 << 20) }, pools: [name] }));
    const ipam = { type: 'berth', controller: `unix://${world().controller.socket}`, pools: [name], logFile: world().logFile };
    const stdin = `\n\t ${JSON.stringify({ cniVersion: '1.0.0', name: 'n1', ipam }, null, 2)}\r\n\n`;
    expectResult(await world().call('ADD', { id: 'c045', stdin }));
  });

  test('C046 stdin that nobody closes: an error within bounds, and nobody else waits', async () => {
    const { name } = await world().pool();
    const stuck = world().start('ADD', { id: 'c046', stdin: null });
    stuck.child.stdin?.write('{"cniVersion":"1.0.0",');
    expectResult(await world().call('ADD', { id: 'c046', pools: [name] }));
    expect(expectError(await stuck.said, 5).msg).toContain('stdin');
  });

  test.each([
    ['C047 no cniVersion', undefined],
    ['C048 an empty one', ''],
    ['C049 "0.4"', '0.4'],
    ['C049 "abc"', 'abc'],
    ['C049 "2.0.0"', '2.0.0'],
  ])('%s is error 1 with the supported ones', async (_name, cniVersion) => {
    for (const verb of ['ADD', 'DEL'] as const) {
      expect(expectError(await world().call(verb, { config: { cniVersion } }), 1).details).toContain('0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0');
    }
  });

  test('C050 1.1.0 is supported', async () => {
    const { name } = await world().pool();
    expect(expectResult(await world().call('ADD', { id: 'c050', version: '1.1.0', pools: [name] })).cniVersion).toBe('1.1.0');
  });
});
