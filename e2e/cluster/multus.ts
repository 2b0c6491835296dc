/**
 * Multus as its own manifests install it, but for what a registry would be needed for: thin is an executable and a
 * network list on each node, thick a DaemonSet with the limits of its manifest.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { buildImage } from './images.ts';
import { apiServer, apply, mustKubectl } from './kubectl.ts';
import { at, NODES, program } from './layout.ts';
import { importImage, installOnNode, onNode, writeOnNode } from './node.ts';
import { OWN_LIST } from './node-files.ts';

const NAMESPACE = 'kube-system';
const MULTUS_LIST = '/etc/cni/net.d/00-multus.conf';
const KUBECONFIG = '/etc/cni/net.d/multus.d/multus.kubeconfig';
const IMAGE = 'docker.io/local/multus-daemon:e2e';

const NETWORKS: object = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'network-attachment-definitions.k8s.cni.cncf.io' },
  spec: {
    group: 'k8s.cni.cncf.io',
    scope: 'Namespaced',
    names: { plural: 'network-attachment-definitions', singular: 'network-attachment-definition', kind: 'NetworkAttachmentDefinition' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { config: { type: 'string' } } } },
          },
        },
      },
    ],
  },
};

const RIGHTS: readonly object[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'multus', namespace: NAMESPACE } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'multus' },
    rules: [
      { apiGroups: ['k8s.cni.cncf.io'], resources: ['*'], verbs: ['*'] },
      { apiGroups: [''], resources: ['pods', 'pods/status'], verbs: ['get', 'list', 'update', 'watch'] },
      { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'multus' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'multus' },
    subjects: [{ kind: 'ServiceAccount', name: 'multus', namespace: NAMESPACE }],
  },
];

/** The network of docs/multus.md, which pods name in an annotation: a second interface, with addresses of the pool `second`. */
export function attachment(namespace: string): object {
  const page = readFileSync(join(import.meta.dirname, '../../docs/multus.md'), 'utf8');
  const definition = parse(/^```yaml\n([^]*?)^```$/m.exec(page)![1]!) as { metadata: object };
  return { ...definition, metadata: { ...definition.metadata, namespace } };
}

export async function installThin(): Promise<void> {
  await apply(NETWORKS, ...RIGHTS);
  await mustKubectl(['wait', '--for=condition=Established', 'crd/network-attachment-definitions.k8s.cni.cncf.io', '--timeout=30s']);
  const token = (await mustKubectl(['create', 'token', 'multus', '-n', NAMESPACE, '--duration=2h'])).trim();
  const config = {
    cniVersion: '1.0.0',
    name: 'multus-cni-network',
    type: 'multus',
    kubeconfig: KUBECONFIG,
    clusterNetwork: OWN_LIST,
  };
  const kubeconfig = kubeconfigOf(await apiServer(), token);
  for (const node of NODES) {
    await installOnNode(node, program('multus'), '/opt/cni/bin/multus');
    await writeOnNode(node, KUBECONFIG, kubeconfig);
    await writeOnNode(node, MULTUS_LIST, JSON.stringify(config));
  }
}

const kubeconfigOf = (cluster: object, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'here', cluster }],
    users: [{ name: 'multus', user: { token } }],
    contexts: [{ name: 'multus', context: { cluster: 'here', user: 'multus' } }],
    'current-context': 'multus',
  });

/** The daemon writes the nodes' network list by itself. Its limits are those of its manifest. */
export async function installThick(): Promise<void> {
  await apply(NETWORKS, ...RIGHTS);
  const archive = await buildDaemonImage();
  await importImage(archive);
  for (const node of NODES) await installOnNode(node, program('multus-shim'), '/opt/cni/bin/multus-shim');
  await apply(DAEMON_CONFIG, DAEMON);
  await mustKubectl(['rollout', 'status', 'daemonset/kube-multus-ds', '-n', NAMESPACE, '--timeout=120s'], { deadlineSeconds: 130 });
}

async function buildDaemonImage(): Promise<string> {
  const context = at('images/multus');
  const root = join(context, 'root');
  rmSync(context, { recursive: true, force: true });
  for (const folder of ['etc', 'var', 'run']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/sbin/nologin\n');
  symlinkSync('/run', join(root, 'var/run')); // where the runtime says that a network namespace is
  copyFileSync(program('multus-daemon'), join(root, 'multus-daemon'));
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY root/ /\n');
  const archive = at('images/multus.tar');
  await buildImage(context, IMAGE, archive);
  return archive;
}

const DAEMON_CONFIG: object = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'multus-daemon-config', namespace: NAMESPACE },
  data: {
    'daemon-config.json': JSON.stringify({
      chrootDir: '/hostroot',
      cniVersion: '0.3.1',
      logLevel: 'verbose',
      logToStderr: true,
      cniConfigDir: '/host/etc/cni/net.d',
      multusAutoconfigDir: '/host/etc/cni/net.d',
      multusConfigFile: 'auto',
      socketDir: '/host/run/multus/',
    }),
  },
};

/** Name, the path on the host, the path in the container, whether what is mounted on the host later is seen. */
const MOUNTS: readonly (readonly [string, string, string, boolean?])[] = [
  ['cni', '/etc/cni/net.d', '/host/etc/cni/net.d'],
  ['cnibin', '/opt/cni/bin', '/opt/cni/bin'],
  ['host-run', '/run', '/host/run'],
  ['host-var-lib-cni-multus', '/var/lib/cni/multus', '/var/lib/cni/multus'],
  ['host-var-lib-kubelet', '/var/lib/kubelet', '/var/lib/kubelet', true],
  ['host-run-k8s-cni-cncf-io', '/run/k8s.cni.cncf.io', '/run/k8s.cni.cncf.io'],
  ['host-run-netns', '/run/netns', '/run/netns', true],
  ['hostroot', '/', '/hostroot', true],
];

const NOT_A_CONTROL_PLANE = { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }] };

export const DEFAULT_LIMITS = { cpu: '100m', memory: '50Mi' } as const;

const DAEMON: object = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-multus-ds', namespace: NAMESPACE },
  spec: {
    selector: { matchLabels: { name: 'multus' } },
    template: {
      metadata: { labels: { name: 'multus' } },
      spec: {
        hostNetwork: true,
        hostPID: true,
        serviceAccountName: 'multus',
        tolerations: [{ operator: 'Exists' }],
        // Where there is one among the nodes, it has no shim.
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [NOT_A_CONTROL_PLANE] } } },
        terminationGracePeriodSeconds: 10,
        containers: [
          {
            name: 'kube-multus',
            image: IMAGE,
            imagePullPolicy: 'Never',
            command: ['/multus-daemon'],
            resources: { requests: DEFAULT_LIMITS, limits: DEFAULT_LIMITS },
            securityContext: { privileged: true },
            env: [{ name: 'MULTUS_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
            volumeMounts: [
              ...MOUNTS.map(([name, , mountPath, later]) => ({ name, mountPath, ...(later && { mountPropagation: 'HostToContainer' }) })),
              { name: 'multus-daemon-config', mountPath: '/etc/cni/net.d/multus.d', readOnly: true },
            ],
          },
        ],
        volumes: [
          ...MOUNTS.map(([name, path]) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' } })),
          { name: 'multus-daemon-config', configMap: { name: 'multus-daemon-config' } },
        ],
      },
    },
  },
};

export async function removeMultus(): Promise<void> {
  await mustKubectl(['delete', 'daemonset', 'kube-multus-ds', '-n', NAMESPACE, '--ignore-not-found', '--timeout=60s']);
  for (const node of NODES)
    await onNode(node, ['sh', '-c', `rm -rf ${MULTUS_LIST} ${join(KUBECONFIG, '..')} /opt/cni/bin/multus /opt/cni/bin/multus-shim`]);
}
