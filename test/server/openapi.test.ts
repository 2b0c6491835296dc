/** /openapi.json describes what is served: every route, nothing else, with references that lead somewhere. */
import { describe, expect, test } from 'vitest';
import { bindingRoutes } from '../../src/server/binding-routes.ts';
import { cniRoutes } from '../../src/server/cni-routes.ts';
import { poolRoutes } from '../../src/server/pool-routes.ts';
import { ask } from '../support/http.ts';
import { stubOperations } from '../support/stub-operations.ts';
import { serve } from './serve.ts';

async function describedApi() {
  const { socketPath } = await serve(stubOperations());
  return (await ask({ socketPath }, 'GET', '/openapi.json')).json;
}

describe('/openapi.json', () => {
  test('has every route and its method', async () => {
    const { openapi, paths, info } = await describedApi();
    expect([openapi, info.version]).toEqual(['3.1.0', '1.2.3']);
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual([
      'delete /v1/pools/{name}',
      'get /livez',
      'get /metrics',
      'get /openapi.json',
      'get /readyz',
      'get /v1/backup',
      'get /v1/bindings',
      'get /v1/bindings/{network}/{address}',
      'get /v1/events',
      'get /v1/explain-pod/{namespace}/{name}',
      'get /v1/explain/{network}/{address}',
      'get /v1/pools',
      'get /v1/pools/{name}',
      'get /v1/stats',
      'get /v1/version',
      'post /v1/allocate',
      'post /v1/check',
      'post /v1/cni/add',
      'post /v1/cni/check',
      'post /v1/cni/del',
      'post /v1/cni/gc',
      'post /v1/cni/spool',
      'post /v1/collect',
      'post /v1/release',
      'post /v1/renew',
      'put /v1/pools/{name}',
    ]);
  });

  test('every reference leads to a schema, and every schema is used', async () => {
    const api = await describedApi();
    const references = new Set([...JSON.stringify(api).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
    expect([...references].sort()).toEqual(Object.keys(api.components.schemas).sort());
    expect(JSON.stringify(api)).not.toContain('$defs');
    expect(references.size).toBeGreaterThan(20);
  });

  test('bodies, queries and path parameters are described', async () => {
    const { paths } = await describedApi();
    expect(paths['/v1/cni/add'].post.requestBody.content['application/json'].schema).toEqual({ $ref: '#/components/schemas/CniAdd' });
    expect(paths['/v1/check'].post.requestBody.required).toBe(false);
    const parameters = (list: { in: string; name: string }[]) => list.map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(parameters(paths['/v1/pools/{name}'].delete.parameters)).toEqual(['path name', 'query force', 'query dryRun']);
    expect(parameters(paths['/v1/bindings'].get.parameters)).toHaveLength(11);
    expect(paths['/v1/events'].get.responses['200'].content).toHaveProperty('text/event-stream');
  });

  test('parameters of the path are those that are checked', () => {
    for (const route of [...cniRoutes, ...poolRoutes, ...bindingRoutes]) {
      const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(route.params ?? {}), route.verb).toEqual(inPath);
    }
  });
});
