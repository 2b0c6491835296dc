/**
 * What the commands print and how they end, whoever answers them: one suite for a controller on its socket and for a
 * cluster with a kubeconfig.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Result, RunOptions } from './berthctl.ts';
import { lines, poolDocument } from './cluster.ts';

export interface Held {
  readonly address: string;
  readonly subinstance: string;
  readonly subid: string;
  readonly resource: { readonly type: 'vm' | 'mac'; readonly value: string };
  readonly tags?: Readonly<Record<string, string>>;
}

export interface Stage {
  run(argv: readonly string[], options?: RunOptions): Promise<Result>;
  /** Somebody holds an address of pool blue. */
  hold(held: Held): Promise<void>;
  /** There is such a pod, where there are pods. */
  pod(namespace: string, name: string): Promise<void>;
}

/** `open` empties the store. */
export function describeCommands(open: () => Promise<Stage>): void {
  let stage: Stage;
  const run = (command: string, options?: RunOptions) => stage.run(command.split(' '), options);
  const done = async (command: string, options?: RunOptions): Promise<string> => {
    const { stdout, stderr, exitCode } = await run(command, options);
    if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stdout}${stderr}`);
    return stdout;
  };
  const apply = (documents: readonly object[], ...more: string[]) =>
    run(['pool', 'apply', '-f', '-', ...more].join(' '), { input: documents.map((document) => JSON.stringify(document)).join('\n---\n') });
  const blue = { gateway: '10.0.0.1', requestedAddresses: 'Allowed', reserved: ['10.0.0.200'] };

  beforeAll(async () => {
    stage = await open();
    expect(
      (await apply([poolDocument('blue', '10.0.0.0/24', { ...blue, default: true }), poolDocument('six', 'fd00::/64')])).exitCode,
    ).toBe(0);
    await stage.hold({
      address: '10.0.0.10',
      subinstance: 'shop',
      subid: 'db',
      resource: { type: 'vm', value: 'db' },
      tags: { rack: '7', hot: '' },
    });
    await stage.hold({ address: '10.0.0.9', subinstance: 'shop', subid: 'web', resource: { type: 'mac', value: '02:00:00:00:00:0a' } });
    await stage.hold({ address: '10.0.0.100', subinstance: 'lab', subid: 'web', resource: { type: 'vm', value: 'web' } });
  });

  describe('pools', () => {
    test('pool list, get: table, wide, names, documents', async () => {
      expect(await done('pool list')).toBe(lines`
        NAME   RANGE         FAMILY   TOTAL                  USED   COOLING   FREE                   STATE
        blue   10.0.0.0/24   IPv4     256                    3      0         249                    Active
        six    fd00::/64     IPv6     18446744073709551616   0      0         18446744073709551614   Active
      `);
      expect(await done('pool list -o wide --no-headers --network default')).toMatch(/ Active +default +4 +10\.0\.0\.1 +Lowest +0 +yes\n/);
      expect(await done('pool list -o name')).toBe('addresspool/blue\naddresspool/six\n');
      expect(await run('pool list --network lab')).toEqual({ stdout: '', stderr: 'No pools.\n', exitCode: 0 });
      const one = JSON.parse(await done('pool get blue -o json'));
      expect(one).toMatchObject({
        apiVersion: 'berth-ipam.dev/v1alpha1',
        kind: 'AddressPool',
        metadata: { name: 'blue', uid: expect.any(String), resourceVersion: expect.any(String) },
        spec: { ranges: [{ cidr: '10.0.0.0/24' }], subnet: '10.0.0.0/24', network: 'default', state: 'Active', ...blue },
        status: { total: '256', allocated: '3', reserved: '4', cooling: '0', available: '249' },
      });
      expect(parse(await done('pool get blue six -o yaml'))).toMatchObject({ kind: 'List', items: [one, { metadata: { name: 'six' } }] });
      const none = await run('pool get green');
      expect(none).toEqual({ stdout: '', stderr: 'berthctl: refused (UnknownPool): there is no pool "green"\n', exitCode: 4 });
    });

    test('pool create: made, once, as a document would', async () => {
      const command = 'pool create plum 10.71.0.0/24 --gateway 10.71.0.254 --reserve 10.71.0.7';
      expect((await run(`${command} --dry-run`)).stdout).toBe('addresspool/plum created (dry run)\n');
      expect((await run('pool get plum')).exitCode).toBe(4);
      expect((await run(command)).stdout).toBe('addresspool/plum created\n');
      expect(JSON.parse(await done('pool get plum -o json')).spec).toMatchObject({
        ranges: [{ cidr: '10.71.0.0/24' }],
        subnet: '10.71.0.0/24',
        gateway: '10.71.0.254',
        reserved: ['10.71.0.7'],
      });
      expect((await run(command)).exitCode).toBe(1);
      expect((await run('pool create peach 10.71.0.0/25')).stderr).toContain('10.71.0.0/25 belongs to pool plum');
      expect((await run('pool delete plum --yes')).exitCode).toBe(0);
    });

    test('pool apply: created, unchanged, configured; dry run; all or nothing', async () => {
      const green = (more = {}) => poolDocument('green', '10.7.0.0/24', more);
      expect((await apply([green()], '--dry-run')).stdout).toBe('addresspool/green created (dry run)\n');
      expect((await run('pool get green')).exitCode).toBe(4);
      expect((await apply([green()])).stdout).toBe('addresspool/green created\n');
      expect((await apply([green()])).stdout).toBe('addresspool/green unchanged\n');
      expect((await apply([green({ priority: 5 })])).stdout).toBe('addresspool/green configured\n');
      const read = await done('pool get green -o yaml');
      expect(await done('pool apply -f -', { input: read.replace('priority: 5', 'priority: 6') })).toBe('addresspool/green configured\n');
      const stale = await run('pool apply -f -', { input: read.replace('priority: 5', 'priority: 7') });
      expect([stale.exitCode, stale.stderr]).toEqual([1, expect.stringMatching(/refused \(Conflict\).*read it again/)]);
      const overlap = await apply([poolDocument('grey', '10.9.0.0/24'), poolDocument('mine', '10.0.0.128/25')]);
      expect([overlap.exitCode, overlap.stdout]).toEqual([1, '']);
      expect(overlap.stderr).toContain('belongs to pool blue of network default already');
      expect((await run('pool get grey')).exitCode).toBe(4);
      const shrunk = await apply([poolDocument('blue', '10.0.0.0/26', { ...blue, reserved: [], default: true })]);
      expect([shrunk.exitCode, shrunk.stderr]).toEqual([1, expect.stringContaining('10.0.0.100 of lab/web')]);
      expect(await done('pool delete green')).toBe('addresspool/green deleted\n');
    });

    test('pool drain, resume, reserve, unreserve', async () => {
      expect(await run('pool drain blue')).toEqual({
        stdout: 'addresspool/blue draining\n',
        stderr: '3 addresses are still held.\n',
        exitCode: 0,
      });
      expect(await done('explain 10.0.0.77')).toContain('free in pool blue; the pool gives out nothing new (state Draining)');
      expect(await done('pool drain blue')).toBe('addresspool/blue draining already\n');
      expect(await done('pool resume blue --dry-run')).toBe('addresspool/blue resumed (dry run)\n');
      expect(await done('pool resume blue')).toBe('addresspool/blue resumed\n');
      expect(await done('pool reserve blue 10.0.0.201 10.0.0.64/28')).toBe('addresspool/blue reserved 10.0.0.201, 10.0.0.64/28\n');
      expect(await done('explain 10.0.0.70 -o name')).toBe('reserved\n');
      expect(await done('pool unreserve blue 10.0.0.201 10.0.0.64/28')).toBe('addresspool/blue unreserved 10.0.0.201, 10.0.0.64/28\n');
      expect((await run('pool drain green')).exitCode).toBe(4);
    });

    test('pool delete: not while it holds addresses', async () => {
      const refused = await run('pool delete blue');
      expect([refused.exitCode, refused.stdout]).toEqual([1, '']);
      expect(refused.stderr).toContain('refused (PoolInUse): 3 addresses of pool blue are held');
      expect(await done('pool delete blue --force --dry-run')).toBe('addresspool/blue deleted (dry run)\n');
      expect((await run('pool delete green')).exitCode).toBe(4);
    });
  });

  describe('bindings', () => {
    const names = async (command: string) =>
      (await done(`${command} -o name`)).replaceAll('addressbinding/default.10-0-0-', '.').trim().split('\n');

    test('binding list and get: in the order of the addresses', async () => {
      expect((await done('binding list')).replaceAll(/\S+$/gm, 'AGE')).toBe(lines`
        ADDRESS      STATE   SUBINSTANCE   SUBID   NODE     POOL   AGE
        10.0.0.9     Bound   shop          web     <none>   blue   AGE
        10.0.0.10    Bound   shop          db      <none>   blue   AGE
        10.0.0.100   Bound   lab           web     <none>   blue   AGE
      `);
      const list = JSON.parse(await done('binding list -n shop --subid db -o json'));
      expect(list).toMatchObject({
        kind: 'List',
        items: [
          {
            kind: 'AddressBinding',
            metadata: { name: 'default.10-0-0-10' },
            spec: { slot: 0, attachments: [], tags: { rack: '7', hot: '' } },
          },
        ],
      });
      expect(parse(await done('binding get 10.0.0.10 -o yaml'))).toEqual(list.items[0]);
      expect(await done('binding get 10.0.0.10 -o wide --no-headers')).toMatch(
        / default +vm:db +<none> +0 +never +hot,rack=7|rack=7,hot\n$/,
      );
      expect(await run('binding list -n nobody')).toEqual({ stdout: '', stderr: 'Nothing is held.\n', exitCode: 0 });
      expect(await run('binding list --state released')).toEqual({ stdout: '', stderr: 'No bindings.\n', exitCode: 0 });
      expect(await run('binding get 10.0.0.77')).toMatchObject({
        stdout: '',
        exitCode: 4,
        stderr: expect.stringContaining('BindingNotFound'),
      });
    });

    test('find, who, ip: by whatever is known; 4 where there is nothing', async () => {
      expect(await names('find -n shop')).toEqual(['.9', '.10']);
      expect(await names('find --subid web')).toEqual(['.9', '.100']);
      expect(await names('find --pool blue -n lab')).toEqual(['.100']);
      expect(await names('find --network default')).toEqual(['.9', '.10', '.100']);
      expect(await names('find --resource mac:0200.0000.000A')).toEqual(['.9']);
      expect(await names('find --tag rack=7')).toEqual(['.10']);
      expect(await names('find --tag hot')).toEqual(['.10']);
      expect(await names('find 10.0.0.100')).toEqual(['.100']);
      expect(await names('find 10.0.0.0/28 -n shop')).toEqual(['.9', '.10']);
      expect(await names('who addressbinding/default.10-0-0-100')).toEqual(['.100']);
      for (const command of ['find 10.0.0.77', 'find --tag rack=8', 'find --node n', 'who 10.0.0.77', 'find -n shop --pool six']) {
        expect(await run(command)).toEqual({ stdout: '', stderr: 'Nothing is held.\n', exitCode: 4 });
      }
      expect(await done('ip shop/web')).toBe('10.0.0.9\n');
      expect(JSON.parse(await done('ip lab/web -o json'))).toEqual({ addresses: ['10.0.0.100'] });
      expect(await run('ip shop/nobody')).toEqual({ stdout: '', stderr: 'It holds nothing.\n', exitCode: 4 });
    });

    test('explain: held, free, reserved, outside', async () => {
      expect((await done('explain 10.0.0.10')).replace(/Since .*/, 'Since TIME').replace('hot,rack=7', 'rack=7,hot')).toBe(lines`
        10.0.0.10: held by shop/db (vm db)
          State      held
          Network    default
          Pool       blue
          Holder     shop/db
          Resource   vm:db
          Since TIME
          Tags       rack=7,hot
      `);
      for (const [address, state] of [
        ['10.0.0.77', 'free'],
        ['10.0.0.200', 'reserved'],
        ['10.0.0.1', 'reserved'],
        ['10.9.9.9', 'outside'],
        ['fd00::7', 'free'],
      ]) {
        expect(await done(`explain ${address} -o name`)).toBe(`${state}\n`);
      }
    });

    test('explain of a pod: every pool with its answer', async () => {
      await stage.pod('shop', 'cart');
      const explained = JSON.parse(await done('explain shop/cart -o json'));
      expect(explained).toMatchObject({
        namespace: 'shop',
        name: 'cart',
        state: 'gives',
        asks: { pools: [], addresses: [] },
        bindings: [],
      });
      expect(explained.detail).toBe('holds nothing; an ADD now would get an IPv4 address from pool blue');
      expect(explained.pools).toEqual([
        { pool: 'blue', family: 'IPv4', order: 1, detail: 'would give an address (249 available)' },
        { pool: 'six', family: 'IPv6', detail: 'it has no selector and is no default pool: it serves those who name it' },
      ]);
      expect(JSON.parse(await done('explain shop/cart --pool six -o json'))).toMatchObject({
        asks: { pools: ['six'], by: 'configuration' },
      });
    });

    test('stats and check', async () => {
      expect(await done('stats')).toBe(lines`
        POOL   FAMILY   TOTAL                  USED   RESERVED   COOLING   FREE                   USE   STATE
        blue   IPv4     256                    3      4          0         249                    1%    Active
        six    IPv6     18446744073709551616   0      2          0         18446744073709551614   0%    Active
      `);
      expect(JSON.parse(await done('stats -o json')).pools[0]).toMatchObject({ pool: 'blue', network: 'default', allocated: '3' });
      for (const command of ['check', 'check --repair']) {
        expect(await run(command)).toEqual({ stdout: '', stderr: 'Checked 2 pools and 3 bindings: nothing wrong.\n', exitCode: 0 });
      }
      expect(JSON.parse(await done('check -o json'))).toEqual({ checked: { pools: 2, bindings: 3 }, findings: [] });
    });
  });

  describe('release', () => {
    test('by address and by subject; a dry run changes nothing; a no is a no; then it is gone', async () => {
      const dry = await run('release 10.0.0.9 --dry-run');
      expect(dry).toEqual({ stdout: '10.0.0.9 released from shop/web, pool blue (dry run)\n', stderr: '', exitCode: 0 });
      const declined = await run('release -n shop', { answers: ['n'] });
      expect(declined).toEqual({
        stdout: '',
        stderr: 'Release 10.0.0.9, 10.0.0.10, held by shop/web, shop/db? [y/N] Nothing released.\n',
        exitCode: 1,
      });
      expect(await done('release 10.0.0.9')).toBe('10.0.0.9 released from shop/web, pool blue\n');
      expect((await run('release 10.0.0.9')).exitCode).toBe(4);
      expect((await run('who 10.0.0.9')).exitCode).toBe(4);
      const several = await run('release 10.0.0.77 10.0.0.100');
      expect(several).toMatchObject({ stdout: '10.0.0.100 released from lab/web, pool blue\n', exitCode: 4 });
      expect(JSON.parse(await done('release -n shop --subid db -o json'))).toEqual({
        released: [{ address: '10.0.0.10', network: 'default', pool: 'blue', subinstance: 'shop', subid: 'db' }],
      });
      expect(await run('release -n shop')).toEqual({ stdout: '', stderr: 'Nothing is held there.\n', exitCode: 4 });
      expect(await done('pool delete blue six')).toBe('addresspool/blue deleted\naddresspool/six deleted\n');
      expect(await run('stats')).toEqual({ stdout: '', stderr: 'No pools.\n', exitCode: 0 });
    });
  });
}
