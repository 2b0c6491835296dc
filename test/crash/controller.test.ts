/** kill -9 of the whole controller at every named point of a commit, under ADDs and DELs at once: nothing acknowledged is lost, undone or given twice. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepareChild } from './child.ts';
import { Containers } from './containers.ts';
import { killPlan, kills } from './kill-at.ts';

const SLOTS = 24;

test.skipIf(!existsSync('/proc/sys/kernel/random/boot_id'))(
  `${kills()} kills of a controller that serves ${SLOTS} callers`,
  async () => {
    const { folder, start } = prepareChild('controller-child.ts');
    const socket = join(folder, 'berth.sock');
    const containers = new Containers(socket, SLOTS);
    for (const { step, pass } of killPlan(kills())) {
      const controller = start([join(folder, 'berth.db'), socket, step, String(pass)]);
      await controller.speaks;
      await containers.check();
      await containers.driveUntilGone();
      expect([await controller.gone, containers.violations], `killed at pass ${pass} of ${step}`).toEqual(['SIGKILL ', []]);
    }
    const last = start([join(folder, 'berth.db'), socket, 'never', '0']);
    await last.speaks;
    await containers.check();
    expect(containers.violations).toEqual([]);
    last.kill();
    await last.gone;
    const { adds, dels, unanswered } = containers.tally;
    console.log(
      `${kills()} kills: ${adds} ADDs and ${dels} DELs acknowledged and kept, ${unanswered} calls without an answer, 0 lost, 0 undone, 0 twice`,
    );
    expect(Math.min(adds, dels)).toBeGreaterThan(kills());
  },
  30_000 + kills() * 5_000,
);
