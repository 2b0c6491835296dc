import { eventually } from '../../test/support/eventually.ts';
import { apply, mustKubectl } from '../cluster/kubectl.ts';
import { list, pods, whenReady } from './cluster.ts';
import { deployment } from './objects.ts';

/** Pods start and end in a namespace of their own, two at a time, until it is told to stop; each becomes Ready. Returns the rounds. */
export async function churn(ns: string, until: () => boolean): Promise<number> {
  let rounds = 0;
  do {
    rounds += 1;
    await apply(deployment(ns, `round-${rounds}`, 2, { graceSeconds: 1 }));
    await whenReady(ns, 2, 180_000);
    await mustKubectl(['delete', 'deployment', `round-${rounds}`, '-n', ns]);
    await eventually(async () => (await pods(ns)).length === 0, 'the round to be gone', 90_000);
  } while (!until());
  return rounds;
}

/** What the kubelets said where a sandbox could not be made. */
export const sandboxFailures = async (ns: string): Promise<string[]> =>
  (await list<{ readonly reason: string; readonly message: string }>('events', '-n', ns))
    .filter(({ reason }) => reason === 'FailedCreatePodSandBox')
    .map(({ message }) => message);
