/** The native plugin where there is next to nothing: no /proc, a read-only root, 50 MiB and a tenth of a core. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startController, type RunningController } from '../support/controller.ts';
import { eventually } from '../support/eventually.ts';
import { buildHosts, callPlugin, type Said } from '../support/plugin.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const [native] = buildHosts();
const reason = native?.native !== true ? 'no Rust toolchain here' : process.getuid?.() !== 0 ? 'needs root' : '';

describe.skipIf(reason !== '')(`A poor machine${reason === '' ? '' : ` (${reason})`}`, () => {
  let controller: RunningController;
  let folder: string;

  beforeAll(async () => {
    controller = await startController();
    folder = mkdtempSync(join(tmpdir(), 'berth-poor-'));
    copyFileSync(native?.path ?? '', join(controller.directory, 'berth'));
    // Of /proc only the boot id: a controller on the same machine takes a call without it for one of another boot.
    mkdirSync(join(controller.directory, 'proc/sys/kernel/random'), { recursive: true });
    writeFileSync(join(controller.directory, BOOT_ID), readFileSync(BOOT_ID));
    const spec = { ranges: [{ cidr: '10.7.0.0/24' }], subnet: '10.7.0.0/24', default: true };
    const document = { apiVersion: 'berth-ipam.dev/v1alpha1', kind: 'AddressPool', metadata: { name: 'poor' }, spec };
    expect((await controller.ask('PUT', '/v1/pools/poor', document)).status).toBeLessThan(300);
  });
  afterAll(async () => {
    await controller.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const environment = (verb: string, id: string) => ({
    CNI_COMMAND: verb,
    CNI_CONTAINERID: id,
    CNI_NETNS: '/run/netns/t',
    CNI_IFNAME: 'eth0',
  });
  const stdin = (ipam: object) => JSON.stringify({ cniVersion: '1.0.0', name: 'n1', ipam: { type: 'berth', ...ipam } });

  /** The controller's folder as the whole world: the plugin, the socket, the database, the boot id, and nothing else. */
  function inside(verb: string, id: string, input: string, readOnly: boolean): { readonly code: number | null; readonly stdout: string } {
    const lock = readOnly ? 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && ' : '';
    // What chroot starts gets nothing but CNI_*.
    const variables = Object.entries(environment(verb, id)).map(([key, value]) => `${key}=${value}`);
    const script = `PATH="$PATH:/usr/sbin:/sbin"; ${lock}exec env -i ${variables.join(' ')} "$(command -v chroot)" "$1" /berth`;
    const ran = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', controller.directory], { input, encoding: 'utf8' });
    return { code: ran.status, stdout: ran.stdout + ran.stderr };
  }

  test.each([
    ['with no other file in the world than the boot id', false],
    ['on a read-only root', true],
  ])('ADD, CHECK and DEL %s', async (_name, readOnly) => {
    const input = stdin({ controller: 'unix:///berth.sock' });
    const id = `poor-${String(readOnly)}`;
    expect(inside('ADD', id, input, readOnly)).toMatchObject({ code: 0, stdout: expect.stringContaining('10.7.0.') as string });
    expect(inside('CHECK', id, input, readOnly)).toEqual({ code: 0, stdout: '' });
    expect(inside('DEL', id, input, readOnly)).toEqual({ code: 0, stdout: '' });
  });

  test('C109 DEL without an ipam section asks the default controller; where there is none, it is kept in the default spool', () => {
    const bare = JSON.stringify({ cniVersion: '1.0.0', name: 'n1' });
    expect(inside('DEL', 'bare', bare, false)).toEqual({ code: 0, stdout: '' });
    const spool = join(controller.directory, 'var/lib/berth/spool');
    const [entry, ...more] = readdirSync(spool);
    expect(more).toEqual([]);
    expect(JSON.parse(readFileSync(join(spool, entry ?? ''), 'utf8'))).toMatchObject({ containerId: 'bare', cniNetwork: 'n1' });
  });

  test('DEL without a controller, on a read-only root: an error that says so', () => {
    const { code, stdout } = inside('DEL', 'poor', stdin({ controller: 'unix:///nobody.sock' }), true);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { code: 5, msg: expect.stringContaining('EROFS') as string }]);
  });

  const cgroups = makeCgroups(50 << 20, 0.1);
  afterAll(async () => {
    for (const path of cgroups) await eventually(() => isRemoved(path), `the cgroup ${path} to be empty`);
  });
  const skipped = cgroups.length === 0;

  test.skipIf(skipped)(`eight at once in 50 MiB and a tenth of a core${skipped ? ' (no cgroup can be made here)' : ''}`, async () => {
    const enter = join(folder, 'enter');
    const joinAll = cgroups.map((path) => `echo $$ > ${path}/cgroup.procs`).join('\n');
    writeFileSync(enter, `#!/bin/sh\n${joinAll}\nexec ${native?.path ?? ''}\n`, { mode: 0o755 });
    const files = { spoolDir: join(folder, 'spool'), logFile: join(folder, 'berth.log') };
    const ipam = { controller: `unix://${controller.socket}`, ...files };
    const call = (index: number): Promise<Said> => callPlugin(enter, environment('ADD', `crowd-${index}`), stdin(ipam));
    for (const said of await Promise.all(Array.from({ length: 8 }, (_one, index) => call(index)))) {
      expect([said.code, said.stderr], said.stdout).toEqual([0, '']);
    }
  });
});

/** Of version 2 where it rules, else of version 1; none where none can be made. */
function makeCgroups(bytes: number, cores: number): readonly string[] {
  if (reason !== '') return [];
  const root = '/sys/fs/cgroup';
  const name = `berth-test-${process.pid}`;
  const settings = existsSync(join(root, 'cgroup.controllers'))
    ? { [name]: { 'memory.max': bytes, 'cpu.max': `${cores * 100_000} 100000` } }
    : {
        [`memory/${name}`]: { 'memory.limit_in_bytes': bytes },
        [`cpu/${name}`]: { 'cpu.cfs_period_us': 100_000, 'cpu.cfs_quota_us': cores * 100_000 },
      };
  const made: string[] = [];
  try {
    for (const [folder, values] of Object.entries(settings)) {
      mkdirSync(join(root, folder));
      made.push(join(root, folder));
      for (const [file, value] of Object.entries(values)) writeFileSync(join(root, folder, file), String(value));
    }
    return made;
  } catch {
    for (const path of made) rmdirSync(path);
    return [];
  }
}

function isRemoved(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return !existsSync(path);
  }
}
