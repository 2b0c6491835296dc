/** berthctl as a process of its own: pipes, terminals, signals. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { installBerthctl, spawnBerthctl, type Result } from './berthctl.ts';
import { poolDocument, withController } from './cluster.ts';

const { controller, done, pool, run } = withController();
const environment = (): Record<string, string> => ({ BERTH_CONTROLLER: `unix:${controller().socket}` });
const program = (): string => join(controller().directory, 'berthctl.mjs');
const start = (argv: readonly string[], input = ''): Promise<Result> =>
  spawnBerthctl(program(), argv, { input, environment: environment() });
const hasScript = spawnSync('script', ['--version']).status === 0;

beforeAll(async () => {
  await installBerthctl(controller().directory);
  await pool('blue', '10.0.0.0/20');
});

test('the exit code reaches the shell: 0, 1, 2, 3, 4', async () => {
  const codes = [
    await start(['pool', 'list']),
    await start(['allocate', '--pool', 'blue', '-n', 'a', '--subid', 'b', '--resource', 'vm:c', '--address', '10.0.0.0']),
    await start(['pol']),
    await start(['pool', 'list', '--controller', '/nowhere/s']),
    await start(['pool', 'get', 'none']),
  ].map(({ exitCode }) => exitCode);
  expect(codes).toEqual([0, 1, 2, 3, 4]);
});

test('standard input feeds apply; nothing is coloured in a pipe', async () => {
  const result = await start(['pool', 'apply', '-f', '-'], JSON.stringify(poolDocument('piped', '10.50.0.0/24')));
  expect(result).toEqual({ stdout: 'addresspool/piped created\n', stderr: '', exitCode: 0 });
  const list = await spawnBerthctl(program(), ['pool', 'list'], { environment: { ...environment(), FORCE_COLOR: '1' } });
  expect(list.stdout).not.toContain('\u001b');
});

test('a megabyte leaves whole, and a reader that leaves early (| head) is no failure', async () => {
  const bodies = Array.from({ length: 2_000 }, (_, index) => ({
    ...{ pools: ['blue'], subinstance: 'many', subid: `m-${index}`, resource: { type: 'custom', value: 'x' } },
    tags: { note: 'x'.repeat(200) },
  }));
  for (let start = 0; start < bodies.length; start += 100) {
    await Promise.all(bodies.slice(start, start + 100).map((body) => controller().ask('POST', '/v1/allocate', body)));
  }
  const whole = await start(['binding', 'list', '-o', 'json']);
  expect(whole.stdout.length).toBeGreaterThan(1_000_000);
  expect(JSON.parse(whole.stdout).items.length).toBe(2_000);
  const head = spawnSync(
    'bash',
    ['--norc', '-o', 'pipefail', '-c', `"${process.execPath}" "${program()}" binding list -o json | head -1`],
    {
      env: { PATH: process.env['PATH'], ...environment() },
      encoding: 'utf8',
    },
  );
  expect({ stdout: head.stdout, stderr: head.stderr, status: head.status }).toEqual({ stdout: '{\n', stderr: '', status: 0 });
});

test('a full disk under the output is told, and is a failure', () => {
  const full = spawnSync('bash', ['--norc', '-c', `"${process.execPath}" "${program()}" pool list > /dev/full`], {
    env: { PATH: process.env['PATH'], ...environment() },
    encoding: 'utf8',
  });
  expect({ stderr: full.stderr, status: full.status }).toEqual({
    stderr: 'berthctl: the output could not be written (ENOSPC)\n',
    status: 1,
  });
});

test.each([
  { signal: 'SIGINT', code: 130 },
  { signal: 'SIGTERM', code: 143 },
] as const)('$signal ends a stream at once, with $code and without a word', async ({ signal, code }) => {
  const child = spawn(process.execPath, [program(), 'events', '--follow', '-q'], { env: { PATH: process.env['PATH'], ...environment() } });
  await once(child.stdout, 'data');
  const stderr = text(child.stderr);
  child.kill(signal);
  const exit = await once(child, 'exit');
  expect({ exit, stderr: await stderr }).toEqual({ exit: [code, null], stderr: '' });
});

/** Runs berthctl on a terminal of its own, types once the question is there, and returns what the screen showed. */
async function onTerminal(command: string, typed?: string, more: Record<string, string> = {}) {
  const inner = `"${process.execPath}" "${program()}" ${command}`;
  const child = spawn('script', ['--quiet', '--return', '--command', inner, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...environment(), ...more },
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const asked = screen.includes('[y/N] ');
    screen += chunk;
    if (!asked && screen.includes('[y/N] ') && typed !== undefined) child.stdin.write(typed);
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { screen: screen.replaceAll('\r\n', '\n'), status };
}

test.skipIf(!hasScript)('on a terminal it asks before it releases; no means no, yes means yes (needs script of util-linux)', async () => {
  await done('allocate --pool blue -n tty --subid a --resource vm:a --address 10.0.15.1');
  const no = await onTerminal('release 10.0.15.1', 'n\n');
  expect(no.screen).toContain('Release 10.0.15.1, held by tty/a? [y/N]');
  expect(no.screen).toContain('Nothing released.');
  expect(no.status).toBe(1);
  expect((await run('find 10.0.15.1')).exitCode).toBe(0);
  const yes = await onTerminal('release 10.0.15.1', 'y\n');
  expect(yes.screen).toContain('10.0.15.1 released from tty/a, pool blue');
  expect(yes.status).toBe(0);
  expect((await run('find 10.0.15.1')).exitCode).toBe(4);
});

test.skipIf(!hasScript)('on a terminal --yes and --dry-run do not ask (needs script of util-linux)', async () => {
  await done('allocate --pool blue -n tty --subid a --resource vm:a --address 10.0.15.2');
  expect((await onTerminal('release 10.0.15.2 --dry-run')).screen.trim()).toBe('10.0.15.2 released from tty/a, pool blue (dry run)');
  expect((await onTerminal('release 10.0.15.2 --yes')).screen.trim()).toBe('10.0.15.2 released from tty/a, pool blue');
});

test.skipIf(!hasScript)('Ctrl-C at the question does nothing and ends with 130 (needs script of util-linux)', async () => {
  await done('allocate --pool blue -n tty --subid a --resource vm:a --address 10.0.15.3');
  const asked = await onTerminal('release 10.0.15.3', '\u0003');
  expect(asked.status).toBe(130);
  expect((await run('find 10.0.15.3')).exitCode).toBe(0);
});

test.skipIf(!hasScript)('a terminal has colours, unless NO_COLOR or TERM=dumb say otherwise (needs script of util-linux)', async () => {
  expect((await onTerminal('pool get blue')).screen).toContain('\u001b[32mActive\u001b[39m');
  expect((await onTerminal('pool get blue', undefined, { NO_COLOR: '1' })).screen).not.toContain('\u001b');
  expect((await onTerminal('pool get blue', undefined, { TERM: 'dumb' })).screen).not.toContain('\u001b');
});
