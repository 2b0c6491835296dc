/** The systemd unit, judged by systemd itself where it is installed, and held to what the controller needs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../cmd/berth-controller/flags.ts';
import { makeFolder } from './serve.ts';

const unit = readFileSync(join(import.meta.dirname, '../../deploy/systemd/berth-controller.service'), 'utf8');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('berth-controller.service', () => {
  test('starts the controller with flags that it has, on directories that the unit makes', async () => {
    const command = /^ExecStart=(.+)$/m.exec(unit)?.[1]?.split(' ') ?? [];
    expect(await readCommandLine(command.slice(1))).toMatchObject({
      kind: 'run',
      options: {
        store: { path: '/var/lib/berth/berth.db' },
        listen: [{ path: '/run/berth/berth.sock' }],
        spoolFolder: '/var/lib/berth/spool',
      },
    });
    for (const line of [
      'StateDirectory=berth',
      'RuntimeDirectory=berth',
      'RuntimeDirectoryPreserve=restart',
      'RestartPreventExitStatus=2',
    ]) {
      expect(unit.split('\n')).toContain(line);
    }
  });

  test.skipIf(!hasSystemd)('is right by systemd-analyze verify, and hardened (systemd-analyze is not installed?)', async () => {
    const file = join(await makeFolder(), 'berth-controller.service');
    // The program is not installed on the machine that tests; any other will do for the syntax.
    writeFileSync(file, unit.replace(/^(ExecStart=)\S+/m, '$1/bin/sh'));
    const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect([verified.status, verified.stderr]).toEqual([0, '']);
    const report = execFileSync('systemd-analyze', ['security', '--offline=true', file], { encoding: 'utf8' });
    const exposure = Number(/Overall exposure level for \S+ ([\d.]+)/.exec(report)?.[1]);
    expect(exposure).toBeLessThanOrEqual(2.5);
  });
});
