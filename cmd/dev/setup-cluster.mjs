/**
 * `npm run setup:cluster [-- --charts | --all] [--kind | --kind-image]`: fetches and builds a real API server for the
 * tests (kube-apiserver, etcd, kubectl), with --charts also helm and kubeconform, with --all all of what nodes are made
 * of, with --kind also kind, into a cache outside the checkout. With --kind-image it also makes a node image for kind,
 * for where there is no registry. Safe to run again: what is there is kept, a run that was cut off goes on where it
 * stopped (Go keeps what it compiled; a program appears in the cache by a rename, so never half). Needs Go, and root for
 * Debian's packages where they are missing; the first run takes about eight minutes of two cores for everything.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeKindImage } from './cluster/kind-image.ts';
import { linkerFlags, moduleText } from './cluster/module.ts';
import {
  API_SERVER,
  CHARTS,
  GO_PROGRAMS,
  KIND,
  KIND_IMAGE_PROGRAMS,
  KUBERNETES,
  NODE,
  OWN_MODULES,
  STAGING,
  cacheFolder,
  findProgram,
  goProgramFolder,
} from './cluster/programs.ts';
import { fail, stopwatch } from './steps.mjs';

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    charts: { type: 'boolean', default: false },
    kind: { type: 'boolean', default: false },
    'kind-image': { type: 'boolean', default: false },
  },
});
const cache = cacheFolder();
const log = (message) => console.log(`setup:cluster: ${message}`);

async function main() {
  const goPrograms = options.all
    ? Object.keys(GO_PROGRAMS).filter((name) => ![...KIND, ...KIND_IMAGE_PROGRAMS].includes(name))
    : options.charts
      ? CHARTS
      : [];
  const wanted = [
    ...API_SERVER,
    ...(options.all ? NODE : []),
    ...goPrograms,
    ...(options.kind || options['kind-image'] ? KIND : []),
    ...(options['kind-image'] ? KIND_IMAGE_PROGRAMS : []),
  ];
  const missing = wanted.filter((name) => findProgram(name) === undefined);
  if (findProgram('etcd') === undefined) await installEtcd();
  if (options.all) installForNodes();
  const own = missing.filter((name) => !(name in GO_PROGRAMS));
  if (own.length > 0) await buildAll(own);
  for (const name of missing.filter((name) => name in GO_PROGRAMS)) await installGoProgram(name);
  for (const name of ['etcd', ...wanted]) log(`${name.padEnd(23)} ${findProgram(name)}`);
  if (options['kind-image']) await makeNodeImage();
}

async function makeNodeImage() {
  if (!existsSync('/usr/bin/mmdebstrap')) aptInstall(['mmdebstrap'], 'make the image on a Debian');
  const image = await makeKindImage(log);
  log(`${image}: BERTH_KIND_IMAGE=${image} npm run e2e -- --provider kind`);
}

async function buildAll(names) {
  const go = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (go.error)
    throw new Error(
      'Go is needed to build Kubernetes and is not in PATH; or point KUBEBUILDER_ASSETS at a folder with kube-apiserver, etcd and kubectl',
    );
  log(`building ${names.join(', ')} ${KUBERNETES} (${go.stdout.trim()})`);
  const module = await prepareModule();
  mkdirSync(join(cache, 'bin'), { recursive: true });
  for (const [index, name] of names.entries()) {
    const seconds = stopwatch();
    log(`${index + 1} of ${names.length}: ${name} …`);
    const target = join(cache, 'bin', name);
    const unfinished = `${target}.${process.pid}`;
    const args = ['build', '-mod=mod', '-trimpath', '-ldflags', linkerFlags(KUBERNETES), '-o', unfinished, `k8s.io/kubernetes/cmd/${name}`];
    try {
      await runGo(args, module, 'inherit');
      renameSync(unfinished, target);
    } finally {
      rmSync(unfinished, { force: true });
    }
    log(`${index + 1} of ${names.length}: ${name} in ${Math.round(seconds())} s`);
  }
}

async function installGoProgram(name) {
  const seconds = stopwatch();
  log(`${GO_PROGRAMS[name]} …`);
  const folder = goProgramFolder(name);
  mkdirSync(folder, { recursive: true });
  if (ownModuleOf(name) !== undefined) await buildInOwnModule(name, folder);
  else await runGo(['install', '-trimpath', '-ldflags', '-s -w', GO_PROGRAMS[name]], cache, 'inherit', { GOBIN: folder });
  log(`${name} in ${Math.round(seconds())} s`);
}

const ownModuleOf = (name) => OWN_MODULES.find((module) => GO_PROGRAMS[name].startsWith(module));

async function buildInOwnModule(name, folder) {
  const [path, version] = GO_PROGRAMS[name].split('@');
  const module = join(folder, 'module');
  mkdirSync(module, { recursive: true });
  writeFileSync(join(module, 'go.mod'), `module berth-ipam.dev/${name}\n\nrequire ${ownModuleOf(name)} ${version}\n`);
  const unfinished = join(folder, `.${name}.${process.pid}`);
  await runGo(['build', '-mod=mod', '-trimpath', '-ldflags', '-s -w', '-o', unfinished, path], module, 'inherit');
  renameSync(unfinished, join(folder, name));
}

/** The folder of the module that requires Kubernetes; made once. */
async function prepareModule() {
  const folder = join(cache, 'module');
  const file = join(folder, 'go.mod');
  if (existsSync(file)) return folder;
  mkdirSync(folder, { recursive: true });
  log(`fetching k8s.io/kubernetes v${KUBERNETES}`);
  const downloaded = JSON.parse(await runGo(['mod', 'download', '-json', `k8s.io/kubernetes@v${KUBERNETES}`], cache));
  writeFileSync(`${file}.${process.pid}`, moduleText(readFileSync(downloaded.GoMod, 'utf8'), KUBERNETES, STAGING));
  renameSync(`${file}.${process.pid}`, file);
  return folder;
}

/** Runs `go`; resolves to what it wrote on standard output, or '' where that is passed on. */
function runGo(args, cwd, stdout = 'pipe', more = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', ...more },
      stdio: ['ignore', stdout, 'inherit'],
    });
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(text)
        : reject(new Error(`\`go ${args[0]}\` failed; its own messages are above${text === '' ? '' : `: ${text.trim()}`}`)),
    );
  });
}

/** Debian's, under the nodes: by the program that is looked for. */
const NODE_PACKAGES = {
  runc: 'runc',
  busybox: 'busybox-static',
  buildah: 'buildah',
  nft: 'nftables',
  conntrack: 'conntrack',
  ping: 'iputils-ping',
  ip: 'iproute2',
  sysctl: 'procps',
  'bridge@cni': 'containernetworking-plugins',
};

async function installEtcd() {
  aptInstall(['etcd-server'], 'point KUBEBUILDER_ASSETS at a folder that has etcd');
}

function installForNodes() {
  const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const isThere = (name) =>
    (name === 'bridge@cni' ? ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'] : folders.map((folder) => join(folder, name))).some(existsSync);
  const missing = Object.entries(NODE_PACKAGES).filter(([name]) => !isThere(name));
  if (missing.length > 0)
    aptInstall(
      missing.map(([, name]) => name),
      'install them as your system does',
    );
}

function aptInstall(packages, otherwise) {
  const how = `install ${packages.join(', ')} (Debian: apt-get install), or ${otherwise}`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(`something is missing here: ${how}`);
  log(`installing Debian’s ${packages.join(', ')}`);
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['-q', 'update'], options);
  const { status } = spawnSync('apt-get', ['-q', 'install', '-y', '--no-install-recommends', ...packages], options);
  if (status !== 0) throw new Error(`apt-get could not install everything: ${how}`);
}

await main().catch((error) => fail('setup:cluster', error));
