/** CNI.md section 4, G: CHECK. */
import { expect, test } from 'vitest';
import { type CallOptions, expectError, expectResult, expectSilence, forEachHost } from './world.ts';

forEachHost('G. CHECK', (world) => {
  /** ADDs, and returns the options for its CHECK: prevResult as a main plugin completes it. */
  async function added(
    id: string,
    pools: readonly string[],
  ): Promise<CallOptions & { readonly prevResult: { readonly ips: readonly { address: string }[] } }> {
    const result = expectResult(await world().call('ADD', { id, version: '0.4.0', pools }));
    const interfaces = [{ name: 'cni0' }, { name: 'eth0', sandbox: '/run/netns/t' }];
    const prevResult = { ...result, interfaces, ips: result.ips.map((ip) => ({ ...ip, interface: 1 })) };
    return { id, version: '0.4.0', pools, config: { prevResult }, prevResult };
  }

  test('C118 after ADD', async () => {
    const { name } = await world().pool();
    expectSilence(await world().call('CHECK', await added('c118', [name])));
  });

  test.each(['0.3.0', '0.3.1'])('C119 at %s is error 1', async (version) => {
    expect(expectError(await world().call('CHECK', { version }), 1).msg).toContain('CHECK');
  });

  test('C120, C121 an unknown id, and one after its DEL, is an error', async () => {
    const { name } = await world().pool();
    expect((await world().call('CHECK', { id: 'c120', pools: [name] })).code).toBe(1);
    const options = await added('c121', [name]);
    expectSilence(await world().call('DEL', options));
    expectError(await world().call('CHECK', options), 7, 11, 105);
  });

  test('C122 without prevResult', async () => {
    const { name } = await world().pool();
    const { id, version, pools } = (await added('c122', [name])) as Required<CallOptions>;
    expectSilence(await world().call('CHECK', { id, version, pools }));
  });

  test("C123, C124 another plugin's address in addition is fine; ours must be among them", async () => {
    const { name, prefix } = await world().pool();
    const options = await added('c123', [name]);
    const foreign = { address: '192.0.2.9/24', interface: 1 };
    const withIps = (ips: readonly object[]) => ({ ...options, config: { prevResult: { ...options.prevResult, ips } } });
    expectSilence(await world().call('CHECK', withIps([...options.prevResult.ips, foreign])));
    const other = ['.5', '.6'].map((end) => `${prefix}${end}/29`).find((address) => address !== options.prevResult.ips[0]!.address);
    expect((await world().call('CHECK', withIps([{ address: other }, foreign]))).code).toBe(1);
  });

  test('C125 for another interface is an error', async () => {
    const { name } = await world().pool();
    expect((await world().call('CHECK', { ...(await added('c125', [name])), ifName: 'net1' })).code).toBe(1);
  });

  test('C126 changes nothing', async () => {
    const { name } = await world().pool();
    const options = await added('c126', [name]);
    const everything = async () => (await world().controller.ask('GET', '/v1/bindings?state=all')).text;
    const before = await everything();
    expectSilence(await world().call('CHECK', options));
    expect(await everything()).toBe(before);
  });

  test('C127 directly after ADD, again and again', async () => {
    const { name } = await world().pool({ ranges: [{ cidr: 'PREFIX.0/24' }], subnet: 'PREFIX.0/24' });
    for (let round = 0; round < (world().host.native ? 100 : 10); round += 1) {
      expectSilence(await world().call('CHECK', await added(`c127-${round}`, [name])));
    }
  });
});
