/**
 * A storm over two replicas on a real API server: many holders come and go, some of them without a DEL; calls hop between
 * the replicas, which are killed and started again, and so are the API server and etcd. What the callers saw is one
 * history, on which no address ever has two holders; in the end nothing is held that nobody has. The collector runs in
 * this process, on time ten times as fast: the grace of a vanished pod would take most of a minute.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatHolds } from '../history/history.ts';
import { judge } from '../history/judge.ts';
import { startApiServer } from '../support/api-server.ts';
import { describeCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { note } from '../support/note.ts';
import { openFastController } from './fast-controller.ts';
import { Callers, isForgetful } from './storm-callers.ts';
import { recordHistory } from './record-history.ts';
import { disturb, openWorld } from './storm-stage.ts';

/** Two kills of replicas and one of the API server each. */
const ROUNDS = Number(process.env['BERTH_STORM_ROUNDS'] ?? 1);
/** Decides what each holder does; when, the machine decides too. */
const SEED = Number(process.env['BERTH_STORM_SEED'] ?? Date.now() & 0xffff);
const HOLDERS = ROUNDS > 1 ? 80 : 40;
/** Fewer addresses than holders: some find the pool full, and cooling addresses are dealt again. */
const ADDRESSES = HOLDERS * 0.8;

describeCluster('a storm over two replicas', () => {
  test('no address has two holders, and none is held for nobody', { timeout: 180_000 + 60_000 * ROUNDS }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'berth-storm-'));
    const file = join(tmpdir(), `berth-storm-${SEED}-${process.pid}.history`);
    const shown = `seed ${SEED}, history in ${file}`;
    const server = await startApiServer();
    const stops: (() => Promise<void> | void)[] = [];
    const faults: string[] = [];
    const tell = (fault: string): void => void faults.push(`${performance.now().toFixed(0)} ${fault}\n`);
    let passed = false;
    try {
      const world = await openWorld(server, (name) => join(directory, `${name}.sock`), { pods: HOLDERS, addresses: ADDRESSES });
      stops.unshift(world.close);
      const collector = await openFastController(server.kubeconfig);
      stops.unshift(collector.close);
      const callers = new Callers(world, SEED);
      let isOver = false;
      const disturbed = disturb(server, world, ROUNDS, tell)
        .then(() => eventually(() => callers.served > HOLDERS * 2, 'enough to have come and gone', 60_000))
        .finally(() => (isOver = true));
      await Promise.all([disturbed, ...world.pods.map((uid, index) => callers.hold(index, uid, () => isOver))]);

      const { holds } = callers.history;
      writeFileSync(file, formatHolds(holds));
      const { operations, ours, porcupine } = judge(holds);
      const told = holds.filter(({ answered }) => answered !== undefined).length;
      note(
        `Storm, seed ${SEED}: ${faults.length} faults and returns; ${holds.length} ADDs, ${told} with an address, ${callers.vanished} of whom vanished; ` +
          `a history of ${operations} operations, illegal on ${ours.length} addresses (by Porcupine: ${porcupine?.length ?? 'not asked'})`,
      );
      expect(callers.violations, shown).toEqual([]);
      expect([ours, porcupine ?? []], shown).toEqual([[], []]);
      // Each of the forgetful vanishes in the end; some of them found the pool full.
      expect(callers.vanished).toBeGreaterThan(world.pods.filter((_, index) => isForgetful(index)).length / 2);
      // Of those that vanished nobody sends a DEL; and what a killed replica had written for a call that was then answered
      // by the other is healed by who lives.
      await eventually(async () => (await world.bound()) === 0, `nothing to be held any more (${shown})`, 90_000);
      rmSync(file);
      passed = true;
    } finally {
      if (!passed) writeFileSync(`${file}.records`, faults.join('') + (await recordHistory(server).catch(String)));
      for (const stop of stops) await stop();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
