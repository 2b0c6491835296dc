/**
 * Hostile stdin, environment and controller: always exactly one JSON document or none, an exit code of 0 or 1, an end in
 * bounded time. Many calls in a pretended world; some with the executables themselves.
 */
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Exchanged } from '../../src/cni/host.ts';
import { buildHosts, callPlugin } from '../support/plugin.ts';
import { type PretendedController, startPretendedController, usual } from '../support/pretended-controller.ts';
import { added, answer, pretendWorld, type Ran, run } from './pretended-host.ts';

const VERBS = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;
const RUNS = Number(process.env['BERTH_FUZZ_RUNS'] ?? 2000);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    'c1',
    'eth0',
    '../..',
    '/',
    'a b',
    '\0',
    'ü',
    '💧',
    '\ud800',
    '__proto__',
    'constructor',
    'x'.repeat(5000),
    'not found',
    '1.1.0',
  ),
);
const json = fc.oneof(fc.jsonValue(), text, fc.constantFrom<unknown>(null, [], {}, -0, 1e308, '10.0.0.5/24', 'fd00::1', ['10.0.0.5']));
const version = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0') },
  { weight: 1, arbitrary: json },
);

const mostly = <T>(good: T, bad: fc.Arbitrary<unknown> = json): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(good as unknown) }, { weight: 1, arbitrary: bad });

/** A configuration that is mostly right, so that the deeper checks are met too. `ipam` adds keys that may be anything. */
const configuration = (ipam: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.record(
    {
      cniVersion: version,
      name: mostly('n1'),
      type: json,
      ipam: mostly(undefined).chain((other) =>
        other === undefined ? fc.record({ type: fc.constant('berth'), ...ipam }, { requiredKeys: [] }) : fc.constant(other),
      ),
      prevResult: fc.oneof(json, fc.record({ ips: fc.oneof(json, fc.array(fc.record({ address: json }), { maxLength: 5 })) })),
      runtimeConfig: fc.oneof(json, fc.record({ ips: json })),
      args: fc.oneof(json, fc.record({ cni: fc.oneof(json, fc.record({ ips: json })) })),
      'cni.dev/valid-attachments': fc.oneof(json, fc.array(fc.record({ containerID: json, ifname: json }), { maxLength: 5 })),
      'cni.dev/attachments': json,
    },
    { requiredKeys: ['cniVersion', 'name'] },
  );

const stdinOf = (ipam: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 8, arbitrary: configuration(ipam).map((value) => JSON.stringify(value) ?? '') },
    {
      weight: 1,
      arbitrary: fc.tuple(configuration(ipam), fc.nat(500)).map(([value, length]) => (JSON.stringify(value) ?? '').slice(0, length)),
    },
    {
      weight: 1,
      arbitrary: fc.oneof(
        text,
        json.map((value) => JSON.stringify(value) ?? ''),
      ),
    },
  );

const environment = fc.record({
  CNI_CONTAINERID: mostly('c1', text) as fc.Arbitrary<string>,
  CNI_NETNS: mostly('/run/netns/t', text) as fc.Arbitrary<string>,
  CNI_IFNAME: mostly('eth0', text) as fc.Arbitrary<string>,
  CNI_ARGS: fc.oneof(
    text,
    fc
      .array(fc.tuple(fc.constantFrom('IP', 'K8S_POD_NAMESPACE', 'K8S_POD_NAME', 'K8S_POD_UID', 'X'), text), { maxLength: 5 })
      .map((pairs) => pairs.map((pair) => pair.join('=')).join(';')),
  ),
  CNI_NETNS_OVERRIDE: text,
});
const verb = fc.oneof({ weight: 12, arbitrary: fc.constantFrom<string>(...VERBS) }, { weight: 1, arbitrary: text });

function judge(ran: Pick<Ran, 'code' | 'stdout'> | { readonly code: number | null; readonly stdout: string }, command: string): void {
  expect([0, 1]).toContain(ran.code);
  if (ran.stdout === '') return void expect([ran.code, ['ADD', 'VERSION'].includes(command)]).toEqual([0, false]);
  const document = JSON.parse(ran.stdout) as Record<string, unknown>;
  expect(ran.stdout.trimEnd()).not.toContain('\n');
  if (ran.code === 0) return void expect(['ADD', 'VERSION']).toContain(command);
  expect(document).toMatchObject({
    cniVersion: expect.any(String) as string,
    code: expect.any(Number) as number,
    msg: expect.stringMatching(/./) as string,
  });
  // 999 would be a bug of ours.
  expect([1, 2, 4, 5, 6, 7, 8, 11, 50]).toContain((document['code'] as number) >= 100 && document['code'] !== 999 ? 11 : document['code']);
  if (command === 'DEL') expect(ran.stdout).not.toMatch(/not found|no such file or directory/i);
}

describe('in a pretended world', () => {
  const said: fc.Arbitrary<Exchanged | object> = fc.oneof(
    fc.constant(added),
    fc.constantFrom<Exchanged>(['unreached', '', 'x'], ['answered', '', 'ECONNRESET']),
    text.map((raw): Exchanged => ['answered', raw, '']),
    fc
      .tuple(fc.constantFrom(200, 400, 401, 404, 409, 429, 500, 503, 999), json, text)
      .map(([status, body, header]) => answer(status, [body] as object, `Retry-After: ${header}\r\n`)),
    fc
      .tuple(
        fc.constantFrom(200, 400, 409, 503),
        fc.record(
          { code: json, detail: json, reason: json, pools: json, retryAfterSeconds: json, addresses: json, routes: json, dns: json },
          { requiredKeys: [] },
        ),
      )
      .map(([status, body]) => answer(status, body)),
    fc.record({
      addresses: fc.array(fc.record({ address: json, gateway: json }), { maxLength: 3 }),
      routes: fc.oneof(json, fc.array(fc.record({ dst: json }))),
      dns: json,
    }),
  );
  const anyIpam = {
    pools: json,
    families: json,
    controller: mostly('unix:///s'),
    identityDir: json,
    spoolDir: mostly('/spool'),
    logFile: mostly('/log/berth.log'),
    gcMinAgeSeconds: json,
    [`unknown`]: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: json }),
  };

  test(`${RUNS} calls end as they should`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(verb, environment, stdinOf(anyIpam), said, fc.boolean(), async (command, env, stdin, reply, readOnly) => {
        const world = pretendWorld();
        world.controller = () => reply;
        if (readOnly) world.fails = () => 'EROFS';
        const ran = await run(world, command, stdin, env);
        if (command === '') return void expect([ran.code, ran.stdout]).toEqual([0, '']);
        judge(ran, command);
        expect(ran.elapsedMs).toBeLessThanOrEqual(40_000);
      }),
      { numRuns: RUNS },
    );
  });
});

for (const [index, host] of buildHosts().entries()) {
  describe.skipIf(index === 0 && !host.native)(`the executable, ${host.name}`, () => {
    let folder: string;
    let controller: PretendedController;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'berth-fuzz-'));
      controller = await startPretendedController({ socket: join(folder, 's') });
      controller.replies = [usual];
    });
    afterAll(async () => {
      await controller.close();
      rmSync(folder, { recursive: true, force: true });
    });

    // Paths and the controller stay this test's own: a process writes to the real disk.
    const runs = host.native ? 300 : 20;
    test(`${runs} calls end as they should`, { timeout: 120_000 }, async () => {
      const fixed = { controller: `unix://${join(folder, 's')}`, spoolDir: join(folder, 'spool'), logFile: join(folder, 'berth.log') };
      const ipam = { pools: json, families: json, gcMinAgeSeconds: json };
      const withFixed = configuration(ipam).map((value) => {
        const whole = value as Record<string, unknown>;
        return JSON.stringify({ ...whole, ipam: { ...(typeof whole['ipam'] === 'object' ? whole['ipam'] : {}), ...fixed } });
      });
      const broken = fc.oneof(
        text,
        fc.tuple(withFixed, fc.nat(100)).map(([value, length]) => value.slice(0, length)),
      );
      const stdin = fc.oneof({ weight: 5, arbitrary: withFixed }, { weight: 1, arbitrary: broken });
      const withoutNul = (env: Record<string, string>) =>
        Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value.replaceAll('\0', '')]));
      await fc.assert(
        fc.asyncProperty(verb, environment, stdin, async (command, env, input) => {
          const clean = command.replaceAll('\0', '');
          const ran = await callPlugin(host.path, withoutNul({ ...env, CNI_COMMAND: clean }), input);
          if (clean === '') return void expect([ran.code, ran.stdout]).toEqual([0, '']);
          judge(ran, clean);
          expect(ran.milliseconds).toBeLessThan(40_000);
        }),
        { numRuns: runs },
      );
    });
  });
}
