import { expect, test } from 'vitest';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { ADDRESS_BINDINGS, keyOf, NODES, PODS, TOKEN_REVIEWS } from '../../src/kubernetes/objects.ts';
import { describeApiBehaviour } from '../suites/api-behaviour.ts';
import { clientOf, seededRandom } from '../support/cluster-client.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

describeApiBehaviour('pretended', async () => {
  const server = new PretendedApiServer({ timers: systemTimers, random: seededRandom(1) });
  return {
    client: clientOf(server, systemTimers),
    empty: async (type) => {
      for (const { metadata } of server.objects(type)) server.delete(type, keyOf(metadata));
    },
    close: async () => undefined,
  };
});

const makeServer = (options: { readonly lagMs?: () => number } = {}) => {
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1), ...options });
  return { timers, server, client: clientOf(server, timers) };
};

test('the same steps give the same bytes', async () => {
  const run = async (): Promise<unknown> => {
    const { server, client, timers } = makeServer({ lagMs: () => 5 });
    await client.create(ADDRESS_BINDINGS, { metadata: { name: 'a' } });
    server.put(PODS, { metadata: { namespace: 'n', name: 'p' } });
    await timers.advance(10);
    return [server.objects(ADDRESS_BINDINGS), server.objects(PODS), server.revision()];
  };
  expect(await run()).toEqual(await run());
});

test('a cached read is as old as the lag, a consistent one never', async () => {
  const { timers, server } = makeServer({ lagMs: () => 1_000 });
  const names = async (query: string): Promise<string[]> => {
    const answer = await server.transport({ method: 'GET', path: `/api/v1/nodes${query}` }, new AbortController().signal);
    const pieces: Uint8Array[] = [];
    for await (const piece of answer.body) pieces.push(piece);
    return JSON.parse(Buffer.concat(pieces).toString()).items.map((item: any) => item.metadata.name);
  };
  server.put(NODES, { metadata: { name: 'a' } });
  expect([await names(''), await names('?resourceVersion=0')]).toEqual([['a'], []]);
  await timers.advance(1_000);
  expect(await names('?resourceVersion=0')).toEqual(['a']);
});

test('a pod on a node is deleted in two steps, one that was never scheduled at once', async () => {
  const { server, client } = makeServer();
  const pod = (name: string, spec: object) => server.put(PODS, { metadata: { namespace: 'n', name }, spec } as never) as any;
  const running = pod('running', { nodeName: 'n1', terminationGracePeriodSeconds: 7 });
  const waiting = pod('waiting', {});
  for (const { metadata } of [running, waiting]) {
    const { uid, resourceVersion, name } = metadata;
    expect((await client.remove(PODS, { namespace: 'n', name }, { uid, resourceVersion })).ok).toBe(true);
  }
  expect(server.objects<any>(PODS).map(({ metadata }) => [metadata.name, metadata.deletionGracePeriodSeconds])).toEqual([['running', 7]]);
});

test('a minted token says who has it, for its audience and until it expires', async () => {
  const { server, client, timers } = makeServer();
  const extra = { 'authentication.kubernetes.io/node-name': ['n1'] };
  const token = server.tokens.mint({ username: 'node', audiences: ['berth'], extra, expiresAt: timers.now() + 60_000 });
  const ask = async (audience: string) => {
    const answer = await client.review<any>(TOKEN_REVIEWS, { spec: { token, audiences: [audience] } });
    return answer.ok ? [answer.value.status.authenticated, answer.value.status.user.extra] : undefined;
  };
  expect([await ask('berth'), await ask('other')]).toEqual([
    [true, extra],
    [false, undefined],
  ]);
  await timers.advance(60_000);
  expect(await ask('berth')).toEqual([false, undefined]);
  server.tokens.revoke(token);
  expect(await ask('berth')).toEqual([false, undefined]);
});
