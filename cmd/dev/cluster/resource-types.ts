/** TypeScript for custom resources, from their definitions: the YAML in deploy/crds is the source. */

interface Schema {
  readonly type: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

const HEADER = `/** Made from deploy/crds by \`npm run generate\`: do not edit. Fields with a default are optional, as for who writes the object. */
import type { ObjectMeta } from './objects.ts';
`;

/** A module with an interface per kind, one for its spec and one for its status; not yet formatted. */
export function resourceTypes(definitions: readonly Definition[]): string {
  return [HEADER, ...definitions.map(kindTypes)].join('\n');
}

function kindTypes({ spec: { group, names, versions } }: Definition): string {
  const { name, schema } = versions.find(({ storage }) => storage)!;
  const root = schema.openAPIV3Schema;
  const parts = Object.entries(root.properties ?? {}).filter(([part]) => part === 'spec' || part === 'status');
  const titled = (part: string): string => `${names.kind}${part[0]!.toUpperCase()}${part.slice(1)}`;
  const members = parts.map(([part]) => `readonly ${part}${isRequired(root, part) ? '' : '?'}: ${titled(part)};`);
  const kind = [
    `${comment(root)}export interface ${names.kind} {`,
    `readonly apiVersion: '${group}/${name}';\nreadonly kind: '${names.kind}';\nreadonly metadata: ObjectMeta;`,
    ...members,
    '}\n',
  ].join('\n');
  return [kind, ...parts.map(([part, inner]) => `${comment(inner)}export interface ${titled(part)} ${objectType(inner)}\n`)].join('\n');
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ');
  if (schema.type === 'array') return `readonly (${typeOf(schema.items!)})[]`;
  if (schema.type === 'object' && schema.additionalProperties) return `Readonly<Record<string, ${typeOf(schema.additionalProperties)}>>`;
  if (schema.type === 'object') return objectType(schema);
  return schema.type === 'integer' ? 'number' : schema.type;
}

function objectType(schema: Schema): string {
  const members = Object.entries(schema.properties ?? {}).map(
    ([name, inner]) => `${comment(inner)}readonly ${name}${isRequired(schema, name) ? '' : '?'}: ${typeOf(inner)};`,
  );
  return `{\n${members.join('\n')}\n}`;
}

const isRequired = (schema: Schema, name: string): boolean => schema.required?.includes(name) ?? false;

const comment = ({ description }: Schema): string => (description === undefined ? '' : `/** ${description} */\n`);
