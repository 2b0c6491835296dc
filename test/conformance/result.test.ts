/** CNI.md section 4, D 51–69: what ADD answers. */
import { expect, test } from 'vitest';
import { addressOf, expectError, expectResult, expectSilence, forEachHost, parseOne } from './world.ts';

const DUAL = { ranges: [{ cidr: 'fd00:0:0:1::/125' }], subnet: 'fd00:0:0:1::/64', gateway: 'fd00:0:0:1::1' };

forEachHost('D. ADD result', (world) => {
  test.each(['0.3.0', '0.3.1', '0.4.0'])('C051 %s: ips with version, the mask of the subnet, no interfaces', async (version) => {
    const { name, prefix } = await world().pool();
    const result = expectResult(await world().call('ADD', { id: 'c051', version, pools: [name] }));
    expect(Object.keys(result).sort()).toEqual(['cniVersion', 'ips']);
    expect(result).toMatchObject({ cniVersion: version, ips: [{ version: '4', gateway: `${prefix}.1` }] });
    expect(result.ips[0]?.address).toMatch(new RegExp(`^${prefix}\\.[2-6]/29$`));
    expect(Object.keys(result.ips[0] ?? {}).sort()).toEqual(['address', 'gateway', 'version']);
  });

  test.each(['1.0.0', '1.1.0'])('C052 %s: the same without version', async (version) => {
    const { name } = await world().pool();
    const { ips } = expectResult(await world().call('ADD', { id: 'c052', version, pools: [name] }));
    expect(Object.keys(ips[0] ?? {}).sort()).toEqual(['address', 'gateway']);
  });

  test.each(['0.1.0', '0.2.0'])('C053, C054 %s is not offered', async (version) => {
    expectError(await world().call('ADD', { version }), 1);
  });

  test('C055 both families, in the order of the pools, IPv6 canonical', async () => {
    const [four, six] = [await world().pool(), await world().pool(DUAL)];
    for (const pools of [
      [four.name, six.name],
      [six.name, four.name],
    ]) {
      const { ips } = expectResult(await world().call('ADD', { id: `c055-${pools[0]}`, pools }));
      expect(ips).toHaveLength(2);
      const [v4, v6] = pools[0] === four.name ? ips : [ips[1], ips[0]];
      expect(v4?.address).toMatch(/^10\..*\/29$/);
      expect(v6?.address).toMatch(/^fd00:0:0:1::[2-7]\/64$/);
      expect(v6?.gateway).toBe('fd00:0:0:1::1');
    }
  });

  test('C055 a list within the list of pools asks for one more address; repeated, the same', async () => {
    const [one, two, three] = [await world().pool(), await world().pool(), await world().pool()];
    const pools = [one.name, [two.name, three.name]];
    const first = await world().call('ADD', { id: 'c055n', pools });
    expect(expectResult(first).ips.map(({ address }) => address.split('.').slice(0, 3).join('.'))).toEqual([one.prefix, two.prefix]);
    expect((await world().call('ADD', { id: 'c055n', pools })).stdout).toBe(first.stdout);
  });

  test('C056 only IPv6: version "6" at 0.4.0', async () => {
    const six = await world().pool({
      ...DUAL,
      ranges: [{ cidr: 'fd00:0:0:2::/125' }],
      subnet: 'fd00:0:0:2::/64',
      gateway: 'fd00:0:0:2::1',
    });
    const { ips } = expectResult(await world().call('ADD', { id: 'c056', version: '0.4.0', pools: [six.name] }));
    expect(ips).toMatchObject([{ version: '6' }]);
  });

  test('C057 exactly one document on stdout, nothing on stderr', async () => {
    const { name } = await world().pool();
    const said = await world().call('ADD', { id: 'c057', pools: [name] });
    expect(said.stdout).toBe(`${JSON.stringify(parseOne(said))}\n`);
    expect(said.stderr).toBe('');
  });

  test('C058 routes as configured; their newer fields only at 1.1.0', async () => {
    const routes = [{ dst: '0.0.0.0/0' }, { dst: '10.96.0.0/12', gw: '10.0.0.9', mtu: 1400, priority: 5 }];
    const { name } = await world().pool({ routes });
    const at = async (version: string) => expectResult(await world().call('ADD', { id: 'c058', version, pools: [name] })).routes;
    expect(await at('1.1.0')).toEqual(routes);
    expect(await at('1.0.0')).toEqual([{ dst: '0.0.0.0/0' }, { dst: '10.96.0.0/12', gw: '10.0.0.9' }]);
  });

  test('C059 dns only where configured', async () => {
    const dns = { nameservers: ['10.0.0.53'], search: ['svc.local'] };
    const [plain, named] = [await world().pool(), await world().pool({ dns })];
    expect(expectResult(await world().call('ADD', { id: 'c059a', pools: [plain.name] })).dns).toBeUndefined();
    expect(expectResult(await world().call('ADD', { id: 'c059b', pools: [named.name] })).dns).toEqual(dns);
  });

  test('C060, C067 a /29 with a gateway gives exactly five; then error 11, and a DEL makes room', async () => {
    const pool = await world().pool({ cooldownSeconds: 0 });
    const got: string[] = [];
    for (let index = 0; index < 5; index += 1) got.push(addressOf(await world().call('ADD', { id: `c060-${index}`, pools: [pool.name] })));
    expect(got.sort()).toEqual([2, 3, 4, 5, 6].map((host) => `${pool.prefix}.${host}`));
    const error = expectError(await world().call('ADD', { id: 'c060-5', pools: [pool.name] }), 11);
    expect(`${error.msg} ${error.details}`).toContain(pool.name);
    expect(await world().held(pool)).toHaveLength(5);
    expectSilence(await world().call('DEL', { id: 'c060-2', pools: [pool.name] }));
    expectResult(await world().call('ADD', { id: 'c060-5', pools: [pool.name] }));
  });

  test('C061 no gateway configured: none in the result, and network + 1 is not handed out', async () => {
    const pool = await world().pool({ gateway: undefined });
    for (let index = 0; index < 5; index += 1) {
      const said = await world().call('ADD', { id: `c061-${index}`, pools: [pool.name] });
      expect(expectResult(said).ips[0]).not.toHaveProperty('gateway');
    }
    expectError(await world().call('ADD', { id: 'c061-5', pools: [pool.name] }), 11);
    expect(await world().held(pool)).not.toContain(`${pool.prefix}.1`);
  });

  test('C062 a pool of one address', async () => {
    const pool = await world().pool({ ranges: [{ first: 'PREFIX.4', last: 'PREFIX.4' }], subnet: undefined, gateway: undefined });
    expect(expectResult(await world().call('ADD', { id: 'c062', pools: [pool.name] })).ips).toEqual([{ address: `${pool.prefix}.4/32` }]);
    expectError(await world().call('ADD', { id: 'c062b', pools: [pool.name] }), 11);
  });

  test('C063 to C065 another container, interface or network is another address', async () => {
    const { name } = await world().pool();
    const got = [
      await world().call('ADD', { id: 'c063', pools: [name] }),
      await world().call('ADD', { id: 'c063b', pools: [name] }),
      await world().call('ADD', { id: 'c063', ifName: 'net1', pools: [name] }),
      await world().call('ADD', { id: 'c063', network: 'n2', pools: [name] }),
    ].map(addressOf);
    expect(new Set(got).size).toBe(4);
  });

  test('C066 the same ADD again: the same result, never a second address', async () => {
    const pool = await world().pool();
    const first = await world().call('ADD', { id: 'c066', pools: [pool.name] });
    expectResult(first);
    for (let round = 0; round < 3; round += 1)
      expect((await world().call('ADD', { id: 'c066', pools: [pool.name] })).stdout).toBe(first.stdout);
    expect(await world().held(pool)).toHaveLength(1);
  });

  test('C068 one family exhausted: an error, and the other family keeps nothing', async () => {
    const four = await world().pool();
    const six = await world().pool({
      ranges: [{ first: 'fd00:0:0:3::5', last: 'fd00:0:0:3::5' }],
      subnet: 'fd00:0:0:3::/64',
      gateway: undefined,
    });
    expectResult(await world().call('ADD', { id: 'c068a', pools: [four.name, six.name] }));
    expectError(await world().call('ADD', { id: 'c068b', pools: [four.name, six.name] }), 11);
    expect(await world().held(four)).toHaveLength(1);
  });

  test('C069 a freed address is not handed to another while others are free', async () => {
    const { name } = await world().pool({ cooldownSeconds: 3600 });
    const first = addressOf(await world().call('ADD', { id: 'c069', pools: [name] }));
    expectSilence(await world().call('DEL', { id: 'c069', pools: [name] }));
    for (let index = 0; index < 4; index += 1) {
      expect(addressOf(await world().call('ADD', { id: `c069-${index}`, pools: [name] }))).not.toBe(first);
    }
  });

  test('C073 prevResult on ADD is not echoed', async () => {
    const { name } = await world().pool();
    const prevResult = { cniVersion: '1.0.0', interfaces: [{ name: 'eth0' }], ips: [{ address: '192.0.2.1/24', interface: 0 }] };
    const said = await world().call('ADD', { id: 'c073', config: { prevResult }, pools: [name] });
    expect(expectResult(said).ips).toHaveLength(1);
    expect(said.stdout).not.toContain('192.0.2.1');
  });
});
