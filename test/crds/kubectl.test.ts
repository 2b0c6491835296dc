/** What people see: the real kubectl on pools and bindings. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeCluster, request, runKubectl } from '../support/cluster.ts';
import { attachment, binding, BINDINGS, pool, POOLS, released } from './objects.ts';

const V6_NAME = 'default.fd00-0000-0000-0000-0000-0000-0000-0007';
const container = { ...attachment, node: 'worker-2', podUid: 'another-pod' };

/** Cells by the columns' positions: a cell may be empty, or hold single spaces. */
function table(text: string): Record<string, string>[] {
  const [header = '', ...rows] = text.trimEnd().split('\n');
  const columns = [...header.matchAll(/\S+/g)].map((match) => ({ name: match[0], from: match.index }));
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name, from }, index) => [name, row.slice(from, columns[index + 1]?.from).trim()])),
  );
}

async function get(...args: string[]): Promise<Record<string, string>[]> {
  const { code, stdout, stderr } = await runKubectl(['get', ...args]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return table(stdout);
}

describeCluster('kubectl', () => {
  beforeAll(async () => {
    const objects: [string, object][] = [
      [POOLS, pool({ ranges: [{ cidr: '10.244.0.0/16' }], gateway: '10.244.0.1', default: true }, 'pods')],
      [POOLS, pool({ ranges: [{ first: 'fd00::1', last: 'fd00::ff' }], state: 'NoNew', priority: 10 }, 'pods-v6')],
      [BINDINGS, binding({ boundAt: new Date(Date.now() - 3 * 3600 * 1000).toISOString() })],
      [
        BINDINGS,
        binding(
          {
            ...released,
            address: 'fd00::7',
            pool: 'pods-v6',
            subid: 'web',
            attachments: [container],
            node: 'worker-2',
            podUid: 'another-pod',
          },
          V6_NAME,
        ),
      ],
      [
        BINDINGS,
        binding(
          {
            address: '10.244.1.8',
            subinstance: 'lab',
            subid: 'rack 7',
            attachments: [],
            node: undefined,
            podUid: undefined,
            resource: { type: 'mac', value: 'aa:bb:cc:00:11:22' },
            expiresAt: '2036-11-24T05:00:00Z',
          },
          'default.10-244-1-8',
        ),
      ],
    ];
    for (const [collection, object] of objects) {
      const { status, text } = await request('POST', collection, object);
      expect(status, text).toBe(201);
    }
    const status = {
      observedGeneration: 1,
      range: '10.244.0.0/16',
      family: 'IPv4',
      ...{ total: '65536', allocated: '2', reserved: '3', cooling: '0', available: '65531' },
      conditions: [{ type: 'Ready', status: 'True', reason: 'InUse', message: '', lastTransitionTime: '2026-11-24T03:24:04Z' }],
    };
    const patched = await request('PATCH', `${POOLS}/pods/status`, { status }, { 'content-type': 'application/merge-patch+json' });
    expect(patched.status, patched.text).toBe(200);
  });

  afterAll(async () => {
    for (const collection of [POOLS, BINDINGS]) expect((await request('DELETE', collection)).status).toBe(200);
  });

  test('shows who holds what', async () => {
    const rows = await get('abind');
    expect(Object.keys(rows[0]!)).toEqual(['NAME', 'ADDRESS', 'STATE', 'SUBINSTANCE', 'SUBID', 'NODE', 'POOL', 'AGE']);
    expect(rows).toEqual([
      {
        NAME: 'default.10-244-1-7',
        ADDRESS: '10.244.1.7',
        STATE: 'Bound',
        SUBINSTANCE: 'shop',
        SUBID: 'cart-0',
        NODE: 'worker-1',
        POOL: 'pods',
        AGE: '3h',
      },
      {
        NAME: 'default.10-244-1-8',
        ADDRESS: '10.244.1.8',
        STATE: 'Bound',
        SUBINSTANCE: 'lab',
        SUBID: 'rack 7',
        NODE: '',
        POOL: 'pods',
        AGE: expect.any(String),
      },
      {
        NAME: V6_NAME,
        ADDRESS: 'fd00::7',
        STATE: 'Released',
        SUBINSTANCE: 'shop',
        SUBID: 'web',
        NODE: 'worker-2',
        POOL: 'pods-v6',
        AGE: expect.any(String),
      },
    ]);
  });

  test('shows the rest with -o wide', async () => {
    const [pod, mac, gone] = await get('addressbindings', '-o', 'wide');
    expect(pod).toMatchObject({
      NETWORK: 'default',
      TYPE: 'pod',
      RESOURCE: 'shop/cart-0',
      INTERFACE: 'eth0',
      CONTAINER: attachment.containerId,
      SLOT: '0',
      RELEASED: '',
      EXPIRES: '',
    });
    expect(mac).toMatchObject({
      TYPE: 'mac',
      RESOURCE: 'aa:bb:cc:00:11:22',
      INTERFACE: '',
      CONTAINER: '',
      EXPIRES: '2036-11-24T05:00:00Z',
    });
    expect(gone!['RELEASED']).not.toBe('');
  });

  test('shows how full the pools are', async () => {
    const rows = await get('apool');
    expect(Object.keys(rows[0]!)).toEqual(['NAME', 'RANGE', 'FAMILY', 'TOTAL', 'USED', 'COOLING', 'FREE', 'READY', 'AGE']);
    expect(rows[0]).toMatchObject({
      NAME: 'pods',
      RANGE: '10.244.0.0/16',
      FAMILY: 'IPv4',
      TOTAL: '65536',
      USED: '2',
      COOLING: '0',
      FREE: '65531',
      READY: 'True',
    });
    const [, second] = await get('addresspools', '-o', 'wide');
    expect(second).toMatchObject({
      NAME: 'pods-v6',
      TOTAL: '',
      STATE: 'NoNew',
      NETWORK: 'default',
      PLACEMENT: 'Home',
      PRIORITY: '10',
      DEFAULT: 'false',
    });
  });

  test('gets both kinds by their category', async () => {
    const { stdout } = await runKubectl(['get', 'berth', '-o', 'name']);
    expect(stdout.trim().split('\n').toSorted()).toEqual([
      'addressbinding.berth-ipam.dev/default.10-244-1-7',
      'addressbinding.berth-ipam.dev/default.10-244-1-8',
      `addressbinding.berth-ipam.dev/${V6_NAME}`,
      'addresspool.berth-ipam.dev/pods',
      'addresspool.berth-ipam.dev/pods-v6',
    ]);
  });

  test.each([
    ['address=fd00::7', [V6_NAME]],
    ['network=default', ['default.10-244-1-7', 'default.10-244-1-8', V6_NAME]],
    ['network=blue', []],
    ['pool=pods', ['default.10-244-1-7', 'default.10-244-1-8']],
    ['subinstance=lab', ['default.10-244-1-8']],
    ['subid=cart-0', ['default.10-244-1-7']],
    ['node=worker-2', [V6_NAME]],
    ['node=', ['default.10-244-1-8']],
    [`podUid=${attachment.podUid}`, ['default.10-244-1-7']],
    ['state!=Bound', [V6_NAME]],
  ])('selects by %s', async (selector, names) => {
    const { stdout } = await runKubectl(['get', 'abind', '-o', 'name', '--field-selector', `spec.${selector}`]);
    expect(stdout.split('\n').filter(Boolean)).toEqual(names.map((name) => `addressbinding.berth-ipam.dev/${name}`));
  });

  test('selects by two fields at once', async () => {
    const { stdout } = await runKubectl(['get', 'abind', '-o', 'name', '--field-selector', 'spec.pool=pods,spec.subinstance=shop']);
    expect(stdout).toBe('addressbinding.berth-ipam.dev/default.10-244-1-7\n');
  });

  test('explains', async () => {
    const { stdout } = await runKubectl(['explain', 'addresspool.spec.whenFull']);
    expect(stdout).toContain('FIELD: whenFull <string>');
    expect(stdout).toMatch(/Wait:\s+the\s+request\s+is\s+refused/);
    const schema = await runKubectl(['explain', 'addressbinding.spec.attachments.stamp']);
    expect(schema.stdout).toContain('Orders the calls of one node without comparing clocks.');
  });

  describe('explain has a sentence for', () => {
    test.each(['addresspool', 'addressbinding'])('every field of an %s', async (kind) => {
      const { json } = await request('GET', '/openapi/v3/apis/berth-ipam.dev/v1alpha1');
      const name = Object.keys(json.components.schemas).find((key) => key.toLowerCase().endsWith(`.${kind}`))!;
      const mute: string[] = [];
      const visit = (schema: any, path: string): void => {
        for (const [field, inner] of Object.entries<any>(schema.properties ?? {})) {
          const where = `${path}.${field}`;
          if (path === kind && ['apiVersion', 'kind', 'metadata'].includes(field)) continue;
          if (!/[.:)]$/.test(inner.description ?? '')) mute.push(where);
          visit(inner.items ?? inner, where);
        }
      };
      expect(json.components.schemas[name].properties.spec.properties).not.toEqual({});
      visit(json.components.schemas[name], kind);
      expect(mute).toEqual([]);
    });
  });
});
