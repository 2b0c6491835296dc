/** dist/lib: JavaScript and types of src/core and src/store, as the package berth-ipam carries them. Rebuilt when a source is newer. */
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bin, fail, root, run } from './steps.mjs';

export async function buildLibrary({ outDir, log }) {
  const stamp = join(outDir, 'lib', '.built');
  const newest = newestChange(
    ['src/core', 'src/store', 'tsconfig.json', 'tsconfig.lib.json', 'package-lock.json'].map((path) => join(root, path)),
  );
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= newest) return;
  rmSync(join(outDir, 'lib'), { recursive: true, force: true });
  log('compiling src/core and src/store');
  const code = await run(join(bin, 'tsc'), ['-p', 'tsconfig.lib.json', '--outDir', join(outDir, 'lib')]);
  if (code !== 0) throw new Error('the library does not compile');
  writeFileSync(stamp, '');
  utimesSync(stamp, newest / 1000 + 0.001, newest / 1000 + 0.001); // a file saved while tsc ran counts as newer
}

function newestChange(paths) {
  let newest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const status = statSync(path);
    newest = Math.max(newest, status.mtimeMs);
    if (status.isDirectory()) newest = Math.max(newest, newestChange(readdirSync(path).map((name) => join(path, name))));
  }
  return newest;
}

// `npm pack`, by itself: a package without its code, or with that of last week, is worse than none.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await buildLibrary({ outDir: join(root, 'dist'), log: () => undefined }).catch((error) => fail('build', error));
}
