/** What kind and kubeadm are told. JSON is YAML. */
import { dirname } from 'node:path';
import { at, NAME, NODES, PREFIX4, PREFIX6, SERVICES } from '../layout.ts';
import type { NodeName } from '../layout.ts';
import { HOST_LOCAL_LIST, HOST_LOCAL_RUNTIME } from '../node-files.ts';

/** As kind names its containers. */
export const CONTROL_PLANE_MACHINE = `${NAME}-control-plane`;
export const containerOf = (machine: string): string =>
  machine === CONTROL_PLANE_MACHINE ? machine : `${NAME}-worker${machine === NODES[0] ? '' : NODES.indexOf(machine as NodeName) + 1}`;

const KUBELET: object = {
  kind: 'KubeletConfiguration',
  maxPods: 250,
  // Shortened: the suites wait for what follows from it.
  nodeLeaseDurationSeconds: 8,
  nodeStatusUpdateFrequency: '2s',
  nodeStatusReportFrequency: '10s',
  syncFrequency: '10s',
  // A machine with cgroup v2 does not ask.
  failCgroupV1: false,
};

const CLUSTER: object = {
  kind: 'ClusterConfiguration',
  // It would be pods with addresses that no suite has asked for.
  dns: { disabled: true },
  controllerManager: {
    extraArgs: [
      { name: 'node-monitor-grace-period', value: '10s' },
      { name: 'node-monitor-period', value: '2s' },
      { name: 'allocate-node-cidrs', value: 'false' },
    ],
  },
};

/** Another runtime whose pods have addresses of host-local. Of the two the one whose version is that of the node's file counts. */
const RUNTIMES: readonly string[] = (
  [
    [2, 'io.containerd.grpc.v1.cri'],
    [3, 'io.containerd.cri.v1.runtime'],
  ] as const
).map(
  ([version, plugin]) => `version = ${version}
[plugins."${plugin}".containerd.runtimes.${HOST_LOCAL_RUNTIME}]
  runtime_type = "io.containerd.runc.v2"
  base_runtime_spec = "/etc/containerd/cri-base.json"
  cni_conf_dir = "${dirname(HOST_LOCAL_LIST)}"
[plugins."${plugin}".containerd.runtimes.${HOST_LOCAL_RUNTIME}.options]
  SystemdCgroup = true
`,
);

export const BOOT_ID_UNIT = at('kind/boot-id.conf');

/**
 * Containers of one machine show one boot id, and keep it when they are started again. Whatever comes first of the two
 * programs that read it, or start what reads it, gives the node another one for as long as its /run lives.
 */
export const BOOT_ID_TEXT = `[Service]
ExecStartPre=/bin/sh -ec '( flock 9; [ -e /run/boot-id ] || { cat /proc/sys/kernel/random/uuid >/run/boot-id; mount --bind /run/boot-id /proc/sys/kernel/random/boot_id; } ) 9>/run/boot-id.lock'
`;

const nodeMounts = ['containerd', 'kubelet'].map((unit) => ({
  hostPath: BOOT_ID_UNIT,
  containerPath: `/etc/systemd/system/${unit}.service.d/90-boot-id.conf`,
}));

export const kindConfig = (): string =>
  JSON.stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    name: NAME,
    networking: {
      ipFamily: 'dual',
      disableDefaultCNI: true,
      kubeProxyMode: 'nftables',
      podSubnet: `${PREFIX4},${PREFIX6}`,
      serviceSubnet: `${SERVICES},fd96::/112`,
    },
    kubeadmConfigPatches: [CLUSTER, KUBELET].map((patch) => JSON.stringify(patch)),
    containerdConfigPatches: RUNTIMES,
    nodes: [
      { role: 'control-plane' },
      ...NODES.map((name) => ({
        role: 'worker',
        extraMounts: nodeMounts,
        kubeadmConfigPatches: [JSON.stringify({ kind: 'JoinConfiguration', nodeRegistration: { name } })],
      })),
    ],
  });

/** Of somebody's own making where no registry is to be had; else kind's default for its version. */
export const nodeImage = (): string[] => (process.env['BERTH_KIND_IMAGE'] ? ['--image', process.env['BERTH_KIND_IMAGE']] : []);
