/**
 * `npm run image`: makes dist/image, the folder that the image is built of, and says how to build it. Libraries are
 * those of the machine that builds; each architecture is built on its own kind of machine.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildNodePrograms } from '../build-controller.mjs';
import { buildPlugin } from '../build-plugin.mjs';
import { fail, root } from '../steps.mjs';

/** Makes `folder` with a Dockerfile and all it copies. */
export async function makeImageContext(folder, log) {
  rmSync(folder, { recursive: true, force: true });
  const programs = join(folder, 'root/opt/berth');
  for (const path of [programs, join(folder, 'root/etc')]) mkdirSync(path, { recursive: true });
  const built = join(folder, 'built');
  const [{ native }] = await Promise.all([
    buildPlugin({ outDir: built, log }),
    buildNodePrograms({ outDir: built }),
    bundleInstaller(built),
  ]);
  if (!native) throw new Error('the image carries the native plugin, and there is no cargo here to build it');
  for (const name of ['berth', 'berth-controller.mjs', 'berthctl.mjs', 'berth-install.mjs'])
    copyFileSync(join(built, name), join(programs, name));
  rmSync(built, { recursive: true });
  copyNode(join(folder, 'root'));
  mkdirSync(join(folder, 'root/tmp'));
  chmodSync(join(folder, 'root/tmp'), 0o1777);
  writeFileSync(join(folder, 'root/etc/passwd'), 'root:x:0:0:root:/:/sbin/nologin\nberth:x:65532:65532:berth:/:/sbin/nologin\n');
  copyFileSync(join(root, 'deploy/image/Dockerfile'), join(folder, 'Dockerfile'));
}

function copyNode(target) {
  const node = realpathSync(process.execPath);
  install(node, join(target, 'usr/bin/node'));
  const libraries = execFileSync('ldd', [node], { encoding: 'utf8' });
  for (const [, path] of libraries.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)) install(realpathSync(path), join(target, path));
}

function install(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}

async function bundleInstaller(folder) {
  await build({
    entryPoints: [join(root, 'cmd/berth-install/main.ts')],
    outfile: join(folder, 'berth-install.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv[2] ?? join(root, 'dist/image');
  const log = (line) => console.log(`image: ${line}`);
  await makeImageContext(folder, log).then(
    () => log(`${folder} is ready: docker build -t berth ${folder} (or podman build, or buildah bud)`),
    (error) => fail('image', error),
  );
}
