/** The events of a watch, out of pieces. */
import { expect, test } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/objects.ts';
import { ApiUnreachable } from '../../src/kubernetes/status.ts';
import { readEvents } from '../../src/kubernetes/watch-stream.ts';

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

const read = async (text: string, size = 1_000): Promise<unknown[]> => {
  const names: unknown[] = [];
  for await (const { type, object } of readEvents<KubernetesObject>(piecesOf(new TextEncoder().encode(text), size)))
    names.push([type, object.metadata.name]);
  return names;
};

const line = (name: string): string => `${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`;

test('in pieces of whatever size, also within a character', async () => {
  for (let size = 1; size < 12; size++) expect(await read(line('ä€🛳') + line('b'), size)).toEqual([['ADDED', 'ä€🛳'], ['ADDED', 'b']]); // prettier-ignore
});

test('a last line without its end is no event: what it would have said comes again', async () => {
  expect(await read(line('a') + line('b').trimEnd())).toEqual([['ADDED', 'a']]);
});

test.each([
  ['no JSON', '<html>'],
  ['no event', '{"kind":"Status"}'],
  ['an event of nothing', '{"type":"ADDED","object":null}'],
  ['null', 'null'],
])('a line that is %s ends it as a broken connection does', async (_what, text) => {
  await expect(read(`${line('a')}${text}\n`)).rejects.toThrow(ApiUnreachable);
});
