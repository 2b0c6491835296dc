/** kubectl and helm, from within the control plane's namespace: nobody else's network is touched. */
import { execute, type ExecuteOptions, type Finished } from '../../cmd/dev/execute.ts';
import { at, CONTROL_PLANE, kubeconfig, netnsPath, program } from './layout.ts';

export function inControlPlane(name: string, args: readonly string[], options: ExecuteOptions = {}): Promise<Finished> {
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig('admin'),
    HELM_CACHE_HOME: at('helm/cache'),
    HELM_CONFIG_HOME: at('helm/config'),
    HELM_DATA_HOME: at('helm/data'),
    ...options.env,
  };
  return execute('nsenter', [`--net=${netnsPath(CONTROL_PLANE)}`, program(name), ...args], { ...options, env });
}

export const kubectl = (args: readonly string[], options?: ExecuteOptions): Promise<Finished> => inControlPlane('kubectl', args, options);

/** For what must not fail; its output. */
export async function mustKubectl(args: readonly string[], options?: ExecuteOptions): Promise<string> {
  const { code, stdout, stderr } = await kubectl(args, options);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

export async function mustHelm(args: readonly string[], deadlineSeconds = 300): Promise<string> {
  const { code, stdout, stderr } = await inControlPlane('helm', args, { deadlineSeconds });
  if (code !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

export const apply = (...objects: object[]): Promise<string> =>
  mustKubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) });
