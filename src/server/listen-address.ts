/** --listen, read once: "unix:PATH", "unix:///PATH" or "https://HOST:PORT". */
import { isIPv6 } from 'node:net';
import type { Outcome } from '../core/refusal.ts';
import { done, refuse } from '../core/refusal.ts';

export type ListenAddress =
  { readonly kind: 'unix'; readonly path: string } | { readonly kind: 'https'; readonly host: string; readonly port: number };

/** sun_path of sockaddr_un holds 108 bytes with its closing zero (unix(7)). */
const LONGEST_SOCKET_PATH = 107;

export function parseListenAddress(text: string): Outcome<ListenAddress> {
  if (text.startsWith('unix:')) return parseUnix(text);
  if (/^http:/i.test(text)) {
    return refuse(
      'InvalidRequest',
      `--listen ${text}: plain http would let anybody on the network in. Use unix:PATH, or https://HOST:PORT with --client-ca.`,
    );
  }
  if (!/^https:\/\//i.test(text)) return refuse('InvalidRequest', `--listen ${text}: must be unix:PATH or https://HOST:PORT.`);
  const bare = parseBareIPv6(text);
  if (bare !== undefined) return done(bare);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return refuse('InvalidRequest', 'An https --listen takes a host and a port only, as in https://10.0.0.5:8443.');
  }
  if (!/:\d+\/?$/.test(text)) return refuse('InvalidRequest', `--listen ${text}: say the port, as in ${text.replace(/\/$/, '')}:8443.`);
  return done({ kind: 'https', host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? 443 : Number(url.port) });
}

/** https://fd00::5:8443: a pod's own address comes from its fieldRef without brackets, and nothing there can add them. */
function parseBareIPv6(text: string): ListenAddress | undefined {
  const [, host = '', port] = /^https:\/\/([0-9a-f:.]+):(\d{1,5})\/?$/i.exec(text) ?? [];
  return isIPv6(host) && Number(port) <= 65_535 ? { kind: 'https', host, port: Number(port) } : undefined;
}

function parseUnix(text: string): Outcome<ListenAddress> {
  const path = text.replace(/^unix:(\/\/)?/, '');
  if (path === '') return refuse('InvalidRequest', '--listen unix: needs a path, as in unix:/run/berth/berth.sock.');
  if (path.includes('\0')) return refuse('InvalidRequest', 'The path of a socket must not contain a zero byte.');
  const length = Buffer.byteLength(path);
  if (length > LONGEST_SOCKET_PATH) {
    return refuse(
      'InvalidRequest',
      `--listen unix:…: the path has ${length} bytes and Linux takes at most ${LONGEST_SOCKET_PATH}; choose a shorter one.`,
    );
  }
  return done({ kind: 'unix', path });
}
