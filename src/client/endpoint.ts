/** Where a controller listens, as people write it: `unix:///run/berth/berth.sock`. */

export const DEFAULT_CONTROLLER = 'unix:///run/berth/berth.sock';

export interface Endpoint {
  readonly socketPath: string;
  /** As to be shown to a person. */
  readonly text: string;
}

export type ParsedEndpoint = { readonly ok: true; readonly endpoint: Endpoint } | { readonly ok: false; readonly detail: string };

/** The kernel's limit for a socket's path (unix(7): sun_path is 108 bytes with its closing zero). */
const LONGEST_SOCKET_PATH = 107;

/** Takes `unix:///absolute`, `unix:/absolute`, `unix:relative` and a bare path; says why it refuses anything else. */
export function parseEndpoint(text: string): ParsedEndpoint {
  if (/^https?:/i.test(text)) {
    return {
      ok: false,
      detail: `${text} cannot be used: a controller's network port serves only the plugin; give its unix socket, such as ${DEFAULT_CONTROLLER}`,
    };
  }
  const socketPath = text.startsWith('unix://')
    ? text.slice('unix://'.length)
    : text.startsWith('unix:')
      ? text.slice('unix:'.length)
      : text;
  const otherScheme = !text.startsWith('unix:') && /^[a-z][a-z\d+.-]*:\/\//i.test(text);
  if (socketPath === '' || otherScheme || (!text.startsWith('unix:') && !text.includes('/')) || socketPath.includes('\0')) {
    return { ok: false, detail: `"${text}" names no unix socket; write it as ${DEFAULT_CONTROLLER}` };
  }
  if (Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH) {
    return { ok: false, detail: `the socket's path is longer than the ${LONGEST_SOCKET_PATH} bytes that the system takes: ${socketPath}` };
  }
  return { ok: true, endpoint: { socketPath, text: `unix://${socketPath}` } };
}
