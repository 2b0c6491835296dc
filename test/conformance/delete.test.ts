/** CNI.md section 4, F: DEL. */
import { expect, test } from 'vitest';
import { addressOf, expectError, expectResult, expectSilence, forEachHost, podArguments } from './world.ts';

forEachHost('F. DEL', (world) => {
  test('C097, C098 ADD, then DEL three times', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c097', pools: [pool.name] }));
    for (let round = 0; round < 3; round += 1) {
      expectSilence(await world().call('DEL', { id: 'c097', pools: [pool.name] }));
      expect(await world().held(pool)).toEqual([]);
    }
  });

  test('C099 to C101 an unknown id, another interface, another network: success, and what is held stays', async () => {
    const pool = await world().pool();
    const held = addressOf(await world().call('ADD', { id: 'c099', pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c099x', pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c099', ifName: 'net1', pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c099', network: 'n2', pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([held]);
  });

  test('C102 a netns path that is gone', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c102', pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c102', env: { CNI_NETNS: '/run/netns/gone' }, pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([]);
  });

  test("C103 prevResult with somebody else's address, or nonsense: only its own is released", async () => {
    const pool = await world().pool();
    const other = addressOf(await world().call('ADD', { id: 'c103x', pools: [pool.name] }));
    const results: readonly unknown[] = [
      { cniVersion: '1.0.0', ips: [{ address: `${other}/29` }] },
      { cniVersion: '1.0.0', ips: Array.from({ length: 1000 }, () => ({ address: `${other}/29` })) },
      { ips: [5, null, { address: 'x'.repeat(5000) }] },
      'nonsense',
    ];
    for (const prevResult of results) {
      expectResult(await world().call('ADD', { id: 'c103', pools: [pool.name] }));
      expectSilence(await world().call('DEL', { id: 'c103', config: { prevResult }, pools: [pool.name] }));
      expect(await world().held(pool)).toEqual([other]);
    }
  });

  test('C104 DEL after an ADD that failed', async () => {
    expectError(await world().call('ADD', { id: 'c104', pools: ['no-such-pool'] }), 101);
    expectSilence(await world().call('DEL', { id: 'c104', pools: ['no-such-pool'] }));
  });

  test('C105, C106 late DELs of the old sandbox leave the new one alone', async () => {
    const pool = await world().pool();
    const CNI_ARGS = 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p;K8S_POD_UID=u';
    expectResult(await world().call('ADD', { id: 'old', env: { CNI_ARGS }, pools: [pool.name] }));
    const fresh = addressOf(await world().call('ADD', { id: 'new', env: { CNI_ARGS }, pools: [pool.name] }));
    for (let round = 0; round < 2; round += 1) {
      expectSilence(await world().call('DEL', { id: 'old', env: { CNI_ARGS }, pools: [pool.name] }));
      expect(await world().held(pool)).toContain(fresh);
    }
    expect(addressOf(await world().call('ADD', { id: 'third', pools: [pool.name] }))).not.toBe(fresh);
  });

  test('C107 with another pool in the configuration, or one that is gone', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c107', pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c107', pools: ['gone'] }));
    expect(await world().held(pool)).toEqual([]);
    expectResult(await world().call('ADD', { id: 'c107', pools: [pool.name] }));
    const answer = await world().controller.ask('DELETE', `/v1/pools/${pool.name}?force=true`);
    expect(answer.status, answer.text).toBe(200);
    expectSilence(await world().call('DEL', { id: 'c107', pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([]);
  });

  test.each([
    ['nonsense', 'FOO=BAR;;=;A=b=c'],
    ['a held address', 'IP=PREFIX.2'],
    ['a broken address', 'IP=garbage'],
    ['no pod', ''],
  ])('C108 CNI_ARGS with %s', async (_name, args) => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c108', pools: [pool.name] }));
    const env = { CNI_ARGS: args.replace('PREFIX', pool.prefix) };
    expectSilence(await world().call('DEL', { id: 'c108', env, pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([]);
  });

  test('C109 an edited ipam section does not hold a release up', async () => {
    const pool = await world().pool();
    for (const ipam of [{ subnet: 'x', pools: undefined }, { pools: 5 }, { families: [], gcMinAgeSeconds: 'x' }]) {
      expectResult(await world().call('ADD', { id: 'c109', pools: [pool.name] }));
      expectSilence(await world().call('DEL', { id: 'c109', ipam }));
      expect(await world().held(pool)).toEqual([]);
    }
    expectError(await world().call('DEL', { id: 'c109', ipam: { controller: 'nonsense' } }), 7);
  });

  test('C110, C111 an unsupported version is error 1, broken JSON error 6', async () => {
    expectError(await world().call('DEL', { version: '9.9.9' }), 1);
    expectError(await world().call('DEL', { stdin: '{"cniVersion":' }), 6);
  });

  test('C115 ADD again after DEL with the same id', async () => {
    const { name } = await world().pool();
    for (let round = 0; round < 3; round += 1) {
      expectSilence(await world().call('DEL', { id: 'c115', env: { CNI_NETNS: '' }, pools: [name] }));
      expectResult(await world().call('ADD', { id: 'c115', pools: [name] }));
    }
  });

  test("C116 the ips capability naming another's address", async () => {
    const pool = await world().pool();
    const other = addressOf(await world().call('ADD', { id: 'c116x', pools: [pool.name] }));
    expectResult(await world().call('ADD', { id: 'c116', pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c116', config: { runtimeConfig: { ips: [other] } }, pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([other]);
  });

  test('C117 at 0.3.1, without prevResult', async () => {
    const pool = await world().pool();
    const env = { CNI_ARGS: podArguments('c117') };
    expectResult(await world().call('ADD', { id: 'c117', version: '0.3.1', env, pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c117', version: '0.3.1', env, pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([]);
  });
});
