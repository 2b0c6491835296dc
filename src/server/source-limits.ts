/**
 * Whoever reaches the https port stands at the same door as the nodes, before anybody knows who it is: one pod with 256
 * silent sockets would keep every node out. So each address has a part of the places. A node's calls come from an address
 * of its own; a node whose own pods are hostile, and hidden behind it, is alone in what it suffers.
 */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

export interface SourceLimits {
  readonly handshakes: number;
  readonly connections: number;
}

interface Source {
  connections: number;
  /** By their ports. */
  readonly handshaking: Set<number | undefined>;
}

/** Closes what comes beyond, at once and without a word. */
export function limitSources(server: Server, most: SourceLimits): void {
  const sources = new Map<string, Source>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address = '', remotePort: port } = socket;
    const source = sources.get(address) ?? { connections: 0, handshaking: new Set() };
    sources.set(address, source);
    source.connections += 1;
    source.handshaking.add(port);
    socket.once('close', () => {
      source.connections -= 1;
      source.handshaking.delete(port);
      if (source.connections === 0) sources.delete(address);
    });
    if (source.connections > most.connections || source.handshaking.size > most.handshakes) socket.destroy();
  });
  server.on('secureConnection', ({ remoteAddress = '', remotePort }: Socket) => sources.get(remoteAddress)?.handshaking.delete(remotePort));
}
