/**
 * Where the controller is and how this node proves who it is. Everything is read anew for every attempt: the kubelet
 * rotates token and CA in place.
 */
import { type Configuration, DEFAULT_SOCKET, parseController } from './configuration.ts';
import type { Host } from './host.ts';

const LONGEST_FILE = 256 * 1024;

export interface Endpoint {
  /** As Host.exchange takes it. */
  readonly address: string;
  readonly token: string;
  readonly ca: string;
  /** The node's certificate and its key, PEM; "" where a token says who it is. */
  readonly client: string;
}

export type Endpoints =
  /** `missing`: what would have named another place than the default socket. */
  | { readonly ok: true; readonly endpoints: readonly Endpoint[]; readonly missing?: string }
  | { readonly ok: false; readonly missing: string };

/** The configured controller; else the identity's `endpoints` (one https://ADDRESS:PORT a line); else the default socket. */
export function findEndpoints(host: Host, configuration: Configuration): Endpoints {
  const { controller, identityDir } = configuration;
  const addresses = controller === undefined ? listEndpoints(host, identityDir) : [controller];
  if (addresses.length === 0) return { ...unixOnly(DEFAULT_SOCKET), missing: `${identityDir}/endpoints` };
  const first = addresses[0] ?? '';
  if (first.startsWith('unix:')) return unixOnly(first);
  const token = readText(host, `${identityDir}/token`);
  const client = token === '' ? readClient(host, identityDir) : '';
  // What is not printable ASCII is no token, and must not become a header.
  if (client === '' && !/^[\x21-\x7e]+$/.test(token)) return { ok: false, missing: `${identityDir}/token` };
  const ca = readText(host, `${identityDir}/ca.crt`);
  if (ca === '') return { ok: false, missing: `${identityDir}/ca.crt` };
  return { ok: true, endpoints: addresses.map((address) => ({ address, token, ca, client })) };
}

/** STATUS: what must be on this node's disk before any ADD can work; undefined when it is there. */
export function missingOnNode(host: Host, configuration: Configuration): string | undefined {
  const found = findEndpoints(host, configuration);
  if (!found.ok) return found.missing;
  const socket = found.endpoints[0]?.address ?? '';
  if (!socket.startsWith('unix:')) return undefined;
  const directory = socket.slice('unix:'.length, socket.lastIndexOf('/')) || '/';
  return host.inspectFile(directory)[0] === '' ? undefined : directory;
}

const unixOnly = (address: string): Endpoints & { readonly ok: true } => ({
  ok: true,
  endpoints: [{ address, token: '', ca: '', client: '' }],
});

const readText = (host: Host, path: string): string => host.readFile(path, LONGEST_FILE)[1].trim();

/** Outside a cluster there are no tokens: there a node is who its certificate says (`--client-ca`). */
function readClient(host: Host, identityDir: string): string {
  const [certificate, key] = [readText(host, `${identityDir}/tls.crt`), readText(host, `${identityDir}/tls.key`)];
  return certificate === '' || key === '' ? '' : `${certificate}\n${key}\n`;
}

function listEndpoints(host: Host, identityDir: string): readonly string[] {
  return readText(host, `${identityDir}/endpoints`)
    .split('\n')
    .map((line) => parseController(line.trim()))
    .filter((address): address is string => address !== undefined && !address.startsWith('unix:'));
}
