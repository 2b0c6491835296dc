/**
 * Makes the checkout runnable: installs the packages of package-lock.json and finds a Node that runs the code.
 * Called before every other script, so it does nothing, quickly, when nothing is to be done. Plain JavaScript of
 * Node 14 without a dependency: it runs before there is anything else.
 *
 * npm keeps node_modules/.package-lock.json in step with what it installed; comparing it with package-lock.json
 * needs no stamp of our own and also sees a branch that was switched or an install that was cut off.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const WANTED = [24, 15];

export function setUp(log = console.log) {
  const missing = missingPackages(readJson('package-lock.json'), readJson('node_modules/.package-lock.json'));
  if (missing.length > 0) install(missing, log);
  checkNode(log);
}

/** Names of packages that are not installed as locked; those of other platforms are not missed. */
export function missingPackages(locked, installed, platform = process.platform, arch = process.arch) {
  if (locked === undefined) throw new Problem('package-lock.json is not there or broken: check the file out again');
  const present = (installed || {}).packages || {};
  return Object.keys(locked.packages).filter((path) => {
    const wanted = locked.packages[path];
    if (path === '' || wanted.link || !suits(wanted, platform, arch)) return false;
    const found = present[path];
    // Optional and for no platform in particular: npm leaves it out where only packages of other platforms ask for it.
    if (found === undefined && wanted.optional && !wanted.os && !wanted.cpu) return false;
    return found === undefined || found.version !== wanted.version || found.integrity !== wanted.integrity || !existsSync(join(root, path));
  });
}

function suits(entry, platform, arch) {
  if (entry.libc && platform === 'linux' && !entry.libc.includes(libc())) return false;
  return (!entry.os || entry.os.includes(platform)) && (!entry.cpu || entry.cpu.includes(arch));
}

function libc() {
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}

function install(missing, log) {
  const shown = missing.slice(0, 3).map((path) => path.replace(/^node_modules\//, ''));
  log(`setup: installing packages (${missing.length} not as locked: ${shown.join(', ')}${missing.length > 3 ? ', …' : ''})`);
  // Within `npm test` npm's own settings are in the environment; the inner npm must not take the outer command for its own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(lifecycle|command|package)/.test(name)));
  const npm = process.env.npm_execpath;
  // Some packages are for the pinned Node, which comes with them, and not for the host's: npm warns of each, or refuses.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', '--loglevel=error'];
  const command = npm && /\.c?js$/.test(npm) ? [process.execPath, npm, ...args] : ['npm', ...args];
  const started = Date.now();
  const result = spawnSync(command[0], command.slice(1), { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) throw new Problem(`npm could not be started (${result.error.message}): install npm 8 or newer`);
  if (result.status !== 0) throw new Problem('`npm ci` failed; its own messages are above. Is the package registry in reach?');
  log(`setup: packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** node_modules/.bin/node comes from the lockfile where there is one for the platform; else the host's Node must do. */
function checkNode(log) {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(pinned)) {
    const reason = whyNotRunning(pinned);
    if (reason === undefined) return;
    log(`setup: the pinned Node does not run here: ${reason}`);
    log('setup: it needs glibc 2.28 or newer, libatomic1 and libstdc++6 (Debian: apt-get install libatomic1 libstdc++6)');
    unlinkSync(pinned); // else npm puts it first in PATH and no script would start
  }
  const [major, minor] = hostVersion();
  if (major > WANTED[0] || (major === WANTED[0] && minor >= WANTED[1])) return;
  throw new Problem(
    `there is no pinned Node for this platform (${process.platform}/${process.arch}), and the host's is ${major}.${minor}: ` +
      `install Node ${WANTED.join('.')} or newer, or what the pinned one needs (then: rm -r node_modules)`,
  );
}

function hostVersion() {
  return process.versions.node.split('.').map(Number);
}

function whyNotRunning(executable) {
  try {
    execFileSync(executable, ['--version'], { stdio: ['ignore', 'ignore', 'pipe'] });
    return undefined;
  } catch (error) {
    return String(error.stderr || error.message).trim();
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

class Problem extends Error {}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    setUp();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(`setup: ${error.message}`);
    process.exit(1);
  }
}
