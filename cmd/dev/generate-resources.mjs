/** `npm run generate`: writes src/kubernetes/resources.generated.ts from deploy/crds. A test fails when it is out of date. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';
import { resourceTypes } from './cluster/resource-types.ts';
import { root } from './steps.mjs';

export const GENERATED = join(root, 'src/kubernetes/resources.generated.ts');

export async function generateResources() {
  const folder = join(root, 'deploy/crds');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const definitions = files.toSorted().map((name) => parse(readFileSync(join(folder, name), 'utf8')));
  return format(resourceTypes(definitions), { ...(await resolveConfig(GENERATED)), parser: 'typescript' });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(GENERATED, await generateResources());
