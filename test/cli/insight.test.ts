import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { lines, withController } from './cluster.ts';

const { controller, run, done, pool } = withController();

beforeAll(async () => {
  await pool('blue', '10.0.0.0/24', { gateway: '10.0.0.1', reserved: ['10.0.0.200'] });
  await pool('huge', 'fd00::/48');
});

test('explain: free, reserved, in no pool', async () => {
  expect(await done('explain 10.0.0.77')).toBe(lines`
    10.0.0.77: free in pool blue
      State     free
      Network   default
      Pool      blue
  `);
  expect(await done('explain 10.0.0.200 -o name')).toBe('reserved\n');
  expect(await done('explain 192.0.2.1 -o name')).toBe('outside\n');
  expect(await done('explain 10.0.0.77 --network lab -o name')).toBe('outside\n');
  expect((await run('explain 10.0.0.777')).stderr).toBe('berthctl: "10.0.0.777" is not an IP address\nSee "berthctl explain --help".\n');
});

test('explain: held, then cooling with who had it last', async () => {
  await done('allocate --pool blue -n acme --subid db --resource vm:db --address 10.0.0.9 --lease 1h --tag rack=7');
  const { binding } = JSON.parse(await done('explain 10.0.0.9 -o json'));
  const { boundAt, expiresAt } = binding.spec;
  const now = Date.parse(boundAt) + 90_000;
  expect(await done('explain 10.0.0.9', { now })).toBe(
    lines`
    10.0.0.9: held by acme/db (vm db), on a lease
      State      held
      Network    default
      Pool       blue
      Holder     acme/db
      Resource   vm:db
      Since      ${boundAt} (90s ago)
      Expires    ${expiresAt} (in 58m)
      Tags       rack=7
  `,
  );
  await done('release 10.0.0.9');
  const cooling = await done('explain 10.0.0.9');
  expect(cooling).toMatch(/^10\.0\.0\.9: cooling .*acme\/db \(vm db\) had it last\n {2}State +cooling\n/);
  expect(cooling).toMatch(/\n {2}Last holder +acme\/db\n/);
  expect(cooling).toMatch(/\n {2}Released +\S+Z \(\d+s ago\)\n/);
  expect(cooling).toMatch(/\n {2}Available +\S+Z \(in \d+s\)\n/);
});

test('explain of a pod: every pool with its answer', async () => {
  expect(await done('explain shop/cart-0')).toBe(
    lines`
    shop/cart-0: the network configuration names no pool and there is no default pool (ipam.pools names one; a pool with "default: true" serves everybody); the pools are blue, huge
      State   refuses
      Node    node-1
    ORDER   POOL   FAMILY   ANSWER
    -       blue   IPv4     not tried: it has no selector and is no default pool: it serves those who name it
    -       huge   IPv6     not tried: it has no selector and is no default pool: it serves those who name it
  `.replace('node-1', await nodeName()),
  );
  expect(await done('explain shop/cart-0 --pool blue --pool huge')).toBe(lines`
    shop/cart-0: holds nothing; an ADD now would get an IPv4 address from pool blue and an IPv6 address from pool huge
      State             gives
      Node              ${await nodeName()}
      Pools asked for   blue, huge, named by --pool
    ORDER   POOL   FAMILY   ANSWER
    1       blue   IPv4     would give an address (251 available)
    1       huge   IPv6     would give an address (1208925819614629174706174 available)
  `);
  expect(await done('explain shop/cart-0 -o name')).toBe('refuses\n');
  expect((await run('explain shop/cart-0 --network lab')).exitCode).toBe(2);
  expect((await run('explain 10.0.0.77 --pool blue')).exitCode).toBe(2);
  expect((await run('explain 10.0.0.0/24')).stderr).toContain('is not an IP address');
});

const nodeName = async (): Promise<string> => JSON.parse(await done('explain shop/cart-0 -o json')).node;

test('stats: exact beyond 2^53, and how full', async () => {
  await done('allocate --pool huge -n acme --subid x --resource vm:x');
  expect(await done('stats')).toMatch(/\nhuge +IPv6 +1208925819614629174706176 +1 +2 +0 +1208925819614629174706173 +<1% +Active\n/);
  const { pools } = JSON.parse(await done('stats -o json'));
  expect(pools.find((entry: { pool: string }) => entry.pool === 'huge').total).toBe(String(2n ** 80n));
  expect(await done('stats -o name')).toBe('addresspool/blue\naddresspool/huge\n');
});

test('check: nothing wrong, and a repair of nothing asks nobody', async () => {
  const clean = await run('check');
  expect(clean).toMatchObject({ stdout: '', exitCode: 0 });
  expect(clean.stderr).toMatch(/^Checked 2 pools and \d+ bindings: nothing wrong\.\n$/);
  expect((await run('check --repair', { answers: [] })).exitCode).toBe(0);
  expect(JSON.parse(await done('check -o json'))).toMatchObject({ checked: { pools: 2 }, findings: [] });
});

test('collect: nobody is gone', async () => {
  expect(await run('collect --dry-run')).toEqual({ stdout: '', stderr: 'Nobody is gone.\n', exitCode: 0 });
  expect(JSON.parse(await done('collect -o json'))).toMatchObject({ released: [], held: [] });
});

test('version: both, or only this one', async () => {
  expect(await done('version')).toBe(`Client: ${VERSION}\nController: ${VERSION} (store: sqlite)\n`);
  expect(await run('version --client', { socket: '/nowhere/at.all' })).toEqual({ stdout: `Client: ${VERSION}\n`, stderr: '', exitCode: 0 });
  expect(JSON.parse(await done('version -o json'))).toEqual({
    client: { version: VERSION },
    controller: { version: VERSION, store: 'sqlite' },
  });
});

test('events without --follow: the last changes that the store remembers, oldest first', async () => {
  await done('allocate --pool blue -n log --subid a --resource vm:a --address 10.0.0.50');
  await done('allocate --pool blue -n log --subid b --resource vm:b --address 10.0.0.51');
  await done('release 10.0.0.50');
  const { items } = JSON.parse(await done('binding list -n log --state all -o json'));
  expect(await done('events --last 2')).toBe(lines`
    TIME                       EVENT      ADDRESS     SUBINSTANCE   SUBID   POOL
    ${items[1].spec.boundAt}   Bound      10.0.0.51   log           b       blue
    ${items[0].spec.releasedAt}   Released   10.0.0.50   log           a       blue
  `);
  expect(await done('events --last 1 -o name')).toBe('addressbinding/default.10-0-0-50\n');
  expect(JSON.parse(await done('events --last 1 -o json'))).toMatchObject({ event: 'Released', object: { kind: 'AddressBinding' } });
  expect((await run('events --last some')).exitCode).toBe(2);
});

test('events --follow: every change as it comes, until Ctrl-C', async () => {
  const interruption = new AbortController();
  let seen = '';
  const running = run('events --follow', { interrupted: interruption.signal, onOutput: (text) => (seen = text) });
  await expect.poll(() => seen, { timeout: 10_000 }).toMatch(/^TIME +EVENT/);
  await done('allocate --pool blue -n follow --subid a --resource vm:a --address 10.0.0.60');
  await done('release 10.0.0.60');
  await pool('later', '10.99.0.0/24');
  await done('pool delete later');
  await expect.poll(() => seen, { timeout: 10_000 }).toContain('PoolDeleted');
  interruption.abort();
  expect((await running).exitCode).toBe(130);
  const words = seen
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(/ +/).slice(1).join(' '));
  expect(words).toEqual([
    'Bound 10.0.0.60 follow a blue',
    'Released 10.0.0.60 follow a blue',
    'PoolChanged 10.99.0.0/24 - - later',
    'PoolDeleted 10.99.0.0/24 - - later',
  ]);
});

test('events --follow outlives a restart of the controller, and says that there was a gap', async () => {
  const interruption = new AbortController();
  let seen = '';
  const running = run('events --follow -o json', { interrupted: interruption.signal, onOutput: (text) => (seen = text) });
  await done('allocate --pool blue -n gap --subid a --resource vm:a --address 10.0.0.70');
  await controller().halt('SIGTERM');
  await controller().start();
  // The stream is back within its longest pause; repeat the change until it is seen, since what is in the gap is lost.
  for (let attempt = 0; attempt < 40 && !seen.includes('"gap-after"'); attempt++) {
    await done('allocate --pool blue -n gap-after --subid a --resource vm:a --address 10.0.0.71');
    await done('release 10.0.0.71');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  interruption.abort();
  const result = await running;
  expect(seen).toContain('"gap-after"');
  expect(result.stderr).toContain('Lost the controller');
  expect(result.stderr).toContain('The controller is back; what changed meanwhile was missed');
  for (const line of seen.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('event');
});

test('backup: a whole file of its own, never over another one unless told', async () => {
  const file = join(controller().directory, 'copy.db');
  expect(await done(['backup', file])).toMatch(/copy\.db written, \d+ bytes\n$/);
  expect((await readFile(file)).subarray(0, 15).toString()).toBe('SQLite format 3');
  expect(await run(['backup', file])).toEqual({
    stdout: '',
    stderr: `berthctl: ${file} exists; give another name, or --replace\n`,
    exitCode: 1,
  });
  await writeFile(file, 'old');
  await done(['backup', file, '--replace']);
  expect((await readFile(file)).length).toBeGreaterThan(1000);
  expect((await run(['backup', join(controller().directory, 'no', 'such.db')])).stderr).toContain('no such directory');
});
