/** Two replicas at once: how often they want the same address. */
import type { ApiServer } from '../../support/api-server.ts';
import { adds, type Pod } from './bodies.ts';
import { block } from './block.ts';
import { empty, makePool, type Served, type Stage } from './stage.ts';

/** Each call goes to the other replica than the one before. */
export async function twoReplicas(stage: Stage, replicas: readonly Served[], pods: readonly Pod[]): Promise<void> {
  for (const replica of replicas) await empty(stage, replica);
  await makePool(stage, 'shared', '10.128.0.0/16', 'other');
  const before = await createsOf(stage.server);
  const bodies = [...adds(pods, 'x', { pools: ['shared'] }), ...adds(pods, 'y', { pools: ['shared'] })];
  const halves = replicas.map((replica, half) => block(replica, bodies.filter((_, index) => index % 2 === half), 16)); // prettier-ignore
  await Promise.all(halves);
  const after = await createsOf(stage.server);
  const conflicts = (after.conflicts - before.conflicts) / bodies.length;
  stage.bounds.push({ what: 'two replicas on one /16: conflicts an ADD', measured: conflicts * 100, most: 1, unit: ' %' });
}

/** As many addresses as callers, who all come at once, to both replicas. */
export async function exactFit(stage: Stage, replicas: readonly Served[], pods: readonly Pod[]): Promise<void> {
  for (const replica of replicas) await empty(stage, replica);
  await makePool(stage, 'exact', '10.200.0.0/25', 'exact', { reserved: [], subnet: '10.200.0.0/16' });
  const before = await createsOf(stage.server);
  const bodies = adds(pods.slice(0, 126), 'fit', { pools: ['exact'] });
  const halves = replicas.map((replica, half) => block(replica, bodies.filter((_, index) => index % 2 === half), 63)); // prettier-ignore
  const served = (await Promise.all(halves)).reduce((sum, { length }) => sum + length, 0);
  const after = await createsOf(stage.server);
  const tried = (after.conflicts + after.created - before.conflicts - before.created) / served;
  stage.bounds.push({ what: 'a pool that fits exactly: creates an address', measured: tried, most: 3 });
}

/** As the API server counts them. */
async function createsOf(server: ApiServer): Promise<{ readonly created: number; readonly conflicts: number }> {
  const { text } = await server.request('GET', '/metrics');
  const count = (code: string): number =>
    text
      .split('\n')
      .filter(
        (line) =>
          line.startsWith('apiserver_request_total{') &&
          line.includes('resource="addressbindings"') &&
          line.includes('verb="POST"') &&
          line.includes(`code="${code}"`),
      )
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  return { created: count('201'), conflicts: count('409') };
}
