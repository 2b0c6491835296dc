/** Documents in and out: what `-o json` and `-o yaml` print, `pool apply -f` and kubectl take again. */
import { UNPRINTABLE, printableJson } from './text.ts';

/** A list as `kubectl get -o yaml` gives it. */
export const listDocument = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

/** The same document in parts that can be written one after the other. */
export const listParts = {
  json: {
    head: '{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": [\n',
    page: async (items: readonly object[]): Promise<string> => indent(items.map((item) => formatJson(item).trimEnd()).join(',\n'), 4),
    between: ',\n',
    tail: '\n  ]\n}\n',
  },
  yaml: {
    head: 'apiVersion: v1\nkind: List\nitems:\n',
    page: async (items: readonly object[]): Promise<string> => indent((await formatYaml(items)).trimEnd(), 2),
    between: '\n',
    tail: '\n',
  },
} as const;

const indent = (text: string, spaces: number): string => text.replaceAll(/^(?=.)/gm, ' '.repeat(spaces));

export const formatJson = (value: unknown): string => `${printableJson(JSON.stringify(value, undefined, 2))}\n`;

/** One line, for streams. */
export const formatJsonLine = (value: unknown): string => `${printableJson(JSON.stringify(value))}\n`;

/**
 * By YAML 1.1, as kubectl writes it: a time, a MAC and the tenant "no" are quoted, so that old and new readers take
 * them for text. What YAML 1.2 alone would take for a number is quoted too.
 */
export async function formatYaml(value: unknown): Promise<string> {
  const { Document, visit } = await import('yaml');
  const document = new Document(value, { version: '1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && (/^[-+]?0o/.test(node.value) || node.value.search(UNPRINTABLE) >= 0))
        node.type = 'QUOTE_DOUBLE';
    },
  });
  // Unprintable characters are now all inside double quotes, where the escape means the character itself.
  return printableJson(document.toString({ lineWidth: 0, directives: false }));
}
