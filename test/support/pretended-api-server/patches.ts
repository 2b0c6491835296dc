/** JSON patch (RFC 6902: add, remove, replace, test) and merge patch (RFC 7386), on copies. */
type Json = Record<string, unknown>;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** The patched object, or what is wrong with the patch. */
export function applyPatch(object: unknown, patch: unknown, contentType: string): { readonly object: any } | { readonly wrong: string } {
  const copy = structuredClone(object);
  if (contentType !== 'application/json-patch+json') return { object: merge(copy, patch) };
  for (const operation of patch as readonly Operation[]) {
    const wrong = applyOperation(copy, operation);
    if (wrong !== undefined) return { wrong };
  }
  return { object: copy };
}

function applyOperation(root: unknown, { op, path, value }: Operation): string | undefined {
  const parts = path.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')); // prettier-ignore
  const last = parts.pop();
  const parent = parts.reduce<unknown>((at, part) => (at as Json | undefined)?.[part], root) as Json | undefined;
  if (last === undefined || typeof parent !== 'object') return `${op} operation does not apply: doc is missing path: ${path}`;
  if (op !== 'add' && !(last in parent)) return `${op} operation does not apply: doc is missing key: ${path}`;
  if (op === 'test') {
    return JSON.stringify(parent[last]) === JSON.stringify(value) ? undefined : `testing value ${path} failed`;
  }
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    parent.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]));
  } else if (op === 'remove') {
    delete parent[last];
  } else {
    parent[last] = value;
  }
  return undefined;
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Json = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}
