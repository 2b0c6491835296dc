import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { lines, withController } from './cluster.ts';

const { controller, run, done, pool } = withController();

beforeAll(async () => {
  await pool('blue', '10.0.0.0/24', { gateway: '10.0.0.1' });
  await pool('six', 'fd00::/64', { default: true });
});

/** The clock of the tables: this long after the address was bound. */
async function after(address: string, seconds: number): Promise<{ now: number }> {
  const { spec } = JSON.parse(await done(`binding get ${address} -o json`));
  return { now: Date.parse(spec.boundAt) + seconds * 1000 };
}

test('allocate prints the bare address, so that a script can keep it, and says the rest on stderr', async () => {
  const command = 'allocate --pool blue -n first --subid vm-1 --resource vm:vm-1';
  expect(await run(command)).toEqual({ stdout: '10.0.0.2\n', stderr: '10.0.0.2 of pool blue is held by first/vm-1.\n', exitCode: 0 });
  expect(await run(`${command} -q`)).toEqual({ stdout: '10.0.0.2\n', stderr: '', exitCode: 0 });
  expect(await done(`${command} --slot 1`)).toBe('10.0.0.3\n');
  expect(await done('release -n first')).toBe(lines`
    10.0.0.2 released from first/vm-1, pool blue
    10.0.0.3 released from first/vm-1, pool blue
  `);
});

test('the tables of bindings, narrow and wide, with tags, lease and slot', async () => {
  const base = 'allocate --pool blue -n tables --resource';
  await done([...`${base} vm:db --subid db --address 10.0.0.40 --tag rack=7 --tag`.split(' '), 'note=a b']);
  await done(`${base} mac:AA-BB-CC-00-11-22 --subid nic --address 10.0.0.41 --lease 1h --slot 2`);
  const clock = await after('10.0.0.40', 5 * 60 + 30);
  const { spec } = JSON.parse(await done('binding get 10.0.0.41 -o json'));
  const age = Math.floor((clock.now - Date.parse(spec.boundAt)) / 1000);
  expect(await done('binding list -n tables', clock)).toBe(lines`
    ADDRESS     STATE   SUBINSTANCE   SUBID   NODE     POOL   AGE
    10.0.0.40   Bound   tables        db      <none>   blue   5m30s
    10.0.0.41   Bound   tables        nic     <none>   blue   ${age === 330 ? '5m30s' : '5m29s'}
  `);
  expect(await done('binding get 10.0.0.40 -o wide', clock)).toBe(lines`
    ADDRESS     STATE   SUBINSTANCE   SUBID   NODE     POOL   AGE     NETWORK   RESOURCE   INTERFACE   SLOT   EXPIRES   TAGS
    10.0.0.40   Bound   tables        db      <none>   blue   5m30s   default   vm:db      <none>      0      never     rack=7,note=a b
  `);
  const leased = await done('binding get 10.0.0.41 -o wide --no-headers', { now: Date.parse(spec.boundAt) });
  expect(leased).toBe(
    '10.0.0.41   Bound   tables   nic   <none>   blue   0s   default   mac:aa:bb:cc:00:11:22   <none>   2   in 60m   <none>\n',
  );
  expect(await done('binding list -n tables -o name')).toBe('addressbinding/default.10-0-0-40\naddressbinding/default.10-0-0-41\n');
});

test.each(['json', 'yaml'])('a binding in %s is one document, several are a List', async (format) => {
  await done(`allocate --pool blue -n doc-${format} --subid a --resource vm:a`);
  await done(`allocate --pool blue -n doc-${format} --subid b --resource vm:b`);
  const list = parse(await done(`binding list -n doc-${format} -o ${format}`));
  expect(list).toMatchObject({
    apiVersion: 'v1',
    kind: 'List',
    items: [{ kind: 'AddressBinding', spec: { subid: 'a' } }, { spec: { subid: 'b' } }],
  });
  const address = list.items[0].spec.address;
  expect(parse(await done(`binding get ${address} -o ${format}`))).toEqual(list.items[0]);
});

test('more bindings than one page, in the order of their addresses', async () => {
  await pool('many', '10.20.0.0/21');
  const allocate = async (index: number) => {
    const body = { pools: ['many'], subinstance: 'many', subid: `m-${index}`, resource: { type: 'custom', value: `m-${index}` } };
    expect((await controller().ask('POST', '/v1/allocate', body)).status).toBeLessThan(300);
  };
  for (let start = 0; start < 1200; start += 50) await Promise.all(Array.from({ length: 50 }, (_, index) => allocate(start + index)));
  const addresses = (await done('binding list -n many --no-headers')).split('\n').map((line) => line.split(' ')[0]);
  expect(addresses.length).toBe(1201);
  expect(addresses.slice(0, 2)).toEqual(['10.20.0.2', '10.20.0.3']);
  expect(addresses.at(1199)).toBe('10.20.4.177');
});

test('several pools, by repeating --pool or with commas, in that order', async () => {
  const address = async (pools: string) => (await done(`allocate ${pools} -n commas --subid a --resource vm:a --dry-run -q`)).trim();
  expect(await address('--pool six,blue')).toMatch(/^fd00:/);
  expect(await address('--pool six --pool blue')).toMatch(/^fd00:/);
  expect(await address('--pool blue,addresspool/six')).toMatch(/^10\./);
});

test('allocate --dry-run says which address it would be, and binds none; of a holder, which it has', async () => {
  const command = 'allocate --pool blue -n dry --subid a --resource vm:a';
  const dry = await run(`${command} --dry-run`);
  const address = dry.stdout.trim();
  expect(dry.stderr).toBe(`${address} of pool blue would be held by dry/a.\n`);
  expect((await run('find -n dry')).exitCode).toBe(4);
  expect(await done(`${command} --quiet`)).toBe(`${address}\n`);
  expect((await run(`${command} --dry-run`)).stderr).toBe(`${address} of pool blue is held by dry/a.\n`);
  expect((await run(`${command} --slot 1 --address ${address} --dry-run`)).exitCode).toBe(1);
  await done('release -n dry --yes');
});

test('find: by subject, resource in any spelling, tag, address, pool; 4 when there is nothing', async () => {
  await done('allocate --pool blue -n find --subid a --resource mac:02:00:00:00:00:0A --address 10.0.0.60 --tag role=db --tag hot');
  await done('allocate --pool blue -n find --subid b --resource vm:b --address 10.0.0.61 --tag role=web');
  const found = async (criteria: string) =>
    (await done(`find ${criteria} -o name`)).replaceAll('addressbinding/default.10-0-0-', '.').trim().split('\n');
  expect(await found('-n find')).toEqual(['.60', '.61']);
  expect(await found('-n find --subid b')).toEqual(['.61']);
  expect(await found('--resource mac:0200.0000.000a')).toEqual(['.60']);
  expect(await found('--resource mac:02-00-00-00-00-0a')).toEqual(['.60']);
  expect(await found('--tag role')).toEqual(['.60', '.61']);
  expect(await found('--tag role=web')).toEqual(['.61']);
  expect(await found('--tag hot')).toEqual(['.60']);
  expect(await found('10.0.0.60')).toEqual(['.60']);
  expect(await found('addressbinding/default.10-0-0-61')).toEqual(['.61']);
  expect(await found('-A --tag role')).toEqual(['.60', '.61']);
  expect(await run('find --tag role=none')).toEqual({ stdout: '', stderr: 'Nothing is held.\n', exitCode: 4 });
  expect((await run('find 10.0.0.62')).exitCode).toBe(4);
  expect(await found('10.0.0.60/31')).toEqual(['.60', '.61']);
  expect(await found('10.0.0.61-10.0.0.69')).toEqual(['.61']);
  expect((await run('find 10.0.0.62/31')).exitCode).toBe(4);
  expect((await run('find 10.0.0.61/31')).stderr).toContain('"10.0.0.61/31" has host bits set: the subnet is 10.0.0.60/31');
  expect((await run('find --state all')).exitCode).toBe(2);
  expect((await run('find -n x -A')).stderr).toBe('berthctl: give -n or -A, not both\nSee "berthctl find --help".\n');
});

test('release: dry run changes nothing; then it is gone, and again it is not found', async () => {
  await done('allocate --pool blue -n rel --subid a --resource vm:a --address 10.0.0.80');
  expect(await done('release 10.0.0.80 --dry-run')).toBe('10.0.0.80 released from rel/a, pool blue (dry run)\n');
  expect((await run('find 10.0.0.80')).exitCode).toBe(0);
  expect(await done('release 10.0.0.80')).toBe('10.0.0.80 released from rel/a, pool blue\n');
  expect((await run('find 10.0.0.80')).exitCode).toBe(4);
  expect(await done('binding list --state released -n rel -o name')).toBe('addressbinding/default.10-0-0-80\n');
  expect(await run('release 10.0.0.80')).toMatchObject({ stdout: '', exitCode: 4 });
});

test('release by subject and by subinstance; of nobody it is 4', async () => {
  for (const subid of ['a', 'b', 'c']) await done(`allocate --pool blue -n team --subid ${subid} --resource vm:${subid}`);
  expect(await done('release -n team --subid b -o name')).toMatch(/^10\.0\.0\.\d+\n$/);
  const released = JSON.parse(await done('release -n team -o json'));
  expect(released.released.map(({ subid }: { subid: string }) => subid).sort()).toEqual(['a', 'c']);
  expect(await run('release -n team')).toEqual({ stdout: '', stderr: 'Nothing is held there.\n', exitCode: 4 });
});

test('release of several: what can go goes, and the exit code tells that not all could', async () => {
  await done('allocate --pool blue -n some --subid a --resource vm:a --address 10.0.0.90');
  const result = await run('release 10.0.0.90 10.0.0.91');
  expect(result.stdout).toBe('10.0.0.90 released from some/a, pool blue\n');
  expect(result.stderr).toContain('refused (BindingNotFound)');
  expect(result.exitCode).toBe(4);
});

test.each([
  { answer: 'y', exitCode: 0 },
  { answer: 'YES', exitCode: 0 },
  { answer: 'n', exitCode: 1 },
  { answer: '', exitCode: 1 },
  { answer: undefined, exitCode: 1 },
])('a person is asked before a release, and $answer means $exitCode', async ({ answer, exitCode }) => {
  await done('allocate --pool blue -n ask --subid a --resource vm:a --address 10.0.0.100');
  const result = await run('release 10.0.0.100', { answers: [answer] });
  expect(result.exitCode).toBe(exitCode);
  expect(result.stderr).toMatch(/^Release 10\.0\.0\.100, held by ask\/a\? \[y\/N\] /);
  expect((await run('find 10.0.0.100')).exitCode).toBe(exitCode === 0 ? 4 : 0);
  await run('release 10.0.0.100 --yes', { answers: [] });
});

test('renew moves the end of a lease; of an address nobody holds it is 4', async () => {
  await done('allocate --pool blue -n lease --subid a --resource vm:a --address 10.0.0.110 --lease 10m');
  const before = JSON.parse(await done('binding get 10.0.0.110 -o json')).spec.expiresAt;
  expect(await done('renew 10.0.0.110 --lease 1h30m')).toMatch(/^10\.0\.0\.110 renewed for lease\/a, expires \S+Z \(in 90m\)\n$/);
  const { expiresAt } = JSON.parse(await done('binding get 10.0.0.110 -o json')).spec;
  expect(Date.parse(expiresAt) - Date.parse(before)).toBeGreaterThanOrEqual(79 * 60_000);
  expect((await run('renew 10.0.0.111 --lease 1h')).exitCode).toBe(4);
});

test('allocate: a held address names its holder, a full pool says so, an unknown one is 4', async () => {
  await done('allocate --pool blue -n who --subid a --resource vm:a --address 10.0.0.120');
  const held = await run('allocate --pool blue -n who --subid b --resource vm:b --address 10.0.0.120');
  expect(held).toMatchObject({ stdout: '', exitCode: 1 });
  expect(held.stderr).toMatch(/refused \(IpAlreadyAllocated\).*who\/a/);
  await pool('tiny', '10.30.0.0/30', { gateway: '10.30.0.1' });
  await done('allocate --pool tiny -n who --subid a --resource vm:a');
  const full = await run('allocate --pool tiny -n who --subid b --resource vm:b');
  expect(full.exitCode).toBe(1);
  expect(full.stderr).toContain('(PoolFull)');
  expect(full.stderr).toContain('tiny');
  expect((await run('allocate --pool nope -n who --subid b --resource vm:b')).exitCode).toBe(4);
});

test('names of others are shown, never obeyed', async () => {
  const subid = 'a\u202e\u2066\u200fb';
  const made = await run([
    'allocate',
    '--pool',
    'blue',
    '-n',
    'Tür & <Haus> "x"',
    '--subid',
    subid,
    '--resource',
    'vm:x',
    '--address',
    '10.0.0.130',
  ]);
  expect(made.stderr).toBe('10.0.0.130 of pool blue is held by Tür & <Haus> "x"/a\\u202e\\u2066\\u200fb.\n');
  expect(await done('find 10.0.0.130 --no-headers', await after('10.0.0.130', 1))).toBe(
    '10.0.0.130   Bound   Tür & <Haus> "x"   a\\u202e\\u2066\\u200fb   <none>   blue   1s\n',
  );
  for (const format of ['json', 'yaml']) {
    const text = await done(`binding get 10.0.0.130 -o ${format}`);
    expect(text).toContain('\\u202e');
    expect(text).not.toContain('\u202e');
    expect(parse(text).spec.subid).toBe(subid);
  }
  const refused = await run(['allocate', '--pool', 'blue', '-n', 'x', '--subid', 'a\u001b[2Jb', '--resource', 'vm:x']);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).not.toContain('\u001b');
  expect((await run(['release', '-n', '../../etc'])).exitCode).toBe(4);
  expect((await run(['pool', 'get', '../v1/stats?x#y'])).exitCode).not.toBe(0);
});

test('a MAC that is none, a tag without a key: usage', async () => {
  const base = ['allocate', '--pool', 'blue', '-n', 'x', '--subid', 'y'];
  expect((await run([...base, '--resource', 'mac:zz'])).stderr).toContain('"zz" is not a MAC address');
  expect((await run([...base, '--resource', 'vm:a', '--tag', '=x'])).stderr).toContain('--tag: "=x" has no key');
  expect((await run([...base, '--resource', 'vm:a', '--tag', 'a=1', '--tag', 'a=2'])).stderr).toContain('--tag: "a" is given twice');
  expect((await run([...base, '--resource', 'vm:a', '--slot', 'one'])).exitCode).toBe(2);
  expect((await run([...base, '--resource', 'vm:a', '--lease', '0'])).exitCode).toBe(2);
});
