import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { install, InstallFailure, uninstall } from '../../cmd/berth-install/install.ts';
import { readSettings, SettingsError, type Settings } from '../../cmd/berth-install/settings.ts';
import { execute, type Finished } from '../../cmd/dev/execute.ts';

/** As the plugin does when a controller has answered a CHECK of nobody; each call brings two of the spool. */
const REACHES = `#!/bin/sh
echo "$CNI_COMMAND" >> "$0.calls"
ls -d "\${0%/cni/*}"/spool/*.json 2>/dev/null | head -n 2 | xargs -r rm
echo '{"code":105,"msg":"nothing is held"}'; exit 1
`;
const UID = '6fed2640-b42e-4338-815b-d20dede54db4';
let root: string;
let environment: Record<string, string>;
let settings: Settings;

/** A node's folders, with a pod's volume where the kubelet has it. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'berth-install-'));
  environment = {
    POD_UID: UID,
    KUBELET_ROOT: join(root, 'kubelet'),
    BERTH_PLUGIN: join(root, 'image-berth'),
    BERTH_CNI_BIN: join(root, 'cni'),
    BERTH_RUN: join(root, 'run'),
    BERTH_SPOOL: join(root, 'spool'),
    BERTH_IDENTITY: join(root, 'identity'),
  };
  settings = readSettings(environment);
  for (const folder of [settings.cniBinFolder, settings.identityFolder, settings.identityOnNode]) mkdirSync(folder, { recursive: true });
  for (const folder of [settings.identityFolder, settings.identityOnNode]) writeFileSync(join(folder, 'token'), 'a.b.c');
  writeFileSync(settings.plugin, REACHES);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const installed = (): string => join(settings.cniBinFolder, 'berth');
const link = (): string => join(settings.runFolder, 'identity');

describe('install', () => {
  test('puts an executable there, and a link that reads the token from the volume', () => {
    expect(install(settings)).toEqual({ copied: true });
    expect(readFileSync(installed(), 'utf8')).toBe(readFileSync(settings.plugin, 'utf8'));
    expect(statSync(installed()).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(link(), 'token'), 'utf8')).toBe('a.b.c');
    expect(readdirSync(settings.cniBinFolder)).toEqual(['berth']);
  });

  test('leaves the executable alone where it is the same already', () => {
    install(settings);
    const before = lstatSync(installed()).ino;
    expect(install(settings)).toEqual({ copied: false });
    expect(lstatSync(installed()).ino).toBe(before);
  });

  test('replaces another version by a rename: who executes the old one keeps it', () => {
    writeFileSync(installed(), 'old');
    const before = lstatSync(installed()).ino;
    install(settings);
    expect(lstatSync(installed()).ino).not.toBe(before);
  });

  test('removes what an installer left that was killed half-way, and nothing else', () => {
    for (const name of ['.berth.12.unfinished', '.other.12.unfinished', 'bridge']) writeFileSync(join(settings.cniBinFolder, name), '');
    install(settings);
    expect(readdirSync(settings.cniBinFolder).sort()).toEqual(['.other.12.unfinished', 'berth', 'bridge']);
  });

  test('says what to set when the kubelet’s root is another', () => {
    rmSync(settings.identityOnNode, { recursive: true });
    expect(() => install(settings)).toThrow(InstallFailure);
    expect(() => install(settings)).toThrow(/kubelet\.root/);
    expect(existsSync(link())).toBe(false);
  });

  test('does not take another pod’s token for its own', () => {
    writeFileSync(join(settings.identityOnNode, 'token'), 'x.y.z');
    expect(() => install(settings)).toThrow(/not this pod/);
  });

  test('points the link from an earlier pod at itself', () => {
    mkdirSync(settings.runFolder, { recursive: true });
    install(settings);
    const later = readSettings({ ...environment, POD_UID: 'later' });
    mkdirSync(later.identityOnNode, { recursive: true });
    writeFileSync(join(later.identityOnNode, 'token'), 'a.b.c');
    install(later);
    expect(readlinkSync(link())).toBe(later.identityOnNode);
    expect(uninstall(settings)).toBe(false);
    expect(existsSync(installed())).toBe(true);
    expect(uninstall(later)).toBe(true);
    expect([existsSync(installed()), existsSync(link())]).toEqual([false, false]);
  });
});

describe('a network list', () => {
  const withList = (): Settings => {
    const more = {
      BERTH_NETWORK_LIST: '10-berth.conflist',
      BERTH_NETWORK_LISTS: join(root, 'lists'),
      BERTH_CNI_CONFIG: join(root, 'net.d'),
    };
    for (const folder of [more.BERTH_NETWORK_LISTS, more.BERTH_CNI_CONFIG]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(more.BERTH_NETWORK_LISTS, '10-berth.conflist'), '{"name":"berth-bridge"}');
    return readSettings({ ...environment, ...more });
  };
  const lists = (): string[] => readdirSync(join(root, 'net.d'));

  test('is put there last: where the rest fails there is none, and the node is not ready for pods', () => {
    const asked = withList();
    rmSync(asked.identityOnNode, { recursive: true });
    expect(() => install(asked)).toThrow(InstallFailure);
    expect(lists()).toEqual([]);
  });

  test('replaces another version, and goes with the plugin', () => {
    const asked = withList();
    writeFileSync(asked.networkList!.to, 'earlier');
    install(asked);
    expect([lists(), readFileSync(asked.networkList!.to, 'utf8')]).toEqual([['10-berth.conflist'], '{"name":"berth-bridge"}']);
    expect(uninstall(asked)).toBe(true);
    expect(lists()).toEqual([]);
  });

  test('that somebody has edited is theirs', () => {
    const asked = withList();
    install(asked);
    writeFileSync(asked.networkList!.to, 'edited');
    uninstall(asked);
    expect(lists()).toEqual(['10-berth.conflist']);
  });

  test.each(['../10-berth.conflist', 'a/b.conflist', '.conflist', 'berth.json'])('named %s is refused', (name) => {
    expect(() => readSettings({ ...environment, BERTH_NETWORK_LIST: name })).toThrow(SettingsError);
  });
});

describe('settings', () => {
  test.each([
    ['no pod', { POD_UID: '' }],
    ['a UID that is a path', { POD_UID: '../x' }],
    ['a relative root', { KUBELET_ROOT: 'var/lib/kubelet' }],
    ['a root that climbs', { KUBELET_ROOT: '/var/../../etc' }],
  ])('%s is refused', (_name, wrong) => {
    expect(() => readSettings({ ...environment, ...wrong })).toThrow(SettingsError);
  });

  test('a root with a slash at its end is the same root', () => {
    expect(readSettings({ POD_UID: UID, KUBELET_ROOT: '/var/lib/k0s/kubelet/' }).identityOnNode).toBe(
      `/var/lib/k0s/kubelet/pods/${UID}/volumes/kubernetes.io~projected/identity`,
    );
  });
});

describe('the program', () => {
  const run = (command: string, more: Record<string, string> = {}): Promise<Finished> =>
    execute(process.execPath, ['cmd/berth-install/main.ts', command], { env: { PATH: process.env['PATH'], ...environment, ...more } });
  const tokenOf = (issued: number, expires: number): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return [{ alg: 'none' }, { iat: issued, exp: expires }, {}].map(part).join('.');
  };

  test('install: asks the plugin once, so that what waits in the spool is delivered; logs JSON', async () => {
    chmodSync(settings.plugin, 0o755);
    const { code, stdout } = await run('install');
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { msg: string }).msg),
    ).toEqual(['installed', 'spool delivered']);
    expect(readFileSync(`${installed()}.calls`, 'utf8')).toBe('CHECK\n');
  });

  test('install: asks the plugin until nothing waits in the spool', async () => {
    mkdirSync(settings.spoolFolder);
    for (const name of ['1.json', '2.json', '3.json', '4.json', '5.json', '0.json.broken'])
      writeFileSync(join(settings.spoolFolder, name), '{}');
    expect((await run('install')).stdout).toContain('spool delivered');
    expect(readFileSync(`${installed()}.calls`, 'utf8')).toBe('CHECK\nCHECK\nCHECK\n');
    expect(readdirSync(settings.spoolFolder)).toEqual(['0.json.broken']);
  });

  test('install: a spool of which nothing is taken is given up, and said', async () => {
    mkdirSync(settings.spoolFolder);
    for (const name of ['1.json', '2.json']) writeFileSync(join(settings.spoolFolder, name), '{}');
    writeFileSync(settings.plugin, REACHES.replace(/^ls .*$/m, ''));
    const { code, stdout } = await run('install');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/spool not delivered.*2 wait still/)]);
  });

  test('install: a spool that cannot be delivered does not hold up a node', async () => {
    writeFileSync(settings.plugin, '#!/bin/sh\necho \'{"code":11,"msg":"away"}\'; exit 1\n');
    const { code, stdout } = await run('install');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/spool not delivered.*away/)]);
  });

  // Kubespray's nodes: /opt/cni/bin and /etc/cni/net.d are kube's, mode 0755.
  const isRoot = process.getuid?.() === 0 && existsSync('/usr/bin/setpriv');
  test.skipIf(!isRoot)('install: with the chart’s capabilities, into folders that another user owns', async () => {
    chmodSync(settings.plugin, 0o755);
    mkdirSync(settings.runFolder);
    const lists = { BERTH_NETWORK_LIST: '1.conflist', BERTH_NETWORK_LISTS: join(root, 'lists'), BERTH_CNI_CONFIG: join(root, 'net.d') };
    for (const folder of [lists.BERTH_NETWORK_LISTS, lists.BERTH_CNI_CONFIG]) mkdirSync(folder);
    writeFileSync(join(lists.BERTH_NETWORK_LISTS, '1.conflist'), '{}');
    for (const folder of [settings.cniBinFolder, settings.runFolder, lists.BERTH_CNI_CONFIG]) chownSync(folder, 997, 0);
    const as = (capabilities: string): Promise<Finished> => {
      const words = [`--bounding-set=${capabilities}`, '--inh-caps=-all', process.execPath, 'cmd/berth-install/main.ts', 'install'];
      return execute('/usr/bin/setpriv', words, { env: { PATH: process.env['PATH'], ...environment, ...lists } });
    };
    expect(await as('-all')).toMatchObject({ code: 1, stdout: expect.stringContaining('EACCES') as string });
    expect(await as('-all,+dac_override')).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(lists.BERTH_CNI_CONFIG, '1.conflist'))).toBe(true);
  });

  test('install: a foreseen failure is one line and no stack', async () => {
    rmSync(settings.identityOnNode, { recursive: true });
    const { code, stdout, stderr } = await run('install');
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^\{.*"failed".*kubelet\.root.*\}\n$/);
  });

  test.each([
    ['fresh', 0, 86_400, 0],
    ['about to expire', -80_000, 6_400, 1],
    ['expired', -90_000, -10, 1],
  ])('check: a token that is %s', async (_name, issued, expires, expected) => {
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(join(settings.identityFolder, 'token'), tokenOf(now + issued, now + expires));
    const { code, stdout } = await run('check');
    expect(code).toBe(expected);
    expect(stdout).not.toContain(tokenOf(now + issued, now + expires));
  });

  test.each([
    ['true', false],
    ['false', true],
  ])('watch: asked to stop with BERTH_REMOVE_ON_STOP=%s', async (remove, stays) => {
    install(settings);
    const env = { PATH: process.env['PATH'], ...environment, BERTH_REMOVE_ON_STOP: remove };
    const child = spawn(process.execPath, ['cmd/berth-install/main.ts', 'watch'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (text: string) => text.includes('watching') && child.kill('SIGTERM'));
    const [code] = (await ended) as [number | null];
    expect([code, existsSync(installed()), existsSync(link())]).toEqual([0, stays, stays]);
  });

  test('something else: says what it takes', async () => {
    const { code, stdout } = await run('instal');
    expect([code, stdout]).toEqual([2, expect.stringContaining('install, watch, check, test')]);
  });
});
