/** CNI.md section 4, D 70–75 and F 113, 114: many at once, and processes that are killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { Said } from '../support/plugin.ts';
import { addressOf, expectError, expectResult, expectSilence, forEachHost, type World } from './world.ts';

/** Runs `count` jobs, at most `width` at a time. */
async function atOnce(count: number, width: number, job: (index: number) => Promise<Said>): Promise<readonly Said[]> {
  const results: Said[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await job(index);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

forEachHost('D. Many at once', (world) => {
  const large = { ranges: [{ cidr: 'PREFIX.0/24' }], subnet: 'PREFIX.0/24' };

  test('C070 40 parallel ADDs, 8 at a time: 40 addresses', async () => {
    const pool = await world().pool(large);
    const said = await atOnce(40, 8, (index) => world().call('ADD', { id: `c070-${index}`, pools: [pool.name] }));
    expect(new Set(said.map(addressOf)).size).toBe(40);
    expect(await world().held(pool)).toHaveLength(40);
  });

  test('C071 20 parallel ADDs on 5 free ones: exactly 5', async () => {
    const pool = await world().pool();
    const said = await atOnce(20, 20, (index) => world().call('ADD', { id: `c071-${index}`, pools: [pool.name] }));
    const served = said.filter(({ code }) => code === 0);
    expect(new Set(served.map(addressOf)).size).toBe(5);
    for (const one of said.filter(({ code }) => code !== 0)) expectError(one, 11);
    expect(served).toHaveLength(5);
    expect(await world().held(pool)).toHaveLength(5);
  });

  test('C072 parallel ADDs of one key: one address', async () => {
    const pool = await world().pool();
    const said = await atOnce(10, 10, () => world().call('ADD', { id: 'c072', pools: [pool.name] }));
    const served = said.filter(({ code }) => code === 0);
    expect(served.length).toBeGreaterThan(0);
    // Of calls that overtook each other the older ones are refused: "a newer call was served".
    for (const one of said.filter(({ code }) => code !== 0)) expectError(one, 11);
    expect(new Set(served.map(addressOf)).size).toBe(1);
    expect(await world().held(pool)).toHaveLength(1);
  });

  test('C113 parallel DELs of one key', async () => {
    const pool = await world().pool();
    expectResult(await world().call('ADD', { id: 'c113', pools: [pool.name] }));
    for (const one of await atOnce(5, 5, () => world().call('DEL', { id: 'c113', pools: [pool.name] }))) expectSilence(one);
    expect(await world().held(pool)).toEqual([]);
  });

  test('C114 a DEL while its ADD is under way, stopped at any point: nothing is left', async () => {
    const pool = await world().pool(large);
    for (let round = 0; round < 12; round += 1) {
      const adding = world().start('ADD', { id: `c114-${round}`, pools: [pool.name] });
      await sleep(round * (world().host.native ? 1 : 15));
      adding.child.kill('SIGSTOP');
      // Two ticks of the kernel's clock: so that its stamp is surely the older one.
      await sleep(20);
      expectSilence(await world().call('DEL', { id: `c114-${round}`, pools: [pool.name] }));
      adding.child.kill('SIGCONT');
      await adding.said;
    }
    expect(await world().held(pool)).toEqual([]);
  });

  test('C074 SIGKILL in the middle of an ADD, then DEL: nothing is left', async () => {
    const pool = await world().pool(large);
    for (let round = 0; round < 20; round += 1) {
      const adding = world().start('ADD', { id: `c074-${round}`, pools: [pool.name] });
      await sleep((round * (world().host.native ? 1 : 8)) % 40);
      adding.child.kill('SIGKILL');
      await adding.said;
      expectSilence(await world().call('DEL', { id: `c074-${round}`, pools: [pool.name] }));
    }
    await eventually(async () => (await world().held(pool)).length === 0, 'the addresses of killed ADDs to be free');
  });

  /** Through a shell, so that standard output is what the redirection says. */
  async function addTo(w: World, id: string, pool: string, redirection: string): Promise<number | null> {
    const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: id, CNI_NETNS: '/run/netns/t', CNI_IFNAME: 'eth0', TARGET: w.host.path };
    const ipam = { type: 'berth', controller: `unix://${w.controller.socket}`, spoolDir: w.spoolDir, logFile: w.logFile, pools: [pool] };
    const child = spawn('/bin/sh', ['-c', `exec "$TARGET" ${redirection}`], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdout.destroy();
    child.stdin.end(JSON.stringify({ cniVersion: '1.0.0', name: 'n1', ipam }));
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  test.each([
    ['the reader is gone', ''],
    ['descriptor 1 is closed', '>&-'],
    ['the disk behind it is full', '>/dev/full'],
  ])('C075 %s: the ADD fails and takes itself back', async (name, redirection) => {
    const pool = await world().pool();
    expect(await addTo(world(), `c075-${name.length}`, pool.name, redirection)).toBe(1);
    expect(await world().held(pool)).toEqual([]);
    // A later ADD of the same container is newer than that undoing, and served.
    expectResult(await world().call('ADD', { id: `c075-${name.length}`, pools: [pool.name] }));
  });
});
