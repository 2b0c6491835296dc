import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { httpAnswer, openFaultSocket } from '../client/fault-socket.ts';
import { berthctl } from './berthctl.ts';
import { lines, withController } from './cluster.ts';

const { controller, run, done, pool } = withController();
beforeAll(async () => {
  await pool('blue', '10.0.0.0/29', { gateway: '10.0.0.1', default: true });
});

test('no controller where nobody said anything: how to start one, how to name one, and that a cluster comes later', async () => {
  expect(await berthctl(['stats', '--controller', 'unix:///nowhere/berth.sock'])).toEqual({
    stdout: '',
    stderr: lines`
      berthctl: the controller is out of reach: no socket at unix:///nowhere/berth.sock.
      That socket comes from --controller. Is berth-controller running, and does it --listen there?
      A cluster is asked where there is a kubeconfig: KUBECONFIG, ~/.kube/config, or --kubeconfig.
    `,
    exitCode: 3,
  });
  const usual = await berthctl(['stats']);
  // Somebody may run a real one on this machine.
  if (usual.exitCode === 3) expect(usual.stderr).toContain('Start one ("berth-controller --store sqlite:PATH --listen unix:SOCKET")');
});

test('--controller is stronger than BERTH_CONTROLLER', async () => {
  const environment = { BERTH_CONTROLLER: 'unix:/nowhere/at.all' };
  const dead = await berthctl(['stats'], { environment });
  expect(dead.exitCode).toBe(3);
  expect(dead.stderr).toContain('That socket comes from BERTH_CONTROLLER.');
  expect((await berthctl(['stats', '--controller', `unix:${controller().socket}`], { environment })).exitCode).toBe(0);
});

test('every command ends with 3 and touches stdout with nothing but what it knows itself', async () => {
  const commands = [
    ...[
      'pool list',
      'pool get a',
      'pool delete a',
      'pool reserve a 10.0.0.1',
      'pool unreserve a 10.0.0.1',
      'pool drain a',
      'pool resume a',
    ],
    ...['binding list', 'binding get 10.0.0.1', 'allocate -n a --subid b --resource vm:c', 'release 10.0.0.1', 'renew 10.0.0.1 --lease 1h'],
    ...[
      'find 10.0.0.1',
      'explain 10.0.0.1',
      'stats',
      'events',
      'events --follow',
      'check',
      'check --repair',
      'collect',
      'backup /tmp/never.db',
    ],
  ];
  for (const command of commands) {
    const result = await berthctl(command.split(' '), { socket: '/nowhere/berth.sock' });
    expect({ command, stdout: result.stdout, exitCode: result.exitCode }).toEqual({ command, stdout: '', exitCode: 3 });
    expect(result.stderr).toMatch(/^berthctl: the controller is out of reach: no socket at /);
  }
});

test('a controller that hangs: the deadline, and that the change may have been made', async () => {
  const { path } = await openFaultSocket(() => undefined);
  const result = await berthctl('allocate -n a --subid b --resource vm:c --timeout 200ms'.split(' '), { socket: path });
  expect(result).toMatchObject({ stdout: '', exitCode: 3 });
  expect(result.stderr).toBe(lines`
    berthctl: the controller is out of reach: no answer from unix://${path} within 0.2 s.
    The change may have been made all the same: look before you repeat it (repeating is safe).
    Give it longer with --timeout, or see how it is with "berthctl doctor".
  `);
});

test('another program on the socket', async () => {
  const { path } = await openFaultSocket((socket) => socket.end(httpAnswer(200, '<h1>It works!</h1>', 'text/html')));
  const result = await berthctl(['pool', 'list'], { socket: path });
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toContain(`the answer of unix://${path} to GET /v1/pools is not a Berth controller's (status 200)`);
});

test('a refusal lists the pools that were tried', async () => {
  const problem = {
    status: 409,
    code: 11,
    reason: 'PoolFull',
    detail: 'No pool has an address left.',
    pools: [
      { pool: 'a', reason: 'PoolFull', detail: '4 of 4 held' },
      { pool: 'b', reason: 'PoolNotActive', detail: 'draining' },
    ],
    retryAfterSeconds: 12,
  };
  const { path } = await openFaultSocket((socket) => socket.end(httpAnswer(409, JSON.stringify(problem))));
  expect((await berthctl('allocate -n a --subid b --resource vm:c'.split(' '), { socket: path })).stderr).toBe(lines`
    berthctl: refused (PoolFull): No pool has an address left.
      pool a: 4 of 4 held (PoolFull)
      pool b: draining (PoolNotActive)
    Try again in 12 seconds.
  `);
});

function machine(): { readonly root: string; readonly options: string[] } {
  const root = mkdtempSync(join(tmpdir(), 'berth-doctor-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const name of ['bin', 'net.d', 'spool']) mkdirSync(join(root, name));
  return { root, options: ['--cni-bin-dir', join(root, 'bin'), '--cni-conf-dir', join(root, 'net.d'), '--spool-dir', join(root, 'spool')] };
}

test('doctor: a machine where everything is right', async () => {
  const { root, options } = machine();
  writeFileSync(join(root, 'bin', 'berth'), '', { mode: 0o755 });
  writeFileSync(
    join(root, 'net.d', '10-berth.conflist'),
    JSON.stringify({
      cniVersion: '1.0.0',
      name: 'n',
      plugins: [{ type: 'bridge', ipam: { type: 'berth', pools: ['blue'] } }, { type: 'portmap' }],
    }),
  );
  writeFileSync(join(root, 'net.d', '20-other.conf'), JSON.stringify({ type: 'ptp', ipam: { type: 'host-local' } }));
  expect(await run(['doctor', ...options])).toEqual({
    stdout: lines`
      ok       socket: ${controller().socket} (mode 0600)
      ok       controller: version 0.2.0, store sqlite
      ok       readiness: ready
      ok       pool blue: 0% used, 5 free
      ok       store: 1 pool, 0 bindings: nothing wrong
      ok       plugin: ${root}/bin/berth
      ok       network: ${root}/net.d/10-berth.conflist uses pool blue
      ok       spool: ${root}/spool: nothing waits
    `,
    stderr: '0 problems, 0 warnings.\n',
    exitCode: 0,
  });
});

test('doctor: a machine where much is wrong, each line with what to do', async () => {
  const { root, options } = machine();
  writeFileSync(join(root, 'bin', 'berth'), '', { mode: 0o644 });
  writeFileSync(
    join(root, 'net.d', '10-berth.conf'),
    JSON.stringify({ type: 'bridge', ipam: { type: 'berth', pools: ['blue', ['red']] } }),
  );
  writeFileSync(join(root, 'net.d', '20-broken.conflist'), '{"cniVersion":');
  writeFileSync(join(root, 'spool', '0001-0001-1-1.json'), '{}');
  chmodSync(controller().socket, 0o666);
  onTestFinished(() => chmodSync(controller().socket, 0o600));
  for (const subid of ['a', 'b', 'c', 'd', 'e']) await done(`allocate --pool blue -n full --subid ${subid} --resource vm:${subid}`);
  const result = await run(['doctor', ...options, '-q']);
  await done('release -n full');
  expect(result).toEqual({
    stdout: lines`
      warning  socket: ${controller().socket} (mode 0666) may be used by everybody on this machine
               → start the controller with --socket-mode 0600 or 0660
      ok       controller: version 0.2.0, store sqlite
      ok       readiness: ready
      problem  pool blue: full: 5 of 5 held
               → add a range or another pool, or release what nobody needs: berthctl binding list --pool blue
      ok       store: 1 pool, 5 bindings: nothing wrong
      problem  plugin: ${root}/bin/berth is not an executable file
               → install dist/berth there with mode 0755
      problem  network: ${root}/net.d/10-berth.conf names red, which the controller does not have
               → apply that pool, or name another
      problem  network: ${root}/net.d/20-broken.conflist is not JSON
               → the runtime will refuse it too: mend or remove it
      warning  spool: ${root}/spool: 1 deletion not delivered yet
               → the next call of the plugin delivers them, once the controller answers
    `,
    stderr: '',
    exitCode: 1,
  });
});

test('doctor without a controller still looks at the machine', async () => {
  const { root, options } = machine();
  const result = await berthctl(['doctor', ...options, '-o', 'json'], { socket: '/nowhere/berth.sock' });
  expect(result.exitCode).toBe(1);
  const { findings } = JSON.parse(result.stdout) as { findings: { level: string; subject: string; detail: string }[] };
  expect(findings.map(({ level, subject }) => `${level} ${subject}`)).toEqual([
    'problem socket',
    'problem controller',
    'warning plugin',
    'warning network',
    'ok spool',
  ]);
  expect(findings[0]!.detail).toBe('/nowhere/berth.sock is not there');
  rmSync(join(root, 'spool'), { recursive: true });
  expect((await berthctl(['doctor', ...options], { socket: '/nowhere/berth.sock' })).stdout).toContain(
    'spool: ' + join(root, 'spool') + ' is not there yet',
  );
});

test('doctor tells a draining pool, and one that is nearly full', async () => {
  const { options } = machine();
  await pool('old', '10.9.0.0/29');
  await done('pool drain old');
  await pool('near', '10.8.0.0/28');
  for (let index = 0; index < 12; index++) await done(`allocate --pool near -n near --subid ${index} --resource vm:x`);
  const { stdout } = await run(['doctor', ...options]);
  await done('release -n near');
  expect(stdout).toContain('warning  pool old: Draining: gives out nothing new (0% used, 5 free)\n         → berthctl pool resume old\n');
  expect(stdout).toContain(
    'warning  pool near: nearly full: 92% used, 1 free\n         → add a range or another pool while there is time\n',
  );
});
