/** CNI.md section 4, E: requested addresses and CNI_ARGS. */
import { expect, test } from 'vitest';
import { addressOf, expectError, expectResult, expectSilence, forEachHost, podArguments } from './world.ts';

forEachHost('E. Requested addresses and CNI_ARGS', (world) => {
  const withIp = (id: string, ip: string): { readonly CNI_ARGS: string } => ({ CNI_ARGS: `${podArguments(id, id, id)};IP=${ip}` });

  test.each([
    ['C078 IP=x', ''],
    ['C079 IP=x/len', '/24'],
  ])('%s gives x with the mask of the subnet', async (_name, suffix) => {
    const { name, prefix } = await world().pool();
    const said = await world().call('ADD', { id: 'c078', env: withIp('c078', `${prefix}.5${suffix}`), pools: [name] });
    expect(expectResult(said).ips[0]?.address).toBe(`${prefix}.5/29`);
  });

  test('C080 a held one is refused with 102 naming the holder, who keeps it', async () => {
    const pool = await world().pool();
    const ip = `${pool.prefix}.5`;
    expectResult(await world().call('ADD', { id: 'c080', env: withIp('c080', ip), pools: [pool.name] }));
    expect(expectError(await world().call('ADD', { id: 'c080b', env: withIp('c080b', ip), pools: [pool.name] }), 102).msg).toContain(
      'c080',
    );
    expect(await world().held(pool)).toEqual([ip]);
  });

  test.each([
    ['C081 outside the pool', '203.0.113.7'],
    ['C082 the gateway', 'PREFIX.1'],
    ['C082 the network address', 'PREFIX.0'],
    ['C082 the broadcast address', 'PREFIX.7'],
  ])('%s is refused', async (_name, ip) => {
    const pool = await world().pool();
    const env = withIp('c081', ip.replace('PREFIX', pool.prefix));
    expectError(await world().call('ADD', { id: 'c081', env, pools: [pool.name] }), 103);
    expect(await world().held(pool)).toEqual([]);
  });

  test.each(['garbage', '1.2.3', '1.2.3.4.5', '10.0.0.1/33/2', '::g', '010.0.0.1', '999.1.1.1'])('C083 IP=%s is error 4', async (ip) => {
    const { name } = await world().pool();
    expectError(await world().call('ADD', { id: 'c083', env: withIp('c083', ip), pools: [name] }), 4);
  });

  test.each([
    ['C084 runtimeConfig.ips', (ip: string) => ({ capabilities: { ips: true }, runtimeConfig: { ips: [ip] } })],
    ['C084 runtimeConfig.ips with a prefix', (ip: string) => ({ runtimeConfig: { ips: [`${ip}/29`] } })],
    ['C085 args.cni.ips', (ip: string) => ({ args: { cni: { ips: [ip] } } })],
  ])('%s', async (_name, config) => {
    const { name, prefix } = await world().pool();
    expect(addressOf(await world().call('ADD', { id: 'c084', config: config(`${prefix}.3`), pools: [name] }))).toBe(`${prefix}.3`);
  });

  test('C086 runtimeConfig goes before args.cni, and that before CNI_ARGS; none is added to another', async () => {
    const { name, prefix } = await world().pool();
    const env = withIp('c086', `${prefix}.2`);
    const config = { args: { cni: { ips: [`${prefix}.3`] } }, runtimeConfig: { ips: [`${prefix}.4`] } };
    expect(addressOf(await world().call('ADD', { id: 'c086', env, config, pools: [name] }))).toBe(`${prefix}.4`);
    expectSilence(await world().call('DEL', { id: 'c086', pools: [name] }));
    expect(addressOf(await world().call('ADD', { id: 'c086', env, config: { args: config.args }, pools: [name] }))).toBe(`${prefix}.3`);
  });

  test('C087 two of a family for a pool that gives one: an error, nothing kept', async () => {
    const pool = await world().pool();
    const config = { runtimeConfig: { ips: [`${pool.prefix}.3`, `${pool.prefix}.4`] } };
    const said = await world().call('ADD', { id: 'c087', config, pools: [pool.name] });
    expect(said.code).toBe(1);
    expect(await world().held(pool)).toEqual([]);
  });

  test('C088 other capabilities are ignored', async () => {
    const { name } = await world().pool();
    const runtimeConfig = {
      mac: '02:00:00:00:00:01',
      dns: { servers: ['10.0.0.53'] },
      portMappings: [{ hostPort: 80 }],
      'io.kubernetes.cri.pod-annotations': { a: 'b' },
    };
    expectResult(await world().call('ADD', { id: 'c088', config: { runtimeConfig }, pools: [name] }));
  });

  test.each([
    ['C089 an unknown key, no IgnoreUnknown', 'FOO=BAR'],
    ['C089 IgnoreUnknown=1', 'IgnoreUnknown=1;FOO=BAR'],
    ['C089 IgnoreUnknown=true', 'IgnoreUnknown=true;FOO=BAR'],
    ['C090 IgnoreUnknown=0', 'IgnoreUnknown=0;FOO=BAR'],
    ['C091 a trailing semicolon', 'IgnoreUnknown=1;'],
    ['C091 a second equals sign', 'A=b=c'],
    ['C091 no equals sign', 'nonsense;;;'],
    ['C093 no uid', 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p93'],
    ['C093 an empty uid', 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p93;K8S_POD_UID='],
    ['C094 no pod at all', ''],
    ['C095 the 32 hex digits of a static pod', `K8S_POD_NAMESPACE=ns;K8S_POD_NAME=s;K8S_POD_UID=${'0a'.repeat(16)}`],
  ])('%s: served', async (_name, args) => {
    const { name } = await world().pool();
    expectResult(await world().call('ADD', { id: 'c089', env: { CNI_ARGS: args }, pools: [name] }));
    expectSilence(await world().call('DEL', { id: 'c089', env: { CNI_ARGS: args }, pools: [name] }));
  });

  test('C092 the order of the keys does not matter', async () => {
    const { name } = await world().pool();
    const keys = podArguments('c092').split(';');
    const first = await world().call('ADD', { id: 'c092', env: { CNI_ARGS: keys.join(';') }, pools: [name] });
    const second = await world().call('ADD', { id: 'c092', env: { CNI_ARGS: keys.reverse().join(';') }, pools: [name] });
    expect(addressOf(second)).toBe(addressOf(first));
  });

  // C096, a uid that is not the live pod's, needs an API server to say so; without one the uid is taken as it is.
  test('C096 another uid under the same name: a new incarnation gets its own, and the DEL of each is its own', async () => {
    const pool = await world().pool();
    const [old, fresh] = [podArguments('c096a', 'p', 'u1'), podArguments('c096b', 'p', 'u2')];
    const first = addressOf(await world().call('ADD', { id: 'c096a', env: { CNI_ARGS: old }, pools: [pool.name] }));
    const second = addressOf(await world().call('ADD', { id: 'c096b', env: { CNI_ARGS: fresh }, pools: [pool.name] }));
    expect(second).not.toBe(first);
    expectSilence(await world().call('DEL', { id: 'c096a', env: { CNI_ARGS: old }, pools: [pool.name] }));
    expect(await world().held(pool)).toEqual([second]);
  });
});
