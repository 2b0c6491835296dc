/** What a node's programs are configured with. */
import { dirname } from 'node:path';
import { at, cgroupOf, PAUSE_IMAGE } from './layout.ts';
import type { NodeName } from './layout.ts';

/** Another runtime of the same containerd, whose pods have addresses of host-local: what Berth's are compared with. */
export const HOST_LOCAL_RUNTIME = 'host-local';
export const HOST_LOCAL_LIST = `/etc/cni/${HOST_LOCAL_RUNTIME}.d/10-pods.conflist`;

/** The nodes' network list. */
export const OWN_LIST = '/etc/cni/net.d/10-berth.conflist';

const runtime = (name: string, more = ''): string => `
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}]
  runtime_type = "io.containerd.runc.v2"
${more}
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}.options]
  BinaryName = "/usr/sbin/runc"
  SystemdCgroup = false
`;

export const containerdConfig = (): string => `version = 3
oom_score = 0

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${PAUSE_IMAGE}"

[plugins."io.containerd.cri.v1.runtime"]
  # Not every root may lower an oom_score_adj: without this no sandbox starts there.
  restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/opt/cni/bin"]
  conf_dir = "/etc/cni/net.d"
${runtime('runc')}${runtime(HOST_LOCAL_RUNTIME, `  cni_conf_dir = "${dirname(HOST_LOCAL_LIST)}"\n`)}`;

/** Of the kubelet's own pods. */
export const staticPodFile = (node: NodeName, name: string): string => at(node, 'static-pods', `${name}.yaml`);

/** JSON is YAML. */
export const kubeletConfig = (node: NodeName): string =>
  JSON.stringify(
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
      cgroupDriver: 'cgroupfs',
      cgroupRoot: `/${cgroupOf(node)}`,
      containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
      enforceNodeAllocatable: [],
      evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'nodefs.inodesFree': '1%', 'imagefs.available': '1%' },
      failCgroupV1: false,
      failSwapOn: false,
      imageGCHighThresholdPercent: 100,
      localStorageCapacityIsolation: false,
      maxPods: 250,
      nodeLeaseDurationSeconds: 8,
      nodeStatusUpdateFrequency: '2s',
      nodeStatusReportFrequency: '10s',
      podPidsLimit: -1,
      readOnlyPort: 0,
      registerNode: true,
      serializeImagePulls: false,
      staticPodPath: at(node, 'static-pods'),
      syncFrequency: '10s',
    },
    undefined,
    2,
  );

/** The pods' network: all on one L2 with the nodes. */
export const networkList = (ipam: 'berth' | 'host-local'): string =>
  `${JSON.stringify(
    {
      cniVersion: '1.0.0',
      name: 'pods',
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isGateway: false,
          ipMasq: false,
          ipam:
            ipam === 'berth'
              ? { type: 'berth' }
              : { type: 'host-local', ranges: [[{ subnet: '10.90.0.0/16', rangeStart: '10.90.200.1', rangeEnd: '10.90.200.250' }]] },
        },
      ],
    },
    undefined,
    2,
  )}\n`;
