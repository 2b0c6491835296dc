/**
 * What became of the records themselves, change by change, from etcd (its JSON gateway): what a failed storm leaves beside
 * the callers' history. etcd has all of it until the API server compacts, which it does after five minutes.
 */
import type { ApiServer } from '../support/api-server.ts';

const PREFIX = '/registry/berth-ipam.dev/addressbindings/';
const QUIET_MS = 2_000;

interface Change {
  readonly type?: 'DELETE';
  readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: string };
}

/** One line a change, oldest first: revision, name, and in JSON the whole spec, or "deleted". */
export async function recordHistory({ etcdUrl }: ApiServer): Promise<string> {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const end = `${PREFIX.slice(0, -1)}0`; // the byte after the slash
  const create_request = { key: encode(PREFIX), range_end: encode(end), start_revision: '1' };
  const enough = new AbortController();
  let timer = setTimeout(() => enough.abort(), QUIET_MS);
  let text = '';
  try {
    const { body } = await fetch(`${etcdUrl}/v3/watch`, {
      method: 'POST',
      body: JSON.stringify({ create_request }),
      signal: enough.signal,
    });
    const decoder = new TextDecoder();
    for await (const piece of body!) {
      clearTimeout(timer);
      timer = setTimeout(() => enough.abort(), QUIET_MS);
      text += decoder.decode(piece as Uint8Array, { stream: true });
    }
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (JSON.parse(line) as { result: { events?: Change[] } }).result.events ?? [])
    .map(({ type, kv }) => {
      const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString();
      const what = type === 'DELETE' ? 'deleted' : JSON.stringify((JSON.parse(decoded(kv.value!)) as { spec: unknown }).spec);
      return `${kv.mod_revision} ${decoded(kv.key).slice(PREFIX.length)} ${what}\n`;
    })
    .join('');
}
