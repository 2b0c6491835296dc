/** From method and path to a route. Exact paths by one look-up, because ADD and DEL are; the few with parameters by pattern. */
import type { Route } from './route.ts';

export type Found =
  | { readonly found: true; readonly route: Route; readonly params: readonly string[] }
  /** `allow`: the methods this path does have; empty when there is no such path. */
  | { readonly found: false; readonly allow: readonly string[] };

export interface Router {
  find(method: string, path: string): Found;
}

export function createRouter(routes: readonly Route[]): Router {
  const exact = new Map<string, Map<string, Route>>();
  const patterns: { readonly pattern: RegExp; readonly methods: Map<string, Route> }[] = [];
  const methodsOf = new Map<string, Map<string, Route>>();
  for (const route of routes) {
    const methods = methodsOf.get(route.path) ?? new Map<string, Route>();
    methods.set(route.method, route);
    if (methodsOf.has(route.path)) continue;
    methodsOf.set(route.path, methods);
    if (route.path.includes('{')) patterns.push({ pattern: toPattern(route.path), methods });
    else exact.set(route.path, methods);
  }

  return {
    find(method, path) {
      const methods = exact.get(path);
      if (methods) return pick(methods, method, []);
      for (const candidate of patterns) {
        const match = candidate.pattern.exec(path);
        const params = match && decodeAll(match.slice(1));
        if (params) return pick(candidate.methods, method, params);
      }
      return { found: false, allow: [] };
    },
  };
}

function pick(methods: ReadonlyMap<string, Route>, method: string, params: readonly string[]): Found {
  const route = methods.get(method);
  return route ? { found: true, route, params } : { found: false, allow: [...methods.keys()] };
}

const toPattern = (path: string): RegExp => new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+)')}$`);

/** undefined: not decodable, so there is no such path. */
function decodeAll(segments: readonly string[]): readonly string[] | undefined {
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
