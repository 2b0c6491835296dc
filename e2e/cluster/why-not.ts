/** Whether the suites can run on a provider's cluster here. */
import { findProgram } from '../../cmd/dev/cluster/programs.ts';
import { ENGINE, whyNoEngine } from './kind/engine.ts';

const INSTEAD = 'Without --provider the suites start their own cluster of two nodes, which needs no container engine.';

/** Why not; undefined: they can. */
export async function whyNotOn(provider: string): Promise<string | undefined> {
  if (provider === 'own') return undefined;
  if (provider !== 'kind') return `--provider ${provider}: must be own or kind. ${INSTEAD}`;
  const why = await whyNoEngine();
  if (why !== undefined)
    return `--provider kind: kind needs a container engine that runs, and there is none here (${ENGINE}: ${why}). ${INSTEAD}`;
  if (findProgram('kind') === undefined) return `--provider kind: there is no kind here: npm run setup:cluster -- --all --kind. ${INSTEAD}`;
  return undefined;
}
