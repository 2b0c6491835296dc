/** What a node's programs are configured with. */
import { at, cgroupOf, PAUSE_IMAGE } from './layout.ts';
import type { NodeName } from './layout.ts';

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

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "/usr/sbin/runc"
  SystemdCgroup = false
`;

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
