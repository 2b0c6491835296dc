/** Whether a controller leads: its Lease is renewed every two seconds. No clocks are compared: two reads differ. */
import type { Timers } from '../../core/clock.ts';
import { RefusedError } from '../../client/errors.ts';
import type { Client } from '../../kubernetes/client.ts';
import { LEASES, type KubernetesObject } from '../../kubernetes/objects.ts';
import type { ApiAnswer } from '../../kubernetes/status.ts';

interface Lease extends KubernetesObject {
  readonly spec?: { readonly holderIdentity?: string; readonly renewTime?: string };
}

const LEASE = 'berth-controller';
const LOOK_EVERY_MS = 500;
/** Two renewals may be missed by a busy server. */
const PATIENCE_MS = 6_000;

/** `ready` also where nobody may look. */
export async function findLeader(
  client: Client,
  timers: Timers,
  namespace: string,
): Promise<{ readonly ready: boolean; readonly detail: string }> {
  const read = (): Promise<ApiAnswer<Lease>> => client.get<Lease>(LEASES, { namespace, name: LEASE });
  try {
    const first = await read();
    if (!first.ok) return { ready: false, detail: `none has ever led: there is no Lease ${LEASE} in namespace ${namespace}` };
    const { holderIdentity = '', renewTime } = first.value.spec ?? {};
    for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_EVERY_MS) {
      await new Promise<void>((resolve) => timers.after(LOOK_EVERY_MS, resolve));
      const again = await read();
      if (again.ok && again.value.spec?.renewTime !== renewTime)
        return { ready: true, detail: `${again.value.spec?.holderIdentity ?? ''} leads` };
    }
    return { ready: false, detail: `none leads: ${holderIdentity || 'nobody'} holds the Lease ${LEASE} and does not renew it` };
  } catch (error) {
    if (!(error instanceof RefusedError) || error.problem.reason !== 'NotAllowed') throw error;
    return { ready: true, detail: `whether one leads may not be seen (${error.problem.detail.split(':', 1)[0]})` };
  }
}
