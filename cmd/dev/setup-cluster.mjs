/**
 * `npm run setup:cluster [-- --all]`: fetches and builds a real API server for the tests (kube-apiserver, etcd,
 * kubectl), with --all also the node programs, into a cache outside the checkout. Safe to run again: what is there
 * is kept, a run that was cut off goes on where it stopped (Go keeps what it compiled; a program appears in the
 * cache by a rename, so never half). Needs Go, and root for Debian's etcd where there is none; the first run takes
 * about eight minutes of two cores for everything.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { linkerFlags, moduleText } from './cluster/module.ts';
import { API_SERVER, KUBERNETES, NODE, STAGING, cacheFolder, findProgram } from './cluster/programs.ts';
import { fail, stopwatch } from './steps.mjs';

const { values: options } = parseArgs({ options: { all: { type: 'boolean', default: false } } });
const cache = cacheFolder();
const log = (message) => console.log(`setup:cluster: ${message}`);

async function main() {
  const wanted = options.all ? [...API_SERVER, ...NODE] : API_SERVER;
  const missing = wanted.filter((name) => findProgram(name) === undefined);
  if (findProgram('etcd') === undefined) await installEtcd();
  if (missing.length > 0) await buildAll(missing);
  for (const name of ['etcd', ...wanted]) log(`${name.padEnd(23)} ${findProgram(name)}`);
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
function runGo(args, cwd, stdout = 'pipe') {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, { cwd, env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' }, stdio: ['ignore', stdout, 'inherit'] });
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

async function installEtcd() {
  const installed = 'install etcd (Debian: apt-get install etcd-server), or point KUBEBUILDER_ASSETS at a folder that has it';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(`there is no etcd in PATH: ${installed}`);
  log('installing Debian’s etcd-server');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['-q', 'update'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  const result = spawnSync('apt-get', ['-q', 'install', '-y', '--no-install-recommends', 'etcd-server'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
  if (result.status !== 0 || findProgram('etcd') === undefined) throw new Error(`etcd-server could not be installed: ${installed}`);
}

await main().catch((error) => fail('setup:cluster', error));
