import { describe, expect, test } from 'vitest';
import { createMetricsAccess } from '../../src/kubernetes/metrics-access.ts';
import { createTokenReviewer } from '../../src/kubernetes/token-review.ts';
import { RateLimit } from '../../src/server/rate-limit.ts';
import { clientOf, seededRandom } from '../support/cluster-client.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { virtualTimers } from '../support/virtual-timers.ts';
import type { Client } from '../../src/kubernetes/client.ts';

const NODE_NAME = 'authentication.kubernetes.io/node-name';
const username = 'system:serviceaccount:berth:berth-node';
const ofNode = (node: string) => ({ username, audiences: ['berth'], extra: { [NODE_NAME]: [node] } });

function open() {
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1) });
  const client = clientOf(server, timers);
  let reviews = 0;
  const counting: Pick<Client, 'review'> = {
    review: (...all) => {
      reviews++;
      return client.review(...all);
    },
  };
  const review = createTokenReviewer({ client: counting, clock: timers, serviceAccount: { namespace: 'berth', name: 'berth-node' } });
  return { timers, server, review: (token: string, source = '10.0.0.1') => review(token, source), reviews: () => reviews };
}

describe('whose a token is', () => {
  test('a yes is remembered for a minute, and asked for once by many', async () => {
    const { timers, server, review, reviews } = open();
    const token = server.tokens.mint(ofNode('n1'));
    expect(await Promise.all([review(token), review(token), review(token)])).toEqual(
      Array.from({ length: 3 }, () => ({ ok: true, value: 'n1' })),
    );
    await timers.advance(59_000);
    expect((await review(token)).ok).toBe(true);
    expect(reviews()).toBe(1);
    server.tokens.revoke(token);
    await timers.advance(1_000);
    expect(await review(token)).toMatchObject({ ok: false, refusal: { reason: 'Unauthenticated' } });
    expect(reviews()).toBe(2);
  });

  test('a no is never remembered: the next rotation may be a yes', async () => {
    const { server, review } = open();
    const token = server.tokens.mint({ ...ofNode('n1'), audiences: ['someone-else'] });
    expect(await review(token)).toMatchObject({ ok: false, refusal: { reason: 'Unauthenticated' } });
    expect(await review('nonsense')).toMatchObject({ ok: false, refusal: { reason: 'Unauthenticated' } });
    expect((await review(server.tokens.mint(ofNode('n2')))).ok).toBe(true);
  });

  test.each([
    ['another account', { ...ofNode('n1'), username: 'system:serviceaccount:other:berth-node' }],
    ['bound to no node', { username, audiences: ['berth'] }],
    ['of two nodes', { ...ofNode('n1'), extra: { [NODE_NAME]: ['n1', 'n2'] } }],
  ])('of %s: not allowed', async (_title, token) => {
    const { server, review } = open();
    expect(await review(server.tokens.mint(token))).toMatchObject({ ok: false, refusal: { reason: 'NotAllowed' } });
  });

  test('without an API server who is known goes on being served, for a minute; others are told to come back', async () => {
    const { timers, server, review } = open();
    const [known, unknown] = [server.tokens.mint(ofNode('n1')), server.tokens.mint(ofNode('n2'))];
    await review(known);
    server.stop();
    expect((await review(known)).ok).toBe(true);
    const refused = review(unknown);
    await timers.advance(10_000);
    expect(await refused).toMatchObject({ ok: false, refusal: { reason: 'Unavailable' } });
    server.start();
    expect((await review(unknown)).ok).toBe(true);
  });

  test('a right to ask that the controller lacks is named to the node, not taken for a bad token', async () => {
    const status = { code: 403, reason: 'Forbidden', message: 'no', lacks: 'create tokenreviews.authentication.k8s.io' } as const;
    const client: Pick<Client, 'review'> = { review: () => Promise.resolve({ ok: false, status }) };
    const serviceAccount = { namespace: 'berth', name: 'berth-node' };
    const detail = 'The API server does not say who asks: the right to create tokenreviews.authentication.k8s.io is missing.';
    const refused = { ok: false, refusal: { reason: 'Unavailable', detail } };
    expect(await createTokenReviewer({ client, clock: virtualTimers(), serviceAccount })('t', '10.0.0.1')).toMatchObject(refused);
    expect(await createMetricsAccess(client)('t', '10.0.0.1')).toMatchObject(refused);
  });

  test('many bad tokens at once do not become as many questions', async () => {
    const { review, reviews } = open();
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => review(`bad-${index}`, `10.0.0.${index % 50}`)));
    expect(answers.filter((answer) => !answer.ok && answer.refusal.reason === 'Overloaded')).toHaveLength(136);
    expect(reviews()).toBe(64);
  });

  test('bad tokens of one address keep the nodes at others from nothing, and itself no longer than they are asked about', async () => {
    const { server, review, reviews } = open();
    const token = server.tokens.mint(ofNode('n1'));
    const bad = Array.from({ length: 200 }, (_, index) => review(`bad-${index}`, '10.244.0.9'));
    const own = review(token, '10.244.0.9');
    expect((await Promise.all([review(token), review(token)])).map(({ ok }) => ok)).toEqual([true, true]);
    const refused = await Promise.all([...bad, own]);
    expect(refused.filter((answer) => !answer.ok && answer.refusal.reason === 'Overloaded')).toHaveLength(193);
    expect(reviews()).toBe(9);
    expect((await review(server.tokens.mint(ofNode('n2')), '10.244.0.9')).ok).toBe(true);
  });
});

test('bad tokens of one address keep nobody else from the metrics', async () => {
  const timers = virtualTimers();
  let asked = 0;
  const client: Pick<Client, 'review'> = {
    review: async (type, review) => {
      asked++;
      await new Promise<void>((resolve) => timers.after(10, resolve));
      const { token } = (review as { spec: { token?: string } }).spec;
      const authenticated = token === 'good';
      const status = type.kind === 'TokenReview' ? { authenticated, user: { username: 'prometheus' } } : { allowed: true };
      return { ok: true, value: { ...review, status } };
    },
  };
  const access = createMetricsAccess(client);
  const bad = Array.from({ length: 50 }, (_, index) => access(`bad-${index}`, '10.244.0.9'));
  const good = access('good', '10.244.0.1');
  await timers.advance(100);
  expect(await good).toEqual({ ok: true, value: 'prometheus' });
  expect((await Promise.all(bad)).filter((answer) => !answer.ok && answer.refusal.reason === 'Overloaded')).toHaveLength(46);
  expect(asked).toBe(6);
});

describe('the rate of one node', () => {
  test('is bounded after a burst, whatever others do', () => {
    let now = 0;
    const limit = new RateLimit({ monotonic: () => now });
    const admitted = (node: string, count: number) => Array.from({ length: count }, () => limit.admit(node)).filter(({ ok }) => ok).length;
    expect(admitted('greedy', 600)).toBe(500);
    expect(limit.admit('greedy')).toMatchObject({ ok: false, refusal: { reason: 'Overloaded', retryAfterSeconds: 1 } });
    expect(admitted('modest', 1)).toBe(1);
    now += 1_000;
    expect(admitted('greedy', 100)).toBe(50);
    now += 3_600_000;
    expect(admitted('greedy', 600)).toBe(500);
  });

  test('buckets that are full again are forgotten', () => {
    let now = 0;
    const limit = new RateLimit({ monotonic: () => now });
    for (let index = 0; index < 30_000; index++) {
      now += 10;
      expect(limit.admit(`n${index}`).ok).toBe(true);
    }
    expect(limit.size).toBeLessThan(21_000);
  });
});
