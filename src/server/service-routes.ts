/** Routes about the controller itself: probes, metrics, version, description, events, backup. */
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { refuse } from '../core/refusal.ts';
import { versionAnswer } from './answer-schemas.ts';
import type { EventStreams } from './events.ts';
import type { Metrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { route } from './route.ts';
import type { Answer, Route, StreamRoute } from './route.ts';

export interface Service {
  readonly version: string;
  readonly store: 'memory' | 'sqlite' | 'kubernetes';
  readonly metrics: Metrics;
  readonly events: EventStreams;
  /** False from the moment a stop was asked for. */
  readonly running: () => boolean;
  /** Writes a verified copy of the database to the response; absent where the store has none. */
  readonly backup?: (response: ServerResponse) => Promise<void>;
}

export function createServiceRoutes(service: Service, others: readonly Route[]): readonly Route[] {
  const routes: Route[] = [
    route({
      verb: 'version',
      method: 'GET',
      path: '/v1/version',
      face: 'management',
      writes: false,
      summary: 'Which build, on which store',
      answer: versionAnswer,
      run: () => ({ ok: true, value: { version: service.version, store: service.store } }),
    }),
    stream(
      'events',
      '/v1/events',
      'management',
      'text/event-stream',
      'Every change from now on as server-sent events',
      (response, operations) => service.events.serve(response, operations),
    ),
    stream(
      'backup',
      '/v1/backup',
      'management',
      'application/vnd.sqlite3',
      'The database as one file, consistent and verified',
      async (response) => {
        if (!service.backup) return refuse('InvalidRequest', `The ${service.store} store has no backup of its own.`);
        return sendBackup(response, service.backup);
      },
    ),
    stream('metrics', '/metrics', 'probe', service.metrics.contentType, 'Prometheus metrics', async (response) =>
      sendText(response, 200, await service.metrics.render(), service.metrics.contentType),
    ),
    stream('livez', '/livez', 'probe', 'text/plain', 'The process answers', async (response) => sendText(response, 200, 'ok\n')),
    stream(
      'readyz',
      '/readyz',
      'probe',
      'text/plain',
      'Pools and bindings are read, and no stop was asked for',
      async (response, operations) => {
        if (!service.running()) return sendText(response, 503, 'stopping\n');
        if (!operations.synced()) return sendText(response, 503, 'reading pools and bindings\n');
        return sendText(response, 200, 'ok\n');
      },
    ),
    route({
      verb: 'openapi',
      method: 'GET',
      path: '/openapi.json',
      face: 'probe',
      writes: false,
      summary: 'This description',
      answer: z.object({}),
      run: () => ({ ok: true, value: description() }),
    }),
  ];
  let described: object | undefined;
  const description = () => (described ??= describeApi([...others, ...routes], service.version));
  return routes;
}

function stream(
  verb: string,
  path: string,
  face: StreamRoute['face'],
  contentType: string,
  summary: string,
  serve: (response: ServerResponse, operations: Parameters<StreamRoute['serve']>[2]['operations']) => Promise<Answer | void>,
): StreamRoute {
  return {
    kind: 'stream',
    verb,
    method: 'GET',
    path,
    face,
    writes: false,
    summary,
    contentType,
    serve: (_request, response, call) => serve(response, call.operations),
  };
}

/** What keeps a backup from being made (no space, say) is a sentence; a copy that breaks off midway is cut, so nobody takes it for whole. */
async function sendBackup(response: ServerResponse, backup: NonNullable<Service['backup']>): Promise<Answer | void> {
  response.setHeader('content-type', 'application/vnd.sqlite3');
  response.setHeader('cache-control', 'no-store');
  try {
    await backup(response);
  } catch (error) {
    if (response.headersSent) throw error;
    return refuse('Unavailable', `No backup was made: ${(error as Error).message}.`);
  }
}

function sendText(response: ServerResponse, status: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' });
  response.end(text);
}
