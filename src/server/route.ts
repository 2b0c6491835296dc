/** What a route is: one table of these serves the requests, names the metrics and writes /openapi.json. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Refusal } from '../core/refusal.ts';
import type { Caller, Operations } from '../ipam/operations.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** `cni`: for plugins, on every listener. `management`: on the socket only. `probe`: on the socket (the metrics on their own port too), also before the store is read. */
export type Face = 'cni' | 'management' | 'probe';

export interface Call<Body> {
  readonly operations: Operations;
  readonly caller: Caller;
  readonly body: Body;
  /** The path's parameters, decoded, in order. */
  readonly params: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export type Answer =
  | {
      readonly ok: true;
      readonly value: object;
      readonly status?: 200 | 201;
      readonly headers?: Readonly<Record<string, string>>;
      /** What the log says of it: the addresses, never the request's secrets (there are none) or its whole body. */
      readonly facts?: object;
    }
  | { readonly ok: false; readonly refusal: Refusal; readonly facts?: object };

interface Description {
  /** The metric's label, the log's field and the operationId. */
  readonly verb: string;
  readonly method: Method;
  /** With parameters as in OpenAPI: "/v1/pools/{name}". */
  readonly path: string;
  readonly face: Face;
  readonly summary: string;
  readonly params?: Readonly<Record<string, z.ZodType<string>>>;
  readonly query?: z.ZodObject<Record<string, z.ZodType<string | undefined>>>;
  /** Changes something, so it is logged at level info; reads at debug. */
  readonly writes: boolean;
}

export interface JsonRoute extends Description {
  readonly kind: 'json';
  readonly body?: z.ZodType<unknown>;
  /** An absent body stands for {}. */
  readonly bodyOptional?: boolean;
  /** How much a body names that costs something each: pools, addresses, deletions. */
  readonly named?: (body: unknown) => number;
  readonly answer: z.ZodType<unknown>;
  readonly run: (call: Call<unknown>) => Promise<Answer> | Answer;
}

/** A route that answers something else than one JSON document. */
export interface StreamRoute extends Description {
  readonly kind: 'stream';
  readonly contentType: string;
  /** Resolves when the answer has been handed over; an ok:false is sent as a problem. */
  readonly serve: (request: IncomingMessage, response: ServerResponse, call: Call<undefined>) => Promise<Answer | void>;
}

export type Route = JsonRoute | StreamRoute;

/** Ties the body's schema to the handler's argument; the table itself does not care. */
export function route<Body = undefined>(
  description: Omit<JsonRoute, 'kind' | 'body' | 'named' | 'run'> & {
    readonly body?: z.ZodType<Body>;
    readonly named?: (body: Body) => number;
    readonly run: (call: Call<Body>) => Promise<Answer> | Answer;
  },
): JsonRoute {
  return { kind: 'json', ...description } as JsonRoute;
}
