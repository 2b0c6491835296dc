import { once } from 'node:events';
import type { ListenOptions, Server } from 'node:net';

/** Starts to listen; resolves when it does, throws what the system says when it cannot. */
export async function listening(server: Server, options: ListenOptions): Promise<void> {
  const started = once(server, 'listening');
  server.listen({ ...options, backlog: 1024 });
  await started;
}
