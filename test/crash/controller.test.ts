/** kill -9 of the whole controller at every named point of a commit, under ADDs and DELs at once: nothing acknowledged is lost, undone or given twice. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Containers } from './containers.ts';
import { killPlan, kills } from './kill-at.ts';

const CHILD = fileURLToPath(new URL('controller-child.ts', import.meta.url));
const SLOTS = 24;

test.skipIf(!existsSync('/proc/sys/kernel/random/boot_id'))(
  `${kills()} kills of a controller that serves ${SLOTS} callers`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-crash-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const socket = join(folder, 'berth.sock');
    const containers = new Containers(socket, SLOTS);
    const start = (step: string, pass: number) => startController([join(folder, 'berth.db'), socket, step, String(pass)]);
    for (const { step, pass } of killPlan(kills())) {
      const controller = await start(step, pass);
      await containers.check();
      await containers.driveUntilGone();
      expect([await controller.gone, containers.violations], `killed at pass ${pass} of ${step}`).toEqual(['SIGKILL ', []]);
    }
    const last = await start('never', 0);
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

/** Once it serves (or is gone already). `gone`: the signal that ended it, and what it complained about. */
async function startController(args: readonly string[]): Promise<{ readonly gone: Promise<string>; kill(): void }> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const gone = once(child, 'close').then(([code, signal]) => `${String(signal ?? code)} ${complaints}`);
  await Promise.race([once(child.stdout, 'data'), gone]);
  return { gone, kill: () => void child.kill('SIGKILL') };
}
