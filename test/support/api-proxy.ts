/**
 * Between a controller and its API server: it passes everything on, and says when, so that a test can end the
 * controller at exactly that moment. It has the server's own certificate, so the same kubeconfig will do, with another port.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, createServer, request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ApiServerAddress } from './api-server.ts';

export type Moment =
  /** The controller has sent it; nobody else knows yet. */
  | 'asked'
  /** The API server has done it and said so; the controller has not heard yet. */
  | 'done';

/** What the proxy answers itself, in the API server's place. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

export interface ApiProxy {
  readonly url: string;
  /**
   * Called at each moment of each request. `stop`: it goes no further, its connection stays open and silent. A promise
   * holds it up. An answer is given instead, before the API server hears of it.
   */
  watch:
    | ((moment: Moment, request: { readonly method: string; readonly path: string }) => 'stop' | OwnAnswer | void | Promise<void>)
    | undefined;
  /** Breaks all connections, watches too. */
  cut(): void;
  close(): Promise<void>;
}

export async function startApiProxy({ port, caFile, directory }: ApiServerAddress): Promise<ApiProxy> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(caFile) });
  const tell = async (moment: Moment, { method, url }: IncomingMessage): Promise<'stop' | OwnAnswer | void> =>
    proxy.watch?.(moment, { method: method ?? '', path: url ?? '' });

  const [cert, key] = ['server.crt', 'server.key'].map((name) => readFileSync(join(directory, name)));
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    void (async () => {
      const instead = await tell('asked', incoming);
      if (instead === 'stop') return;
      if (instead !== undefined) {
        incoming.resume();
        outgoing.writeHead(instead.status, { 'content-type': 'application/json', ...instead.headers });
        return void outgoing.end(JSON.stringify(instead.body));
      }
      const { method, url: path, headers } = incoming;
      const sent = secureRequest({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
        void (async () => {
          if ((await tell('done', incoming)) === 'stop') return void answer.resume();
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          // A watch says nothing for a while: its head must not wait for its first event.
          outgoing.flushHeaders();
          answer.pipe(outgoing);
        })();
      });
      sent.on('error', () => outgoing.destroy());
      outgoing.on('close', () => {
        if (!outgoing.writableFinished) sent.destroy();
      });
      incoming.pipe(sent);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: ApiProxy = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    watch: undefined,
    cut: () => server.closeAllConnections(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
  return proxy;
}
