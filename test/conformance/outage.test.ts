/** CNI.md section 4, D 76, 77, G 128, I 143: the controller is away, slow, or another node's. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { oneAddress, startPretendedController } from '../support/pretended-controller.ts';
import { addressOf, expectError, expectResult, expectSilence, forEachHost } from './world.ts';

forEachHost('D, G, I. The controller is away', (world) => {
  const away = (): { readonly controller: string } => ({ controller: `unix://${world().directory}/nobody.sock` });

  test('C076 ADD is error 11 within its own deadline', async () => {
    const said = await world().call('ADD', { id: 'c076', ipam: away() });
    expect(expectError(said, 11).msg).toContain('out of reach');
    expect(said.milliseconds).toBeLessThan(20_000);
    expect(world().spooled()).toEqual([]);
  });

  test('C077 a controller that takes 10 s: success, with one call', async () => {
    const socket = join(world().directory, 'slow.sock');
    const slow = await startPretendedController({ socket });
    slow.replies = [() => ({ ...(oneAddress as { status: number; body: unknown }), afterMs: 10_000 })];
    expectResult(await world().call('ADD', { id: 'c077', ipam: { controller: `unix://${socket}` } }));
    expect(slow.asked).toHaveLength(1);
    await slow.close();
  });

  test('C128 CHECK is error 11', async () => {
    expectError(await world().call('CHECK', { id: 'c128', ipam: away() }), 11);
  });

  test('C143 GC leaves other nodes alone', async () => {
    const pool = await world().pool();
    const held = addressOf(await world().call('ADD', { id: 'c143', network: 'n143', pools: [pool.name] }));
    const gc = () =>
      world().call('GC', { version: '1.1.0', network: 'n143', ipam: { gcMinAgeSeconds: 0 }, config: { 'cni.dev/valid-attachments': [] } });
    await world().controller.halt('SIGTERM');
    await world().controller.start('--node-name', 'another-node');
    expectSilence(await gc());
    expect(await world().held(pool)).toEqual([held]);
    await world().controller.halt('SIGTERM');
    await world().controller.start();
    expectSilence(await gc());
    expect(await world().held(pool)).toEqual([]);
  });
});
