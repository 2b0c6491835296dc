/**
 * What people do by hand to pools and records that are in use, on a real API server without the policies that would
 * stop most of it: no address that a live pod has goes to another, and nothing of what is held is lost.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ipam } from '../../src/ipam/open.ts';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { cniAdd, cniDel, stamp } from '../server/requests.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { deletePod, makeNamespace, makeNode, makePod, newBootId, reportPod } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { openFastController } from './fast-controller.ts';

const MERGE = { 'content-type': 'application/merge-patch+json' };
const NODE = 'hand-node';

describeCluster('by hand', () => {
  const bootId = newBootId();
  const uids = new Map<string, string>();
  let ipam: Ipam;
  let stop: () => Promise<void>;
  let ticks = 1_000;

  beforeAll(async () => {
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
    await makeNamespace('hands');
    const node = await makeNode(NODE, bootId);
    const controller = await openFastController(apiServer().kubeconfig);
    ({ ipam } = controller);
    const stopRenewing = node.keepRenewing();
    stop = async () => {
      stopRenewing();
      await controller.close();
    };
  });
  afterAll(async () => {
    await stop();
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
  });

  const caller = { node: NODE, gone: () => false };
  const newStamp = () => ({ ...stamp, bootId, startedTicks: ++ticks });
  async function add(name: string) {
    if (!uids.has(name)) uids.set(name, await makePod('hands', name, NODE));
    return ipam.add(
      caller,
      cniAdd({ containerId: `c-${name}`, pod: { namespace: 'hands', name, uid: uids.get(name)! }, stamp: newStamp() }),
    );
  }
  const addressOf = async (name: string): Promise<string> => {
    const outcome = await add(name);
    if (!outcome.ok) throw new Error(outcome.refusal.detail);
    return outcome.value.addresses[0]!.address.split('/')[0]!;
  };
  const del = (name: string) => ipam.del(caller, cniDel({ containerId: `c-${name}`, stamp: newStamp() }));
  /** It runs, and its kubelet says which address it has. */
  async function run(name: string): Promise<string> {
    const podIP = await addressOf(name);
    const conditions = [{ type: 'PodReadyToStartContainers', status: 'True' }];
    await reportPod('hands', name, { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions });
    return podIP;
  }
  const pathOf = (address: string): string => `${BINDINGS}/default.${address.replaceAll('.', '-')}`;
  const specOf = async (address: string): Promise<Record<string, any> | undefined> => (await request('GET', pathOf(address))).json.spec;
  const edit = async (address: string, change: (spec: any) => object): Promise<void> => {
    const { json } = await request('GET', pathOf(address));
    const edited = await request('PUT', pathOf(address), { ...json, spec: { ...json.spec, ...change(json.spec) } });
    expect(edited.status, edited.text).toBe(200);
  };
  const makePool = async (name: string, spec: object): Promise<void> => {
    const made = await request('POST', POOLS, pool({ cooldownSeconds: 0, default: true, ...spec }, name));
    expect(made.status, made.text).toBe(201);
    await eventually(() => ipam.pool(name).ok, `pool ${name} to be known`);
  };
  const readyOf = async (name: string): Promise<string | undefined> =>
    (await request('GET', `${POOLS}/${name}`)).json.status?.conditions?.find((one: any) => one.type === 'Ready')?.reason;
  const removePool = async (name: string): Promise<void> => {
    expect((await request('DELETE', `${POOLS}/${name}`)).status).toBe(200);
    await eventually(() => !ipam.pool(name).ok, `pool ${name} to be gone`);
  };

  test('a pool is shrunk below what is held: who holds keeps it until it lets go, and then nobody gets it', async () => {
    await makePool('shrinking', { ranges: [{ first: '10.86.0.10', last: '10.86.0.12' }], subnet: '10.86.0.0/24', placement: 'Lowest' });
    const [one, two] = [await addressOf('one'), await addressOf('two')];
    expect([one, two]).toEqual(['10.86.0.10', '10.86.0.11']);
    const spec = { ranges: [{ first: '10.86.0.12', last: '10.86.0.12' }] };
    expect((await request('PATCH', `${POOLS}/shrinking`, { spec }, MERGE)).status).toBe(200);
    await eventually(async () => (await readyOf('shrinking')) === 'HeldOutside', 'it to be told');
    expect([await addressOf('one'), await addressOf('two')]).toEqual([one, two]);
    expect(await addressOf('three')).toBe('10.86.0.12');
    expect(await add('four')).toMatchObject({ ok: false, refusal: { reason: 'PoolFull' } });
    for (const name of ['one', 'two']) expect(await del(name)).toMatchObject({ ok: true, value: [{}] });
    expect(await add('four')).toMatchObject({ ok: false, refusal: { reason: 'PoolFull' } });
    await eventually(async () => (await readyOf('shrinking')) === 'Active', 'it to be as it should again');
    expect((await del('three')).ok).toBe(true);
    await removePool('shrinking');
  });

  test('a pool in use is deleted and made again: its records stay, a DEL works in between, and no address goes to two', async () => {
    const spec = { ranges: [{ first: '10.86.1.10', last: '10.86.1.13' }], subnet: '10.86.1.0/24' };
    await makePool('reborn', spec);
    const [kept, left] = [await addressOf('kept'), await addressOf('left')];
    await removePool('reborn');
    expect((await specOf(kept))?.['state']).toBe('Bound');
    const refused = await add('kept');
    expect(refused).toMatchObject({ ok: false, refusal: { detail: expect.stringContaining('the pools are none yet') } });
    expect(await del('left')).toMatchObject({ ok: true, value: [{ address: left }] });
    await makePool('reborn', spec);
    expect(ipam.counts('reborn')).toMatchObject({ ok: true, value: { total: 4n, allocated: 1n } });
    const others = [await addressOf('new-1'), await addressOf('new-2'), await addressOf('new-3')];
    expect(await addressOf('kept')).toBe(kept);
    expect(new Set([kept, ...others]).size).toBe(4);
    expect(await add('new-4')).toMatchObject({ ok: false, refusal: { reason: 'PoolFull' } });
    for (const name of ['kept', 'new-1', 'new-2', 'new-3']) expect((await del(name)).ok).toBe(true);
    await removePool('reborn');
  });

  test.concurrent('records are edited: what a live pod has stays with it, and is dealt to nobody', async () => {
    await makePool('edited', { ranges: [{ first: '10.86.2.10', last: '10.86.2.14' }], subnet: '10.86.2.0/24' });
    const names = ['other-pod', 'other-node', 'other-name', 'no-holder', 'released'];
    const held = new Map<string, string>();
    for (const name of names) held.set(name, await run(name));
    expect(new Set(held.values()).size).toBe(5);
    const first = (spec: any, change: object): object => ({ attachments: [{ ...spec.attachments[0], ...change }] });
    await edit(held.get('other-pod')!, (spec) => ({ podUid: 'somebody', ...first(spec, { podUid: 'somebody' }) }));
    const elsewhere = { nodeUid: '00000000-0000-4000-8000-000000000000', stamp: { ...stamp, bootId: newBootId() } };
    await edit(held.get('other-node')!, (spec) => first(spec, elsewhere));
    await edit(held.get('other-name')!, () => ({ subid: 'nobody-at-all' }));
    await edit(held.get('no-holder')!, () => ({ attachments: [], node: undefined, podUid: undefined }));
    await edit(held.get('released')!, () => ({ state: 'Released', releasedAt: new Date().toISOString() }));

    // What is said to be released is its pod's again, by what the pod shows.
    await eventually(
      async () => {
        const spec = await specOf(held.get('released')!);
        return spec?.['state'] === 'Bound' && spec['subid'] === 'released';
      },
      'it to be adopted',
      60_000,
    );
    // Until every rule has waited as long as it does, and only what live pods show keeps the addresses.
    await eventually(
      async () => {
        for (const address of held.values()) expect((await specOf(address))?.['state'], address).toBe('Bound');
        expect(await add('intruder')).toMatchObject({ ok: false, refusal: { reason: 'PoolFull' } });
        return ipam.collecting().held.InUse === 3;
      },
      'three to be held back because their pods live',
      60_000,
    );

    // Their pods go: all come back, but for the one of which nothing says who has it.
    for (const name of names) await deletePod('hands', name);
    const bound = async (): Promise<string[]> => {
      const states = await Promise.all([...held].map(async ([name, address]) => [name, (await specOf(address))?.['state']] as const));
      return states.filter(([, state]) => state === 'Bound').map(([name]) => name);
    };
    await eventually(async () => (await bound()).join() === 'no-holder', 'them to come back', 60_000);
    const gone = await request('DELETE', pathOf(held.get('no-holder')!));
    expect(gone.status).toBe(200);
    await eventually(async () => (await add('intruder')).ok, 'the pool to serve again');
  });

  test.concurrent(
    'a node that is made again under its name is another: what the first one held comes back after its time, what the second one holds stays',
    async () => {
      const [firstBoot, secondBoot] = [newBootId(), newBootId()];
      await makeNamespace('again');
      await makeNode('again-node', firstBoot);
      expect((await request('POST', POOLS, pool({ ranges: [{ cidr: '10.87.0.0/24' }] }, 'again'))).status).toBe(201);
      const { ipam: other, close } = await openFastController(apiServer().kubeconfig);
      let stopRenewing = (): void => undefined;
      try {
        const attach = async (name: string, boot: string): Promise<string> => {
          const uid = await makePod('again', name, 'again-node');
          const outcome = await other.add(
            { node: 'again-node', gone: () => false },
            cniAdd({
              pools: ['again'],
              containerId: `c-${name}`,
              pod: { namespace: 'again', name, uid },
              stamp: { ...stamp, bootId: boot },
            }),
          );
          if (!outcome.ok) throw new Error(outcome.refusal.detail);
          return outcome.value.addresses[0]!.address.split('/')[0]!;
        };
        const stateOf = async (address: string): Promise<string | undefined> =>
          (await request('GET', `${BINDINGS}/default.${address.replaceAll('.', '-')}`)).json.spec?.state;
        const before = await attach('before', firstBoot);
        await deletePod('again', 'before');
        stopRenewing = (await makeNode('again-node', secondBoot)).keepRenewing();
        const after = await eventually(() => attach('after', secondBoot).catch(() => deletePod('again', 'after').then(() => undefined)), 'it'); // prettier-ignore
        expect(after).not.toBe(before);
        await eventually(async () => (await stateOf(before)) !== 'Bound', 'the address of the first one', 60_000);
        expect(await stateOf(after)).toBe('Bound');
      } finally {
        stopRenewing();
        await close();
      }
    },
  );
});
