/** kubectl and helm, from within the control plane's namespace: nobody else's network is touched. */
import { existsSync } from 'node:fs';
import { execute, type ExecuteOptions, type Finished } from '../../cmd/dev/execute.ts';
import { eventually } from '../../test/support/eventually.ts';
import { at, CONTROL_PLANE, kubeconfig, netnsPath, NODES, program } from './layout.ts';
import type { NodeName } from './layout.ts';

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

/** Whether there is a cluster. */
export const controlPlaneAnswers = async (): Promise<boolean> =>
  existsSync(netnsPath(CONTROL_PLANE)) && (await kubectl(['get', '--raw', '/readyz'])).code === 0;

/** What a client of the API server needs to know: its URL, and the CA in base64. */
export async function apiServer(): Promise<{ readonly server: string; readonly 'certificate-authority-data': string }> {
  const config = JSON.parse(await mustKubectl(['config', 'view', '--raw', '--flatten', '--minify', '-o', 'json'])) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  };
  return config.clusters[0].cluster;
}

export const addressOfNode = (node: NodeName): Promise<string> =>
  mustKubectl(['get', 'node', node, '-o', 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}']).then(
    (text) => text.split(' ')[0]!,
  );

export const nodesReady = (): Promise<unknown> =>
  eventually(
    async () => {
      const ready = 'jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
      const { stdout } = await kubectl(['get', 'nodes', '-o', ready]);
      return NODES.every((node) => stdout.split(' ').includes(`${node}=True`));
    },
    'all nodes to be Ready',
    120_000,
  );
