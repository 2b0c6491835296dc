/** `npm run generate`: writes src/kubernetes/resources.generated.ts from deploy/crds. A test fails when it is out of date. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';
import { resourceTypes } from './cluster/resource-types.ts';

const DEFINITIONS = new URL('../../deploy/crds/', import.meta.url);
export const GENERATED = fileURLToPath(new URL('../../src/kubernetes/resources.generated.ts', import.meta.url));

export async function generateResources(): Promise<string> {
  const files = readdirSync(DEFINITIONS).filter((name) => name.endsWith('.yaml'));
  const definitions = files.toSorted().map((name) => parse(readFileSync(new URL(name, DEFINITIONS), 'utf8')));
  return format(resourceTypes(definitions), { ...(await resolveConfig(GENERATED)), parser: 'typescript' });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(GENERATED, await generateResources());
