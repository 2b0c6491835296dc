import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { lines, poolDocument, withController } from './cluster.ts';

const { controller, run, done, pool } = withController();

test('no pool yet: nothing on stdout, a word on stderr, and that is no failure', async () => {
  expect(await run('pool list')).toEqual({ stdout: '', stderr: 'No pools. "berthctl pool create" makes one.\n', exitCode: 0 });
});

test('create makes a pool of what is on the command line, once, and can print its document instead', async () => {
  const command = 'pool create made 10.60.0.0/25 10.60.0.200-10.60.0.209 10.60.0.222 --subnet 10.60.0.0/24';
  const more = ' --gateway 10.60.0.1 --reserve 10.60.0.2-10.60.0.9 --reserve 10.60.0.20 --network lab --placement Lowest --default';
  const document = await done(`${command}${more} --dry-run -o yaml`);
  expect((await run('pool get made')).exitCode).toBe(4);
  expect(parse(document)).toEqual({
    apiVersion: 'berth-ipam.dev/v1alpha1',
    kind: 'AddressPool',
    metadata: { name: 'made' },
    spec: {
      ranges: [{ cidr: '10.60.0.0/25' }, { first: '10.60.0.200', last: '10.60.0.209' }, { first: '10.60.0.222', last: '10.60.0.222' }],
      network: 'lab',
      subnet: '10.60.0.0/24',
      gateway: '10.60.0.1',
      reserved: ['10.60.0.2-10.60.0.9', '10.60.0.20'],
      placement: 'Lowest',
      default: true,
    },
  });
  expect(await done(`${command}${more} --dry-run`)).toBe('addresspool/made created (dry run)\n');
  expect(await done(command + more)).toBe('addresspool/made created\n');
  expect(await done('pool apply -f -', { input: document })).toBe('addresspool/made unchanged\n');
  expect(await run('pool create made 10.61.0.0/24')).toEqual({
    stdout: '',
    stderr: 'berthctl: pool made is there already; "berthctl pool apply" changes it\n',
    exitCode: 1,
  });
  expect(await run('pool create other 10.60.0.64/26 --network lab')).toEqual({
    stdout: '',
    stderr: expect.stringContaining('10.60.0.64/26 belongs to pool made of network lab already'),
    exitCode: 1,
  });
  const bare = await run('pool create bare 10.61.0.10-10.61.0.19 --dry-run');
  expect(bare.stderr).toBe('Without --subnet containers get its addresses as /32, and no gateway or broadcast address is kept out.\n');
  expect(await done('stats made --no-headers')).toMatch(/^made +IPv4 +139 +0 /);
  expect((await run('stats made nowhere')).exitCode).toBe(4);
  await done('pool delete made');
});

test('a document of a cluster, with its labels, is taken on one machine too', async () => {
  const metadata = { name: 'labelled', labels: { team: 'net' }, generation: 2, creationTimestamp: '2026-11-24T00:00:00Z' };
  const input = JSON.stringify({ ...poolDocument('labelled', '10.62.0.0/24'), metadata });
  expect(await done('pool apply -f -', { input })).toBe('addresspool/labelled created\n');
  await done('pool delete labelled');
});

test('a file that writes ranges in a shorter form is told the right one', async () => {
  const problem = async (spec: string, head = 'apiVersion: berth-ipam.dev/v1alpha1\nkind: AddressPool') =>
    (await run('pool apply -f -', { input: `${head}\nmetadata: {name: short}\nspec: ${spec}\n` })).stderr.split('\n')[0];
  expect(await problem('{cidr: 10.0.0.0/24}')).toBe(
    'berthctl: -: document 1 (short): spec.cidr is no field; write spec.ranges: [{cidr: 10.0.0.0/24}], or first and last',
  );
  expect(await problem('{ranges: [10.0.0.0/24]}')).toBe(
    'berthctl: -: document 1 (short): spec.ranges[0] must be an object, {cidr: …} or {first: …, last: …}, not "10.0.0.0/24"',
  );
  expect(await problem('{ranges: []}', 'kind: AddressPool')).toBe(
    'berthctl: -: document 1 (short): apiVersion is missing; this berthctl knows berth-ipam.dev/v1alpha1',
  );
});

test('apply creates, configures and leaves alone, and says which', async () => {
  const file = join(controller().directory, 'pools.yaml');
  const write = (cooldownSeconds: number) =>
    writeFile(
      file,
      lines`
        # two documents
        apiVersion: berth-ipam.dev/v1alpha1
        kind: AddressPool
        metadata: {name: apply-a}
        spec:
          ranges: [{cidr: 10.1.0.0/24}]
          cooldownSeconds: ${cooldownSeconds}
        ---
        apiVersion: berth-ipam.dev/v1alpha1
        kind: AddressPool
        metadata: {name: apply-b}
        spec:
          ranges: [{first: 10.1.1.10, last: 10.1.1.19}, {cidr: 10.1.2.0/28}]
      `,
    );
  await write(60);
  const command = ['pool', 'apply', '-f', file];
  expect(await done([...command, '--dry-run'])).toBe('addresspool/apply-a created (dry run)\naddresspool/apply-b created (dry run)\n');
  expect((await run('pool get apply-a')).exitCode).toBe(4);
  expect(await done(command)).toBe('addresspool/apply-a created\naddresspool/apply-b created\n');
  expect(await done(command)).toBe('addresspool/apply-a unchanged\naddresspool/apply-b unchanged\n');
  await write(61);
  expect(await done([...command, '--dry-run'])).toBe('addresspool/apply-a configured (dry run)\naddresspool/apply-b unchanged (dry run)\n');
  expect(JSON.parse(await done('pool get apply-a -o json')).spec.cooldownSeconds).toBe(60);
  expect(await done(command)).toBe('addresspool/apply-a configured\naddresspool/apply-b unchanged\n');
  expect(JSON.parse(await done('pool get apply-a -o json')).spec.cooldownSeconds).toBe(61);
});

test('the table of a pool, narrow and wide, with a count beyond 2^53', async () => {
  await pool('table-4', '10.2.0.0/29', { gateway: '10.2.0.1', priority: 7 });
  await pool('table-6', 'fd02::/48', { network: 'lab', default: true });
  await done('allocate --pool table-4 -n acme --subid a --resource vm:a');
  expect(await done('pool get table-4 table-6')).toBe(lines`
    NAME      RANGE         FAMILY   TOTAL                       USED   COOLING   FREE                        STATE
    table-4   10.2.0.0/29   IPv4     8                           1      0         4                           Active
    table-6   fd02::/48     IPv6     1208925819614629174706176   0      0         1208925819614629174706174   Active
  `);
  expect(await done('pool get table-4 -o wide --no-headers')).toBe(
    'table-4   10.2.0.0/29   IPv4   8   1   0   4   Active   default   3   10.2.0.1   Lowest   7   no\n',
  );
  expect(await done('pool list --network lab -o name')).toBe('addresspool/table-6\n');
  expect(await done('pool get apply-b --no-headers')).toBe('apply-b   10.1.1.10-10.1.1.19 +1   IPv4   26   0   0   26   Active\n');
});

test.each(['json', 'yaml'])('what -o %s prints goes back in: one pool as itself, several as a List', async (format) => {
  await pool(`round-${format}`, format === 'json' ? '10.3.0.0/24' : '10.3.1.0/24', {
    reserved: ['10.3.0.9', '10.3.1.9'].filter((a) => (format === 'json') === a.startsWith('10.3.0')),
  });
  const one = await done(`pool get round-${format} -o ${format}`);
  expect(parse(one)).toMatchObject({ apiVersion: 'berth-ipam.dev/v1alpha1', kind: 'AddressPool', metadata: { name: `round-${format}` } });
  expect(await done('pool apply -f -', { input: one })).toBe(`addresspool/round-${format} unchanged\n`);
  const all = await done(`pool list -o ${format}`);
  expect(parse(all)).toMatchObject({ apiVersion: 'v1', kind: 'List' });
  const applied = await done('pool apply -f -', { input: all });
  expect(applied.split('\n').filter((line) => !line.endsWith(' unchanged'))).toEqual(['']);
});

test('a document that somebody else changed since is refused; the same one in another store, or after a deletion, is not', async () => {
  await pool('versioned', '10.4.0.0/24');
  const read = await done('pool get versioned -o yaml');
  await done('pool reserve versioned 10.4.0.7');
  const late = await run('pool apply -f -', { input: read.replace('priority: 0', 'priority: 5') });
  expect(late).toMatchObject({ stdout: '', exitCode: 1 });
  expect(late.stderr).toContain('(Conflict)');
  expect(late.stderr).toContain('nothing was applied');
  await done('pool delete versioned');
  expect(await done('pool apply -f -', { input: read })).toBe('addresspool/versioned created\n');
});

test('everything wrong in a file is told at once, and nothing of it is applied', async () => {
  const good = poolDocument('good', '10.5.0.0/24');
  const input = [
    good,
    { ...good, kind: 'Pod' },
    poolDocument('typo', '10.5.1.0/24', { cooldownSecnods: 5 }),
    poolDocument('bits', '10.5.1.1/24'),
    poolDocument('big', '10.5.2.0/24', { priority: 1 }),
  ]
    .map((document) => JSON.stringify(document))
    .join('\n---\n')
    .replace('"priority":1', '"priority":9007199254740993');
  const result = await run('pool apply -f -', { input });
  expect(result).toEqual({
    stdout: '',
    exitCode: 2,
    stderr: lines`
      berthctl: -: document 2 (good): kind is "Pod"; only AddressPool can be applied
      berthctl: -: document 3 (typo): spec.cooldownSecnods is no field; did you mean spec.cooldownSeconds?
      berthctl: -: document 4 (bits): "10.5.1.1/24" has host bits set: the subnet is 10.5.1.0/24
      berthctl: -: document 5 (big): spec.priority must be a whole number from -1000000000 to 1000000000, not "9007199254740993"
      berthctl: nothing was applied: 4 problems in -
      See "berthctl pool apply --help".
    `,
  });
  expect((await run('pool get good')).exitCode).toBe(4);
});

test('two pools of one file that overlap are found before the first is applied', async () => {
  const input = `${JSON.stringify(poolDocument('over-a', '10.6.0.0/24'))}\n---\n${JSON.stringify(poolDocument('over-b', '10.6.0.128/25'))}`;
  const result = await run('pool apply -f -', { input });
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain('pools over-a and over-b of network default both have 10.6.0.');
  expect((await run('pool get over-a')).exitCode).toBe(4);
});

test('one that the controller refuses keeps the others of its file out, too', async () => {
  await pool('taken', '10.7.0.0/24');
  const input = `${JSON.stringify(poolDocument('fresh', '10.7.1.0/24'))}\n---\n${JSON.stringify(poolDocument('clash', '10.7.0.0/25'))}`;
  const result = await run('pool apply -f -', { input });
  expect(result).toMatchObject({ stdout: '', exitCode: 1 });
  expect(result.stderr).toMatch(/^berthctl: addresspool\/clash: not applied\n {2}refused \(InvalidRange\): .*taken/);
  expect((await run('pool get fresh')).exitCode).toBe(4);
});

test.each([
  ['', '-: there is no AddressPool in it'],
  ['a: [', '-: document 1 is not YAML:'],
  ['just text', '-: document 1: an AddressPool document is wanted, not "just text"'],
  ['&a [*a, *a]', '-: document 1'],
])('a file that holds %j is refused with its reason', async (input, reason) => {
  const result = await run('pool apply -f -', { input });
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(`berthctl: ${reason}`);
});

test('a file that is not there, or is a directory', async () => {
  expect(await run('pool apply -f /nowhere/pools.yaml')).toEqual({
    stdout: '',
    stderr: 'berthctl: cannot read /nowhere/pools.yaml: no such file\n',
    exitCode: 1,
  });
  expect((await run('pool apply -f /')).stderr).toBe('berthctl: cannot read /: it is a directory\n');
});

test('reserve adds to what is reserved, unreserve takes out of the middle, and both say when there is nothing to do', async () => {
  await pool('res', '10.8.0.0/24');
  const reserved = async () => JSON.parse(await done('pool get res -o json')).spec.reserved;
  expect(await done('pool reserve res 10.8.0.16/28 10.8.0.9 --dry-run')).toBe(
    'addresspool/res reserved 10.8.0.16/28, 10.8.0.9 (dry run)\n',
  );
  expect(await reserved()).toBeUndefined();
  expect(await done('pool reserve res 10.8.0.16/28 10.8.0.9')).toBe('addresspool/res reserved 10.8.0.16/28, 10.8.0.9\n');
  expect(await done('pool reserve res 10.8.0.20')).toBe('addresspool/res has 10.8.0.20 reserved already\n');
  expect(await done('pool unreserve addresspool/res 10.8.0.20-10.8.0.21')).toBe('addresspool/res unreserved 10.8.0.20/31\n');
  expect(await reserved()).toEqual(['10.8.0.16/30', '10.8.0.22-10.8.0.31', '10.8.0.9']);
  expect(await run('pool unreserve res 10.8.0.99')).toEqual({
    stdout: '',
    stderr: 'berthctl: 10.8.0.99 is not in spec.reserved of pool res\n',
    exitCode: 1,
  });
  expect(await run('pool reserve res 10.80.0.9 10.8.0.30 --dry-run')).toEqual({
    stdout: 'addresspool/res reserved 10.80.0.9, 10.8.0.30 (dry run)\n',
    stderr: '10.80.0.9 lies in no range of pool res.\n',
    exitCode: 0,
  });
  expect((await run('pool reserve res 10.8.0.x')).exitCode).toBe(2);
  expect((await run('pool reserve nope 10.8.0.1')).exitCode).toBe(4);
  const held = await run('allocate --pool res -n a --subid b --resource vm:b --address 10.8.0.9');
  expect(held).toMatchObject({ stdout: '', exitCode: 1 });
});

test('five reservations at once are all there in the end', async () => {
  await pool('busy', '10.9.0.0/24');
  const addresses = Array.from({ length: 5 }, (_, index) => `10.9.0.${100 + index * 2}`);
  const results = await Promise.all(addresses.map((address) => run(`pool reserve busy ${address}`)));
  expect(results.map(({ exitCode }) => exitCode)).toEqual(addresses.map(() => 0));
  expect(JSON.parse(await done('pool get busy -o json')).spec.reserved.sort()).toEqual(addresses);
});

test('drain stops new ones, resume takes them again', async () => {
  await pool('drain', '10.10.0.0/24');
  const address = (await done('allocate --pool drain -n acme --subid a --resource vm:a')).trim();
  expect(await run('pool drain drain')).toEqual({
    stdout: 'addresspool/drain draining\n',
    stderr: '1 address is still held.\n',
    exitCode: 0,
  });
  expect((await done('pool list --no-headers')).split('\n').find((line) => line.startsWith('drain '))).toMatch(/Draining$/);
  const refused = await run('allocate --pool drain -n acme --subid b --resource vm:b');
  expect(refused).toMatchObject({ stdout: '', exitCode: 1 });
  expect(refused.stderr).toContain('(PoolNotActive)');
  expect(await done('pool drain drain --quiet')).toBe('addresspool/drain draining already\n');
  expect(await done('pool resume drain --dry-run')).toBe('addresspool/drain resumed (dry run)\n');
  expect(await done('pool resume drain')).toBe('addresspool/drain resumed\n');
  expect(await done('allocate --pool drain -n acme --subid b --resource vm:b')).not.toBe(address);
});

test('delete: asks a person, refuses what is in use, forces when told, changes nothing in a dry run', async () => {
  await pool('del', '10.11.0.0/24');
  await done('allocate --pool del -n acme --subid a --resource vm:a');
  const asked = await run('pool delete del', { answers: ['n'] });
  expect(asked).toEqual({
    stdout: '',
    stderr: 'Delete pool del (10.11.0.0/24; 1 address held)? [y/N] Nothing deleted.\n',
    exitCode: 1,
  });
  const refused = await run('pool delete del', { answers: ['y'] });
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('(PoolInUse)');
  expect(await done('pool delete del --force --dry-run')).toBe('addresspool/del deleted (dry run)\n');
  expect((await run('pool get del')).exitCode).toBe(0);
  expect(await done('pool delete del --force')).toBe('addresspool/del deleted\n');
  expect(await run('pool delete del')).toMatchObject({ stdout: '', exitCode: 4 });
});

test('a range moves from one pool of the file to another, in whatever order they stand', async () => {
  await pool('giver', '10.60.0.0/24');
  const taker = poolDocument('a-taker', '10.60.0.128/25');
  const giver = poolDocument('giver', '10.60.0.0/25');
  const input = `${JSON.stringify(taker)}\n---\n${JSON.stringify(giver)}`;
  expect((await run('pool apply -f -', { input: JSON.stringify(taker) })).exitCode).toBe(1);
  expect(await done('pool apply -f - --dry-run', { input })).toBe(
    'addresspool/giver configured (dry run)\naddresspool/a-taker created (dry run)\n',
  );
  expect((await run('pool get a-taker')).exitCode).toBe(4);
  expect(await done('pool apply -f -', { input })).toBe('addresspool/giver configured\naddresspool/a-taker created\n');
  const swap = `${JSON.stringify(poolDocument('a-taker', '10.60.0.0/25'))}\n---\n${JSON.stringify(poolDocument('giver', '10.60.0.128/25'))}`;
  const refused = await run('pool apply -f -', { input: swap });
  expect(refused).toMatchObject({ stdout: '', exitCode: 1 });
  expect(refused.stderr).toContain('nothing was applied');
});

test('what a command changed, as names or as the objects that they are now', async () => {
  const input = [poolDocument('shape-a', '10.70.0.0/24'), poolDocument('shape-b', '10.70.1.0/24')]
    .map((document) => JSON.stringify(document))
    .join('\n---\n');
  const { kind, items } = JSON.parse(await done('pool apply -f - -o json', { input })) as {
    kind: string;
    items: { metadata: { name: string } }[];
  };
  expect([kind, ...items.map(({ metadata }) => metadata.name)]).toEqual(['List', 'shape-a', 'shape-b']);
  expect(await done('pool apply -f - -o name', { input })).toBe('addresspool/shape-a\naddresspool/shape-b\n');
  expect(JSON.parse(await done('pool drain shape-a -o json'))).toMatchObject({ kind: 'AddressPool', spec: { state: 'Draining' } });
  expect(parse(await done('pool reserve shape-a 10.70.0.9 -o yaml'))).toMatchObject({ spec: { reserved: ['10.70.0.9'] } });
  expect(await done('pool delete shape-a shape-b -o name')).toBe('addresspool/shape-a\naddresspool/shape-b\n');
});
