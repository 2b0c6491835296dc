/** CNI.md section 4, F 112: DELs without a controller; and the log file. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPretendedController, usual } from '../support/pretended-controller.ts';
import { addressOf, expectError, expectResult, expectSilence, forEachHost } from './world.ts';

const SUCCESS_WORDS = /not found|no such file or directory/i;

forEachHost('F. The spool', (world) => {
  const away = (): { readonly controller: string } => ({ controller: `unix://${world().directory}/nobody.sock` });

  test('C112 DEL succeeds by way of the spool, and the next call after the outage frees the address', async () => {
    const pool = await world().pool();
    const held = addressOf(await world().call('ADD', { id: 'c112', pools: [pool.name] }));
    await world().controller.halt('SIGKILL');
    expectSilence(await world().call('DEL', { id: 'c112', pools: [pool.name] }));
    const [entry, ...more] = world().spooled();
    expect(more).toEqual([]);
    expect(statSync(join(world().spoolDir, entry ?? '')).mode & 0o777).toBe(0o600);
    // A call that does not reach the controller, and those that ask nobody, leave the spool alone.
    expectSilence(await world().call('STATUS', { version: '1.1.0' }));
    expect((await world().call('VERSION')).code).toBe(0);
    expect(world().spooled()).toHaveLength(1);
    await world().controller.start();
    expect(await world().held(pool)).toEqual([held]);
    expectError(await world().call('ADD', { id: 'c112b', pools: ['no-such-pool'] }), 101);
    expect(await world().held(pool)).toEqual([]);
    expect(world().spooled()).toEqual([]);
  });

  test('C112 a spooled DEL does not hit the container that came back under its id meanwhile', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c112r', pools: [pool.name] }));
    expectSilence(await world().call('DEL', { id: 'c112r', ipam: away() }));
    expect(world().spooled()).toHaveLength(1);
    const back = addressOf(await world().call('ADD', { id: 'c112r', pools: [pool.name] }));
    expect(world().spooled()).toEqual([]);
    expect(await world().held(pool)).toEqual([back]);
  });

  test('C112 a spool that cannot be written, or is full: an error that no runtime takes for success', async () => {
    const file = join(world().directory, 'a-file');
    writeFileSync(file, '');
    const readOnly = '/proc/nowhere/spool';
    for (const spoolDir of [`${file}/spool`, readOnly]) {
      const error = expectError(await world().call('DEL', { id: 'c112w', ipam: { ...away(), spoolDir } }), 5);
      expect(JSON.stringify(error)).not.toMatch(SUCCESS_WORDS);
      expect(error.msg).toContain(spoolDir);
    }
    const full = join(world().directory, 'full');
    mkdirSync(full);
    for (let index = 0; index < 4096; index += 1) writeFileSync(join(full, `${index}.json`), '');
    const error = expectError(await world().call('DEL', { id: 'c112w', ipam: { ...away(), spoolDir: full } }), 11);
    expect(error.msg).toContain('full');
  });

  test("C112 a controller's own words are cleaned in a DEL, and only there", async () => {
    const socket = join(world().directory, 'words.sock');
    const rude = await startPretendedController({ socket });
    rude.replies = [
      () => ({
        status: 409,
        body: { status: 409, code: 103, reason: 'NotAllowed', detail: 'ippools "x" Not Found; open /x: No such file or directory' },
      }),
    ];
    const ipam = { controller: `unix://${socket}` };
    expect(JSON.stringify(expectError(await world().call('DEL', { id: 'c112s', ipam }), 103))).not.toMatch(SUCCESS_WORDS);
    expect(expectError(await world().call('ADD', { id: 'c112s', ipam }), 103).msg).toContain('Not Found');
    await rude.close();
  });

  test('C112 a broken spool entry is set aside and logged, the others are delivered', async () => {
    const socket = join(world().directory, 'drain.sock');
    const controller = await startPretendedController({ socket });
    controller.replies = [usual];
    const spoolDir = join(world().directory, 'broken');
    expectSilence(await world().call('DEL', { id: 'c112d', ipam: { ...away(), spoolDir } }));
    writeFileSync(join(spoolDir, '0-half.json'), '{"cniVersion":"1.0.0","cniNet');
    expectResult(await world().call('ADD', { id: 'c112e', ipam: { controller: `unix://${socket}`, spoolDir } }));
    expect(controller.asked.map(({ path }) => path)).toEqual(['/v1/cni/add', '/v1/cni/spool']);
    expect(controller.asked[1]?.body['deletes']).toMatchObject([{ containerId: 'c112d' }]);
    expect(existsSync(join(spoolDir, '0-half.json.broken'))).toBe(true);
    expect(readFileSync(world().logFile, 'utf8')).toContain('spool entry cannot be read');
    await controller.close();
  });

  test('the log is 0600, capped, and not needed', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'clog', pools: [pool.name] }));
    expect(statSync(world().logFile).mode & 0o777).toBe(0o600);
    writeFileSync(world().logFile, 'x'.repeat(512 * 1024));
    expectResult(await world().call('ADD', { id: 'clog', pools: [pool.name] }));
    expect(statSync(world().logFile).size).toBeLessThan(8 * 1024);
    expect(statSync(`${world().logFile}.1`).size).toBe(512 * 1024);
    for (const logFile of ['/proc/nowhere/berth.log', world().directory, '/dev/full']) {
      expectResult(await world().call('ADD', { id: 'clog', pools: [pool.name], ipam: { logFile } }));
    }
  });
});
