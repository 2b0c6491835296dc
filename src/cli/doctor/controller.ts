/** Does the controller answer, is it ready, and is what it keeps in order? */
import type { Backend } from '../../client/backend.ts';
import type { Endpoint } from '../../client/endpoint.ts';
import { RefusedError, UnreachableError } from '../../client/errors.ts';
import type { AddressPool, Stats } from '../../protocol.ts';
import { VERSION } from '../../version.ts';
import { formatUse } from '../print-pools.ts';
import { count } from '../text.ts';
import type { Files } from '../world.ts';
import { codeOf, ok, problem, warning, type Diagnosis } from './diagnosis.ts';

export async function checkSocket(files: Files, { socketPath }: Endpoint): Promise<Diagnosis> {
  try {
    const { kind, mode } = await files.facts(socketPath);
    if (kind !== 'socket')
      return problem(
        'socket',
        `${socketPath} is a ${kind}, not a socket`,
        'name another with --controller, or remove it and restart the controller',
      );
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    if (!(await files.mayAccess(socketPath, 'write'))) {
      return problem(
        'socket',
        `${socketPath} (mode ${octal}) is not yours to use`,
        "run as the controller's user, or start the controller with another --socket-mode",
      );
    }
    if ((mode & 0o002) !== 0) {
      return warning(
        'socket',
        `${socketPath} (mode ${octal}) may be used by everybody on this machine`,
        'start the controller with --socket-mode 0600 or 0660',
      );
    }
    return ok('socket', `${socketPath} (mode ${octal})`);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT')
      return problem(
        'socket',
        `${socketPath} is not there`,
        'start berth-controller, or say where it listens with --controller or BERTH_CONTROLLER',
      );
    return problem('socket', `${socketPath} cannot be looked at (${code})`, 'run as a user that may read that directory');
  }
}

export async function checkController(client: Backend): Promise<Diagnosis[]> {
  try {
    const { version, store } = await client.version();
    const { ready, detail } = await client.readiness();
    const sameVersion =
      version === VERSION
        ? ok('controller', `version ${version}, store ${store}`)
        : warning('controller', `version ${version}, berthctl is ${VERSION}`, 'install the same version of both');
    const readiness = ready
      ? ok('readiness', 'ready')
      : problem('readiness', `not ready${detail ? `: ${detail}` : ''}`, "wait a moment; then read the controller's log");
    return [sameVersion, readiness];
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof RefusedError)) throw error;
    return [problem('controller', error.message, 'is berth-controller running? See its log')];
  }
}

/** In a cluster no controller is asked; one that leads renews its Lease every two seconds. */
export async function checkCluster(client: Backend): Promise<Diagnosis[]> {
  try {
    const { ready, detail } = await client.readiness();
    return [
      ok('cluster', 'its custom resources can be read'),
      ready
        ? ok('controllers', detail === '' ? 'one leads' : detail)
        : problem('controllers', detail, 'are they running? kubectl get pods -A -l app.kubernetes.io/name=berth; then read the log'),
    ];
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof RefusedError)) throw error;
    return [problem('cluster', error.message, 'see whether kubectl get addresspools works')];
  }
}

export async function checkPools(client: Backend): Promise<Diagnosis[]> {
  const [{ items }, { pools }] = await Promise.all([client.listPools(), client.stats()]);
  if (items.length === 0) return [warning('pools', 'there is none', 'make one: berthctl pool create NAME 10.0.0.0/24 --default')];
  const noDefault = items.some(({ spec }) => spec.default) ? [] : [ok('pools', 'none is a default pool: whoever asks has to name one')];
  return [...noDefault, ...pools.map((pool) => checkPool(pool, items))];
}

const NEARLY_FULL_PERCENT = 90n;

function checkPool(pool: Stats['pools'][number], items: readonly AddressPool[]): Diagnosis {
  const subject = `pool ${pool.pool}`;
  const use = `${formatUse(pool)} used, ${pool.available} free`;
  const usable = BigInt(pool.total) - BigInt(pool.reserved);
  const state = items.find(({ metadata }) => metadata.name === pool.pool)?.spec.state ?? 'Active';
  if (state !== 'Active') return warning(subject, `${state}: gives out nothing new (${use})`, `berthctl pool resume ${pool.pool}`);
  if (usable > 0n && BigInt(pool.allocated) === usable)
    return problem(
      subject,
      `full: ${pool.allocated} of ${usable} held`,
      'add a range or another pool, or release what nobody needs: berthctl binding list --pool ' + pool.pool,
    );
  if (usable > 0n && BigInt(pool.allocated) * 100n >= usable * NEARLY_FULL_PERCENT)
    return warning(subject, `nearly full: ${use}`, 'add a range or another pool while there is time');
  return ok(subject, use);
}

export async function checkStore(client: Backend): Promise<Diagnosis> {
  const { findings, checked } = await client.checkStore({});
  const size = `${count(checked.pools, 'pool')}, ${count(checked.bindings, 'binding')}`;
  return findings.length === 0
    ? ok('store', `${size}: nothing wrong`)
    : warning('store', `${size}: ${count(findings.length, 'finding')}`, 'see them with: berthctl check');
}
