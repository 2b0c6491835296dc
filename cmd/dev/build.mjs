/**
 * `npm run build`: everything under dist/.
 *   berth                                   the plugin (in its native host; without cargo the Node host stands in)
 *   berth-controller, berthctl, …           launchers of the bundled Node programs
 *   lib/                                    the library, as published
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildLibrary } from './build-library.mjs';
import { fail, root, stopwatch } from './steps.mjs';

export async function build({ outDir = join(root, 'dist'), log = console.log } = {}) {
  mkdirSync(outDir, { recursive: true });
  const parts = [
    ['plugin', buildPart('./build-plugin.mjs', 'buildPlugin')],
    ['node programs', buildPart('./build-controller.mjs', 'buildNodePrograms')],
    ['library', buildLibrary],
  ];
  const built = {};
  for (const [name, part] of parts) {
    const seconds = stopwatch();
    built[name] = await part({ outDir, log: (line) => log(`build:   ${line}`) });
    log(`build: ${name.padEnd(14)} ${seconds().toFixed(1)} s`);
  }
  if (built['plugin']?.native === false)
    log('build: no Rust toolchain (cargo) here: dist/berth runs on the Node host, slower and bigger than the native one');
  return { native: built['plugin']?.native === true };
}

function buildPart(file, name) {
  return async (options) => (await import(file))[name](options);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await build().catch((error) => fail('build', error));
}
