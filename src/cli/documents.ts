/** Documents in and out: what `-o json` and `-o yaml` print, `pool apply -f` and kubectl take again. */
import { printableJson } from './text.ts';

/** A list as `kubectl get -o yaml` gives it. */
export const listDocument = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

export const formatJson = (value: unknown): string => `${printableJson(JSON.stringify(value, undefined, 2))}\n`;

/** One line, for streams. */
export const formatJsonLine = (value: unknown): string => `${printableJson(JSON.stringify(value))}\n`;

export async function formatYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
