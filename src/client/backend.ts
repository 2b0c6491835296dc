/** What the commands ask: a controller on its socket (client.ts), or a cluster with the user's own rights (src/cli/cluster). */
import type { Client } from './client.ts';
import type { Endpoint } from './endpoint.ts';

export type Backend = Omit<Client, 'endpoint'> & {
  /** Only of a controller on a socket. */
  readonly endpoint?: Endpoint;
};
