/** The lines of docs/controller.md by which an operator installs Berth, run with other folders: what they leave runs from there. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildHosts } from '../support/plugin.ts';
import { builtController } from './controller-process.ts';
import { makeFolder } from './serve.ts';

const page = readFileSync('docs/controller.md', 'utf8');
const [, lines = ''] = /^## Install$[^]*?```sh\n([^]*?)```/m.exec(page) ?? [];
const noNode = existsSync('node_modules/.bin/node') ? '' : ' (no pinned Node for this platform)';

describe('docs/controller.md, Install', () => {
  test.skipIf(noNode !== '')(`what it installs runs, with no other Node in reach${noNode}`, async () => {
    const root = await makeFolder();
    // A checkout that was built just now, whatever lies in this one's dist.
    const [{ bundle }, [plugin]] = [await builtController(), buildHosts()];
    const checkout = join(root, 'checkout');
    cpSync(dirname(bundle), join(checkout, 'dist'), { recursive: true });
    copyFileSync(plugin!.path, join(checkout, 'dist/berth'));
    for (const name of ['docs', 'deploy', 'node_modules']) symlinkSync(resolve(name), join(checkout, name));
    const here = lines.replaceAll(/(?<=\s|^)\/(?=usr|etc|opt)/gm, `${root}/`).replace(/^systemctl .*$/m, '');
    mkdirSync(join(root, 'etc/systemd/system'), { recursive: true });
    execFileSync('sh', ['-euc', here], { cwd: checkout });
    const run = (name: string) =>
      execFileSync(join(root, 'usr/local/bin', name), ['--version'], { env: { PATH: '/usr/bin:/bin' }, cwd: '/' });
    expect(String(run('berth-controller'))).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(String(run('berthctl'))).toMatch(/^Client: \d+/);
    expect(statSync(join(root, 'opt/cni/bin/berth')).mode & 0o777).toBe(0o755);
  });

  test('its paths are those of the unit', () => {
    const unit = readFileSync('deploy/systemd/berth-controller.service', 'utf8');
    for (const path of ['/usr/local/lib/berth/', '/etc/berth/pools.yaml'])
      expect([lines.includes(path), unit.includes(path)]).toEqual([true, true]);
  });
});
