/** /openapi.json, generated from the routes and their schemas: what is served is what is described. */
import { z } from 'zod';
import { API_VERSION } from '../protocol.ts';
import { problem } from './answer-schemas.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

export function describeApi(routes: readonly Route[], version: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = describeRoute(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Berth controller',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: `IP address management (${API_VERSION}). On a unix socket everything; on https only /v1/cni/*.`,
    },
    servers: [{ url: 'http://localhost', description: 'unix:///run/berth/berth.sock' }],
    paths,
    components: { schemas },
  };
}

function describeRoute(route: Route, schemas: Json): Json {
  const body = route.kind === 'json' ? route.body : undefined;
  const contentType = route.kind === 'json' ? 'application/json' : route.contentType;
  const schema = route.kind === 'json' ? toSchema(route.answer, 'output', schemas) : { type: 'string' };
  const content = { [contentType]: { schema } };
  return {
    operationId: route.verb,
    summary: route.summary,
    parameters: describeParameters(route, schemas),
    ...(body && {
      requestBody: {
        required: !(route.kind === 'json' && route.bodyOptional === true),
        content: { 'application/json': { schema: toSchema(body, 'input', schemas) } },
      },
    }),
    responses: {
      200: { description: 'Done', content },
      ...(route.method === 'PUT' && { 201: { description: 'Created', content } }),
      default: { description: 'Refused', content: { 'application/problem+json': { schema: toSchema(problem, 'output', schemas) } } },
    },
  };
}

function describeParameters(route: Route, schemas: Json): readonly Json[] {
  const path = Object.entries(route.params ?? {}).map(([name, schema]) => ({
    name,
    in: 'path',
    required: true,
    schema: toSchema(schema, 'input', schemas),
  }));
  const query = Object.entries(route.query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: toSchema(schema, 'input', schemas),
  }));
  return [...path, ...query];
}

/** zod puts named schemas into $defs; OpenAPI wants them in one place for all. */
function toSchema(schema: z.ZodType<unknown>, io: 'input' | 'output', schemas: Json): unknown {
  const { $schema: _, $defs = {}, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  for (const [name, definition] of Object.entries($defs as Json)) schemas[name] = moveReferences(definition);
  return moveReferences(rest);
}

function moveReferences(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
}
