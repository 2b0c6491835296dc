/** Resources and tags as they are typed. */
import { normaliseResource } from '../core/resource.ts';
import type { Resource, ResourceKind } from '../protocol.ts';
import { UsageError, didYouMean } from './usage.ts';

export const RESOURCE_KINDS: readonly ResourceKind[] = ['mac', 'vm', 'container', 'pod', 'custom'];

/** "mac:02:00:00:00:00:01", the MAC in any spelling: what comes out is canonical. */
export function parseResource(text: string): Resource {
  const colon = text.indexOf(':');
  const type = colon < 0 ? text : text.slice(0, colon);
  const value = colon < 0 ? '' : text.slice(colon + 1);
  const kind = RESOURCE_KINDS.find((known) => known === type.toLowerCase());
  if (!kind) {
    throw new UsageError(
      `--resource: "${type}" is no type of resource; the types are ${RESOURCE_KINDS.join(', ')}${didYouMean(type, RESOURCE_KINDS)}`,
    );
  }
  if (value === '') throw new UsageError(`--resource: "${text}" has no value; write it as ${kind}:VALUE`);
  const resource = normaliseResource({ type: kind, value });
  if (!resource.ok) throw new UsageError(`--resource: ${resource.refusal.detail}`);
  return resource.value;
}

/** ["rack=7", "gpu"] → {rack: "7", gpu: ""} */
export function parseTags(texts: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined;
  const tags = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const key = equals < 0 ? text : text.slice(0, equals);
    if (key === '') throw new UsageError(`--tag: "${text}" has no key; write it as KEY=VALUE`);
    if (tags.has(key)) throw new UsageError(`--tag: "${key}" is given twice`);
    tags.set(key, equals < 0 ? '' : text.slice(equals + 1));
  }
  return Object.fromEntries(tags);
}
