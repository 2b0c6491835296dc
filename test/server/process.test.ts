/** The controller as its operator meets it: flags, signals, two at once, files that are wrong, restarts. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { builtController, startProcess, startReady } from './controller-process.ts';
import { cniAdd, cniDel } from './requests.ts';
import { makeFolder, poolDocument } from './serve.ts';
import { machineBootId } from '../support/machine-boot-id.ts';

const bootId = machineBootId();
const stampOf = (ticks: number) => ({ bootId, startedTicks: ticks, monotonicNs: '1', attempt: 0 });
const blue = poolDocument('blue', { ranges: [{ cidr: '10.0.0.0/16' }], default: true });

async function workspace() {
  const folder = await makeFolder();
  const pools = join(folder, 'pools.json');
  writeFileSync(pools, JSON.stringify(blue));
  const socketPath = join(folder, 'berth.sock');
  const flags = ['--store', `sqlite:${join(folder, 'berth.db')}`, '--pools', pools, '--node-name', 'node-1'];
  return { folder, pools, socketPath, flags, database: join(folder, 'berth.db') };
}

const bindings = async (socketPath: string) => {
  const { json } = await ask({ socketPath }, 'GET', '/v1/bindings?limit=5000');
  return new Map<string, string>(json.items.map(({ spec }: any) => [spec.subid, spec.address]));
};

describe('wrong flags and files', () => {
  test.each([
    [['--lisen', 'unix:/x'], 2, 'Unknown flag or argument: lisen. Did you mean --listen? (--help lists them.)'],
    [
      ['--store', 'memory', '--pools', '/nonexistent/pools.yaml'],
      2,
      'cannot read --pools /nonexistent/pools.yaml: it is not there: check the path (ENOENT)',
    ],
    [['backup', '--store', 'sqlite:/nonexistent/berth.db', '/tmp/x'], 1, 'cannot back up /nonexistent/berth.db: there is no such file'],
    [['--store', 'sqlite:/proc/berth.db', '--listen', 'unix:/tmp/never.sock'], 1, /^cannot open --store sqlite:\/proc\/berth\.db: /],
    [['--store', 'memory', '--listen', 'unix:/proc/berth.sock'], 1, /^cannot listen on unix:\/proc\/berth\.sock: /],
  ] as const)('%j', async (args, code, sentence) => {
    const started = await startProcess(args);
    expect(await started.ended).toBe(code);
    const said = started
      .stderr()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{'));
    expect(said).toHaveLength(1);
    const text = said[0]?.replace(/^berth-controller: /, '') ?? '';
    if (typeof sentence === 'string') expect(text).toBe(sentence);
    else expect(text).toMatch(sentence);
    expect(started.stderr()).not.toMatch(/\n\s+at /);
    expect(started.stdout()).toBe('');
  });

  test('--version, through the launcher, from another folder', async () => {
    const { launcher } = await builtController();
    const { stdout } = await promisify(execFile)(launcher, ['--version'], { cwd: '/' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('a wrong pools file at start: the sentence names document and field, and nothing was made', async () => {
    const { pools, flags, database, socketPath } = await workspace();
    writeFileSync(pools, JSON.stringify(poolDocument('blue', { ranges: [{ cidr: '10.0.0.0/16' }], gatway: 'x' })));
    const started = await startProcess([...flags, '--listen', `unix:${socketPath}`]);
    expect(await started.ended).toBe(2);
    expect(started.stderr()).toBe(`berth-controller: --pools ${pools}: document 1 ("blue"): spec: unrecognized key: "gatway".\n`);
    expect(existsSync(database)).toBe(false);
  });

  test('pools that overlap at start: nothing was made', async () => {
    const { pools, flags, database, socketPath } = await workspace();
    writeFileSync(
      pools,
      [blue, poolDocument('red', { ranges: [{ cidr: '10.0.5.0/24' }] })].map((document) => JSON.stringify(document)).join('\n---\n'),
    );
    const started = await startProcess([...flags, '--listen', `unix:${socketPath}`]);
    expect(await started.ended).toBe(2);
    expect(started.stderr()).toMatch(/^berth-controller: --pools .*: document 2 \("red"\): .*overlap/);
    expect([existsSync(socketPath), existsSync(database)]).toEqual([false, false]);
  });
});

describe('a running controller', () => {
  test('its socket has the mode asked for and goes with it; what it knew is there after a restart', async () => {
    const { flags, socketPath } = await workspace();
    const first = await startReady([...flags, '--socket-mode', '0660'], socketPath);
    expect(statSync(socketPath).mode & 0o777).toBe(0o660);
    const { json } = await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd({ stamp: stampOf(1) }));
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(existsSync(socketPath)).toBe(false);
    expect(first.log().map(({ message }) => message)).toEqual(expect.arrayContaining(['started', 'stopping', 'stopped']));

    const second = await startReady(flags, socketPath);
    expect(await bindings(socketPath)).toEqual(new Map([['c1', json.addresses[0].address.split('/')[0]]]));
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });

  test('a second one on the same database is refused and the first goes on', async () => {
    const { flags, socketPath, folder, database } = await workspace();
    await startReady(flags, socketPath);
    const second = await startProcess([...flags, '--listen', `unix:${join(folder, 'other.sock')}`]);
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toBe(
      `berth-controller: cannot open --store sqlite:${database}: the database ${database} is in use by another controller: stop that one first\n`,
    );
    expect((await ask({ socketPath }, 'GET', '/readyz')).status).toBe(200);
  });

  test('a second one on the same socket is refused and the first goes on', async () => {
    const { flags, socketPath } = await workspace();
    await startReady(flags, socketPath);
    const second = await startProcess(['--store', 'memory', '--listen', `unix:${socketPath}`]);
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain(
      `cannot listen on unix:${socketPath}: Another process listens on ${socketPath}: stop it first, or listen elsewhere.\n`,
    );
    expect((await ask({ socketPath }, 'GET', '/readyz')).status).toBe(200);
  });

  test('killed and started again, it takes its socket back', async () => {
    const { flags, socketPath } = await workspace();
    const first = await startReady(flags, socketPath);
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    expect(existsSync(socketPath)).toBe(true);
    await startReady(flags, socketPath);
  });

  test('a log that cannot be written (its disk is full) keeps nobody from being served', async () => {
    const { flags, socketPath } = await workspace();
    const { bundle } = await builtController();
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [bundle, ...flags, '--listen', `unix:${socketPath}`], { stdio: ['ignore', 'ignore', full] });
    closeSync(full);
    onTestFinished(() => void child.kill('SIGKILL'));
    await eventually(async () => (await ask({ socketPath }, 'GET', '/readyz').catch(() => undefined))?.status === 200, 'the controller');
    expect((await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd({ stamp: stampOf(1) }))).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('SIGTERM under load: every acknowledged ADD is there afterwards, every acknowledged DEL too', async () => {
    const { flags, socketPath } = await workspace();
    const first = await startReady(flags, socketPath);
    const held = new Map<string, string>();
    const uncertain = new Set<string>();
    let number = 0;
    const load = { stopped: false };
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    async function caller(): Promise<void> {
      while (!load.stopped) {
        const containerId = `c${(number += 1)}`;
        uncertain.add(containerId);
        const added = await ask({ socketPath, agent }, 'POST', '/v1/cni/add', cniAdd({ containerId, stamp: stampOf(number) }));
        if (added.status !== 200) return;
        held.set(containerId, added.json.addresses[0].address.split('/')[0]);
        if (number % 3 === 0) {
          held.delete(containerId);
          const deleted = await ask({ socketPath, agent }, 'POST', '/v1/cni/del', cniAdd({ containerId, stamp: stampOf(number + 1) }));
          if (deleted.status !== 200) return;
        }
        uncertain.delete(containerId);
      }
    }
    const callers = Array.from({ length: 16 }, () => caller().catch(() => undefined));
    await eventually(() => number > 200, '200 calls');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    load.stopped = true;
    await Promise.all(callers);
    agent.destroy();

    const second = await startReady(flags, socketPath);
    const found = await bindings(socketPath);
    for (const [containerId, address] of held) expect(found.get(containerId), containerId).toBe(address);
    for (const containerId of found.keys()) expect(held.has(containerId) || uncertain.has(containerId), containerId).toBe(true);
    expect(new Set(found.values()).size).toBe(found.size);
    expect((await ask({ socketPath }, 'POST', '/v1/check')).json.findings).toEqual([]);
    second.child.kill('SIGTERM');
    await second.ended;
  });

  test('a caller that never finishes holds up a stop; a second signal does not wait for it', async () => {
    const { flags, socketPath } = await workspace();
    const started = await startReady(flags, socketPath);
    const half = connect({ path: socketPath });
    half.on('error', () => undefined);
    half.write('POST /v1/cni/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{');
    await eventually(async () => /^berth_connections [2-9]/m.test((await ask({ socketPath }, 'GET', '/metrics')).text), 'the connection');
    started.child.kill('SIGTERM');
    await eventually(() => started.log().some(({ message }) => message === 'stopping'), 'the stop to begin');
    expect(started.child.exitCode).toBeNull();
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(1);
    half.destroy();
  });

  test('SIGHUP applies the pools file again; a broken one is logged and the old pools stay', async () => {
    const { flags, pools, socketPath } = await workspace();
    const started = await startReady(flags, socketPath);
    const names = async () => (await ask({ socketPath }, 'GET', '/v1/pools')).json.items.map(({ metadata }: any) => metadata.name);
    const red = poolDocument('red', { ranges: [{ cidr: '10.1.0.0/16' }] });
    writeFileSync(pools, JSON.stringify({ kind: 'List', items: [blue, red] }));
    started.child.kill('SIGHUP');
    await eventually(async () => (await names()).length === 2, 'the second pool');

    writeFileSync(pools, '{ broken');
    started.child.kill('SIGHUP');
    const line = await eventually(() => started.log().find(({ message }) => message === 'pools not reloaded'), 'the complaint');
    expect(line).toMatchObject({ level: 'error', file: pools });
    expect(await names()).toEqual(['blue', 'red']);

    writeFileSync(pools, JSON.stringify(red));
    started.child.kill('SIGHUP');
    await eventually(() => started.log().filter(({ message }) => message === 'pools file applied').length === 3, 'the third reading');
    expect(await names()).toEqual(['blue', 'red']);
    expect((await ask({ socketPath }, 'GET', '/readyz')).status).toBe(200);
  });

  test('after a reboot of the machine what its containers held is let go, what vms hold stays', async () => {
    const { flags, socketPath, database } = await workspace();
    const before = await startReady(flags, socketPath);
    await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd({ stamp: stampOf(1) }));
    await ask({ socketPath }, 'POST', '/v1/allocate', { subinstance: 't', subid: 'vm1', resource: { type: 'vm', value: 'vm1' } });
    before.child.kill('SIGTERM');
    await before.ended;
    // The kernel's boot id cannot be changed here, so the records are moved to an older boot instead.
    const file = new DatabaseSync(database);
    file.prepare('UPDATE boots SET boot_id = ?').run('the-boot-before');
    file.prepare('UPDATE bindings SET spec = replace(spec, ?, ?)').run(bootId, 'the-boot-before');
    file.close();
    await startReady(flags, socketPath);
    await eventually(async () => !(await bindings(socketPath)).has('c1'), 'the attachment of the older boot to be released');
    expect([...(await bindings(socketPath)).keys()]).toEqual(['vm1']);
    const stale = await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd({ stamp: { ...stampOf(9), bootId: 'the-boot-before' } }));
    expect([stale.status, stale.json.code, stale.json.reason]).toEqual([409, 11, 'StaleCall']);
  });

  test('what plugins spooled while nobody ran is taken at the start; what is broken stays', async () => {
    const { flags, socketPath, folder } = await workspace();
    const before = await startReady(flags, socketPath);
    for (const containerId of ['c1', 'c2']) await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd({ containerId, stamp: stampOf(1) }));
    before.child.kill('SIGTERM');
    await before.ended;
    const spool = join(folder, 'spool');
    mkdirSync(spool);
    writeFileSync(join(spool, '0001.json'), JSON.stringify(cniDel({ containerId: 'c1', stamp: stampOf(2) })));
    writeFileSync(join(spool, '0002.json'), '{"half":');
    writeFileSync(join(spool, '.0003.tmp'), JSON.stringify(cniDel({ containerId: 'c2', stamp: stampOf(2) })));
    const after = await startReady(flags, socketPath);
    await eventually(() => after.log().some(({ message }) => message === 'spool drained'), 'the spool to be drained');
    expect([...(await bindings(socketPath)).keys()]).toEqual(['c2']);
    expect(readdirSync(spool).toSorted()).toEqual(['.0003.tmp', '0002.json']);
  });

  test('backup beside the running controller; a controller started on the copy knows everything', async () => {
    const { flags, socketPath, folder, database } = await workspace();
    const started = await startReady(flags, socketPath);
    await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd({ stamp: stampOf(1) }));
    const copy = join(folder, 'copy.db');
    const backup = await startProcess(['backup', '--store', `sqlite:${database}`, copy]);
    expect(await backup.ended).toBe(0);
    expect(backup.stdout()).toMatch(new RegExp(`^${copy}: 1 bindings, 1 pools, \\d+ bytes\n$`));
    const again = await startProcess(['backup', '--store', `sqlite:${database}`, copy]);
    expect(await again.ended).toBe(1);
    expect(again.stderr()).toBe(`berth-controller: cannot back up ${database}: ${copy} exists already: a backup never overwrites a file\n`);
    const held = await bindings(socketPath);
    started.child.kill('SIGTERM');
    await started.ended;
    await startReady(['--store', `sqlite:${copy}`, '--node-name', 'node-1'], socketPath);
    expect(await bindings(socketPath)).toEqual(held);
  });

  test('https beside the socket, from flags; no secret in the log at its most talkative', async () => {
    const { flags, socketPath, folder } = await workspace();
    const authority = makeAuthority(folder, 'authority');
    const own = makeCertificate(folder, 'own', '/CN=controller', authority);
    const client = makeCertificate(folder, 'client', '/CN=node-2', authority);
    const tls = ['--tls-cert', own.certFile, '--tls-key', own.keyFile, '--client-ca', authority.certFile];
    const started = await startReady([...flags, ...tls, '--listen', 'https://127.0.0.1:0', '--log-level', 'debug'], socketPath);
    const listening = started.log().find(({ listen }) => String(listen).startsWith('https:'));
    const port = Number(/:(\d+)$/.exec(listening?.['listen'])?.[1]);
    const target = { host: '127.0.0.1', port, ca: authority.cert, cert: client.cert, key: client.key, agent: false as const };
    const secret = { authorization: 'Bearer planted-token-77', cookie: 'planted-token-77' };
    const added = await ask(target, 'POST', '/v1/cni/add', cniAdd({ stamp: { ...stampOf(1), bootId: 'boot-of-node-2' } }), secret);
    expect(added.status).toBe(200);
    await ask(target, 'POST', '/v1/cni/add', '{"planted-token-77":', secret);
    await ask({ socketPath }, 'GET', '/v1/bindings?node=planted', undefined, secret);
    const { json } = await ask({ socketPath }, 'GET', '/v1/bindings?node=node-2');
    expect(json.items).toHaveLength(1);
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(0);
    expect(started.log().filter(({ verb }) => verb === 'add')).toHaveLength(2);
    expect(started.stderr()).not.toContain('planted-token-77');
    expect(started.stderr()).not.toContain('PRIVATE KEY');
  });

  test('certificates that are none: one sentence', async () => {
    const { flags, pools, socketPath } = await workspace();
    const tls = ['--tls-cert', pools, '--tls-key', pools, '--client-ca', pools];
    const started = await startProcess([...flags, ...tls, '--listen', `unix:${socketPath}`, '--listen', 'https://127.0.0.1:0']);
    expect(await started.ended).toBe(1);
    expect(started.stderr()).toContain(
      `berth-controller: cannot listen on https://127.0.0.1:0: ${pools} holds no certificate in PEM form\n`,
    );
    expect(existsSync(socketPath)).toBe(false);
  });

  test('the memory store works and forgets', async () => {
    const { pools, socketPath } = await workspace();
    const flags = ['--store', 'memory', '--pools', pools, '--node-name', 'node-1'];
    const first = await startReady(flags, socketPath);
    expect((await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd({ stamp: stampOf(1) }))).status).toBe(200);
    expect((await ask({ socketPath }, 'GET', '/v1/version')).json.store).toBe('memory');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await startReady(flags, socketPath);
    expect((await bindings(socketPath)).size).toBe(0);
  });
});
