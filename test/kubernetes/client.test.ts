/** What the client sends, and when it sends it again; on a transport that answers as told. */
import { expect, test } from 'vitest';
import { createClient } from '../../src/kubernetes/client.ts';
import { ADDRESS_BINDINGS } from '../../src/kubernetes/objects.ts';
import type { HttpAnswer, HttpRequest } from '../../src/kubernetes/transport.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

async function* bodyOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

function openClient(...answers: readonly (readonly [status: number, headers: Record<string, string>, body: object])[]) {
  const timers = virtualTimers();
  const sent: { readonly at: number; readonly request: HttpRequest }[] = [];
  const transport = async (request: HttpRequest): Promise<HttpAnswer> => {
    sent.push({ at: timers.monotonic(), request });
    const [status, headers, body] = answers[Math.min(sent.length, answers.length) - 1]!;
    return { status, headers, body: bodyOf(JSON.stringify(body)) };
  };
  return { timers, sent, client: createClient({ transport, timers, random: () => 0.5 }) };
}

const PRECONDITIONS = { uid: 'u1', resourceVersion: '7' };

test('a removal names uid and version; a dry run says that it is one, or it would be none', async () => {
  const { sent, client } = openClient([200, {}, {}]);
  await client.remove(ADDRESS_BINDINGS, { name: 'a' }, PRECONDITIONS);
  await client.remove(ADDRESS_BINDINGS, { name: 'a' }, PRECONDITIONS, { dryRun: true });
  expect(sent.map(({ request }) => JSON.parse(request.body!) as object)).toEqual([
    { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions: PRECONDITIONS },
    { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions: PRECONDITIONS, dryRun: ['All'] },
  ]);
});

test('a server that is too busy is asked again not before it has said, also for a write', async () => {
  const busy = [429, { 'retry-after': '4' }, { kind: 'Status', reason: 'TooManyRequests', message: 'busy' }] as const;
  const { timers, sent, client } = openClient(busy, [200, {}, {}]);
  const removing = client.remove(ADDRESS_BINDINGS, { name: 'a' }, PRECONDITIONS);
  await timers.advance(3_999);
  expect(sent).toHaveLength(1);
  await timers.advance(1_000);
  expect([sent.length, (await removing).ok]).toEqual([2, true]);
});

test('an answer to a write that is no JSON (a proxy’s page, a body cut short) leaves open whether it was written', async () => {
  const transport = async (): Promise<HttpAnswer> => ({ status: 200, headers: {}, body: bodyOf('<html>') });
  const client = createClient({ transport, timers: virtualTimers(), random: () => 0.5 });
  await expect(client.create(ADDRESS_BINDINGS, { metadata: { name: 'a' } })).rejects.toMatchObject({ name: 'ApiUnreachable', sent: true });
});
