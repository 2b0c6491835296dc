/** This machine: the plugin's executable, the network configurations that use it, and its spool. */
import { isFields } from '../../client/check-answer.ts';
import { count } from '../text.ts';
import type { Files } from '../world.ts';
import { codeOf, ok, problem, warning, type Diagnosis } from './diagnosis.ts';

/** Where runtimes look: CNI's own, Debian's, Fedora's. */
export const USUAL_BIN_DIRECTORIES = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];
export const USUAL_CONF_DIRECTORY = '/etc/cni/net.d';
export const USUAL_SPOOL_DIRECTORY = '/var/lib/berth/spool';

export async function checkPlugin(files: Files, directories: readonly string[]): Promise<Diagnosis> {
  for (const directory of directories) {
    const path = `${directory}/berth`;
    try {
      const { kind, mode } = await files.facts(path);
      if (kind !== 'file' || (mode & 0o111) === 0)
        return problem('plugin', `${path} is not an executable file`, 'install dist/berth there with mode 0755');
      if ((mode & 0o022) !== 0) return problem('plugin', `${path} may be changed by others than its owner`, `chmod 0755 ${path}`);
      return ok('plugin', path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') return problem('plugin', `${path} cannot be looked at (${codeOf(error)})`, 'run as root');
    }
  }
  return warning(
    'plugin',
    `no berth in ${directories.join(', ')}`,
    'for containers: copy dist/berth into the directory your runtime looks in (not needed for VMs and MACs)',
  );
}

/** Each configuration that delegates to berth, and whether the pools it names exist. `pools` is undefined where they are not known. */
export async function checkConfigurations(files: Files, directory: string, pools: readonly string[] | undefined): Promise<Diagnosis[]> {
  let names: readonly string[];
  try {
    names = (await files.list(directory)).filter((name) => /\.(conf|conflist|json)$/.test(name)).sort();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return [problem('network', `${directory} cannot be read (${codeOf(error)})`, 'run as root')];
    names = [];
  }
  const found = (await Promise.all(names.map((name) => checkConfiguration(files, `${directory}/${name}`, pools)))).flat();
  return found.length > 0
    ? found
    : [
        warning(
          'network',
          `nothing in ${directory} uses berth`,
          'for containers: give a network "ipam": {"type": "berth"} (not needed for VMs and MACs)',
        ),
      ];
}

async function checkConfiguration(files: Files, path: string, pools: readonly string[] | undefined): Promise<Diagnosis[]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await files.readText(path));
  } catch (error) {
    return [
      problem(
        'network',
        `${path} ${error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${codeOf(error)})`}`,
        'the runtime will refuse it too: mend or remove it',
      ),
    ];
  }
  const plugins = isFields(parsed) && Array.isArray(parsed['plugins']) ? parsed['plugins'] : [parsed];
  const ipams = plugins.flatMap((plugin) =>
    isFields(plugin) && isFields(plugin['ipam']) && plugin['ipam']['type'] === 'berth' ? [plugin['ipam']] : [],
  );
  return ipams.map((ipam) => {
    const named = Array.isArray(ipam['pools']) ? ipam['pools'].flat().map(String) : [];
    const unknown = pools === undefined ? [] : named.filter((name) => !pools.includes(name));
    if (unknown.length > 0)
      return problem(
        'network',
        `${path} names ${unknown.join(', ')}, which the controller does not have`,
        'apply that pool, or name another',
      );
    return ok('network', `${path} uses ${named.length === 0 ? 'the default pools' : `pool ${named.join(', ')}`}`);
  });
}

export async function checkSpool(files: Files, directory: string): Promise<Diagnosis> {
  try {
    const waiting = (await files.list(directory)).filter((name) => name.endsWith('.json') && !name.startsWith('.')).length;
    if (!(await files.mayAccess(directory, 'write')))
      return problem(
        'spool',
        `${directory} is not writable`,
        'the plugin must be able to keep deletions there while the controller is away',
      );
    return waiting === 0
      ? ok('spool', `${directory}: nothing waits`)
      : warning(
          'spool',
          `${directory}: ${count(waiting, 'deletion')} not delivered yet`,
          'the next call of the plugin delivers them, once the controller answers',
        );
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ok('spool', `${directory} is not there yet: nothing was ever kept`);
    return problem('spool', `${directory} cannot be read (${codeOf(error)})`, 'run as root');
  }
}
