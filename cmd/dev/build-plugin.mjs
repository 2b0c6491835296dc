/**
 * dist/berth: the plugin's bundle inside its native host (Rust). dist/berth-node: the same bundle on Node, which also
 * stands in as dist/berth where there is no cargo.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const crate = join(root, 'cmd/berth/host');
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'berth');
const run = promisify(execFile);

/** Returns { native }: whether dist/berth is the native one. */
export async function buildPlugin({ outDir = join(root, 'dist'), log = console.log } = {}) {
  mkdirSync(outDir, { recursive: true });
  const bundle = async (name, options) => {
    const { outputFiles } = await build({ ...options, write: false });
    install(join(outDir, name), outputFiles[0].contents, 0o644);
  };
  // What QuickJS and Node 20 both take. The engine reads the source at every start, so it is small.
  const common = { bundle: true, minify: true, charset: 'ascii', target: 'es2022', logLevel: 'warning', legalComments: 'none' };
  await bundle('berth.js', { ...common, entryPoints: [join(root, 'cmd/berth/main.ts')], format: 'iife' });
  const node = { platform: 'node', format: 'esm', external: ['./berth.js'] };
  await bundle('berth-node.mjs', { ...common, ...node, entryPoints: [join(root, 'cmd/berth/node.ts')] });
  install(join(outDir, 'berth-node'), launcher());
  const native = await findOrBuildNative(join(outDir, 'berth.js'), log);
  if (native === undefined) install(join(outDir, 'berth'), launcher());
  else install(join(outDir, 'berth'), readFileSync(native));
  return { native: native !== undefined };
}

/** By rename: a runtime may be executing the old file this very moment. */
function install(path, content, mode = 0o755) {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, content);
  chmodSync(fresh, mode);
  renameSync(fresh, path);
}

/** Only CNI_* passes to Node, whose own variables could make it run code; `cd /` because Node does not start in a deleted directory. */
function launcher() {
  const passed = ['COMMAND', 'CONTAINERID', 'NETNS', 'IFNAME', 'ARGS', 'PATH', 'NETNS_OVERRIDE'];
  const candidates = [
    '"$here/../node_modules/.bin/node"',
    `'${process.execPath.replaceAll("'", "'\\''")}'`,
    '/usr/local/bin/node',
    '/usr/bin/node',
  ];
  return `#!/bin/sh
# The plugin on Node, for machines without its native host. Made by cmd/dev/build-plugin.mjs.
(: 3>&1) 2>/dev/null || closed=output-is-closed
PATH=/usr/local/bin:/usr/bin:/bin
self=$(readlink -f "$0")
here=\${self%/*}
cd /
for node in ${candidates.join(' ')}; do
  [ -x "$node" ] && exec env -i ${passed.map((name) => `CNI_${name}="$CNI_${name}"`).join(' ')} "$node" "$here/berth-node.mjs" $closed
done
echo '{"cniVersion":"1.0.0","code":999,"msg":"neither the native plugin nor Node is installed on this machine"}'
exit 1
`;
}

/** The path of a native executable made of exactly these sources; undefined where it cannot be built. */
async function findOrBuildNative(bundle, log) {
  const cargo = findCargo();
  if (cargo === undefined || process.platform !== 'linux') return undefined;
  const { stdout: version } = await run(cargo, ['--version']);
  const sources = [
    'Cargo.toml',
    'Cargo.lock',
    ...readdirSync(join(crate, 'src'))
      .sort()
      .map((name) => `src/${name}`),
  ];
  const hash = createHash('sha256').update(version);
  for (const path of [bundle, ...sources.map((name) => join(crate, name))]) hash.update(readFileSync(path)).update('\0');
  const kept = join(cache, 'plugin', hash.digest('hex').slice(0, 32));
  const built = join(kept, 'berth');
  if (existsSync(built)) return built;
  mkdirSync(kept, { recursive: true });
  copyFileSync(bundle, join(kept, 'berth.js'));
  const target = join(cache, 'cargo');
  const env = {
    ...process.env,
    BERTH_BUNDLE: join(kept, 'berth.js'),
    CARGO_TARGET_DIR: target,
    RUSTFLAGS: '-C target-feature=+crt-static',
  };
  const options = { cwd: crate, env, maxBuffer: 16 << 20 };
  try {
    await run(cargo, ['fetch', '--locked'], options);
  } catch (error) {
    log(
      `the native host's crates cannot be fetched: ${String(error.stderr ?? error)
        .trim()
        .split('\n')
        .at(-1)}`,
    );
    return undefined;
  }
  log('compiling the native host (half a minute the first time)');
  try {
    await run(cargo, ['build', '--release', '--locked', '--offline'], options);
  } catch (error) {
    throw new Error(`the native host does not compile:\n${error.stderr ?? error}`, { cause: error });
  }
  install(built, readFileSync(join(target, 'release/berth')));
  return built;
}

function findCargo() {
  const places = [...(process.env['PATH'] ?? '').split(':'), join(homedir(), '.cargo/bin')];
  return places.map((place) => join(place, 'cargo')).find((path) => existsSync(path));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { native } = await buildPlugin();
  console.log(native ? 'dist/berth is native' : 'dist/berth runs on Node: no cargo here');
}
