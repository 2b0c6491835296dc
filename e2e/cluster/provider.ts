/** Whose cluster the suites run on. There is one: their own, of processes in namespaces. */
import { execute } from '../../cmd/dev/execute.ts';

/** Why the suites cannot run on this provider's cluster here; undefined: they can. */
export async function whyNotOn(provider: string): Promise<string | undefined> {
  if (provider === 'own') return undefined;
  const instead = 'Without --provider the suites start their own cluster of two nodes, which needs no container engine.';
  if (provider !== 'kind') return `--provider ${provider}: must be own or kind. ${instead}`;
  const answers = await Promise.all(['docker', 'podman'].map(async (engine) => [engine, await whyNoEngine(engine)] as const));
  const reasons = answers.map(([engine, why]) => `${engine}: ${why ?? 'runs'}`).join('; ');
  return answers.some(([, why]) => why === undefined)
    ? `--provider kind: there is an engine (${reasons}), but the suites cannot reach kind's nodes yet: they enter namespaces. ${instead}`
    : `--provider kind: kind needs a container engine that runs, and there is none here (${reasons}). ${instead}`;
}

async function whyNoEngine(engine: string): Promise<string | undefined> {
  try {
    const { code, stderr } = await execute(engine, ['info'], { deadlineSeconds: 20 });
    return code === 0 ? undefined : stderr.trim().split('\n').at(-1) || `exit code ${code}`;
  } catch {
    return 'not installed';
  }
}
