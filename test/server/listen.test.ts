/** Where the controller listens: addresses read strictly, sockets with exactly their mode, dead ones replaced. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseListenAddress } from '../../src/server/listen-address.ts';
import { listenOnUnixSocket } from '../../src/server/unix-listener.ts';
import { ask } from '../support/http.ts';
import { stubOperations } from '../support/stub-operations.ts';
import { makeFolder, serve } from './serve.ts';

describe('--listen', () => {
  test.each([
    ['unix:/run/berth/berth.sock', { kind: 'unix', path: '/run/berth/berth.sock' }],
    ['unix:///run/berth/berth.sock', { kind: 'unix', path: '/run/berth/berth.sock' }],
    ['unix:berth.sock', { kind: 'unix', path: 'berth.sock' }],
    ['https://10.0.0.5:8443', { kind: 'https', host: '10.0.0.5', port: 8443 }],
    ['https://[fd00::1]:8443', { kind: 'https', host: 'fd00::1', port: 8443 }],
    ['https://fd00::1:8443', { kind: 'https', host: 'fd00::1', port: 8443 }], // a pod's fieldRef has no brackets
    ['https://localhost:443', { kind: 'https', host: 'localhost', port: 443 }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual({ ok: true, value: address });
  });

  test.each([
    ['http://0.0.0.0:80', /plain http would let anybody on the network in/],
    ['tcp://0.0.0.0:80', /must be unix:PATH or https:\/\/HOST:PORT/],
    ['/run/berth.sock', /must be unix:PATH or https:\/\/HOST:PORT/],
    ['unix:', /needs a path/],
    [`unix:/${'x'.repeat(120)}`, /121 bytes and Linux takes at most 107/],
    ['https://10.0.0.5', /say the port, as in https:\/\/10\.0\.0\.5:8443/],
    ['https://[fd00::1]', /say the port/],
    ['https://fd00::1', /a host and a port only/],
    ['https://fd00::1:99999', /a host and a port only/],
    ['https://10.0.0.5:8443/path', /a host and a port only/],
    ['https://user:planted-secret@host:8443', /a host and a port only/],
    ['https://', /a host and a port only/],
  ])('%s is refused', (text, detail) => {
    const outcome = parseListenAddress(text);
    expect(outcome.ok ? '' : outcome.refusal.detail).toMatch(detail);
    expect(JSON.stringify(outcome)).not.toContain('planted-secret');
  });
});

describe('the unix socket', () => {
  test.each([0o600, 0o660, 0o666])('has exactly the mode %o, whatever the umask', async (mode) => {
    const folder = await makeFolder();
    const before = process.umask(0o027);
    const path = join(folder, 'deep', 'er', 's.sock');
    const server = await listenOnUnixSocket(path, mode, (_request, response) => void response.end());
    expect(process.umask(before)).toBe(0o027);
    expect((await stat(path)).mode & 0o777).toBe(mode);
    server.close();
    await once(server, 'close');
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  test('of a dead process is replaced', async () => {
    const path = join(await makeFolder(), 's.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    expect((await stat(path)).isSocket()).toBe(true);
    const server = await listenOnUnixSocket(path, 0o600, (_request, response) => void response.end('new'));
    expect((await ask({ socketPath: path }, 'GET', '/')).text).toBe('new');
    server.close();
  });

  test('of a living one is not, and goes on answering', async () => {
    const { socketPath } = await serve(stubOperations());
    await expect(listenOnUnixSocket(socketPath, 0o600, () => undefined)).rejects.toThrow(`Another process listens on ${socketPath}`);
    expect((await ask({ socketPath }, 'GET', '/livez')).text).toBe('ok\n');
  });

  test('never replaces what is no socket', async () => {
    const folder = await makeFolder();
    const file = join(folder, 'precious');
    await writeFile(file, 'data');
    await symlink(file, join(folder, 'link'));
    await mkdir(join(folder, 'folder'));
    for (const name of ['precious', 'link', 'folder']) {
      await expect(listenOnUnixSocket(join(folder, name), 0o600, () => undefined)).rejects.toThrow('exists and is not a socket');
    }
    expect((await stat(file)).size).toBe(4);
  });
});
