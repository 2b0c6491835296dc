/**
 * Where the programs of a real cluster are kept: outside the checkout, keyed by version, shared by every checkout of
 * the machine. Whoever already has them says where with KUBEBUILDER_ASSETS, as for Kubernetes' own envtest.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

export const KUBERNETES = '1.37.2';
/** A module of Kubernetes' staging area is numbered v0.X.Y where Kubernetes is v1.X.Y. */
export const STAGING = KUBERNETES.replace(/^1\./, '0.');

/** What a real API server for tests is made of, and what nodes need besides. Built in this order. */
export const API_SERVER: readonly string[] = ['kube-apiserver', 'kubectl'];
export const NODE: readonly string[] = ['kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'];

/**
 * Built in a module of our own: `go install` would ask for the list of its versions, which some module proxies refuse
 * for what is not on GitHub.
 */
export const MULTUS = 'gopkg.in/k8snetworkplumbingwg/multus-cni.v4';

/** The etcd whose flags kubeadm of that Kubernetes uses, and what it calls its image and that of the sandboxes. */
const ETCD = 'go.etcd.io/etcd/server/v3';
export const ETCD_TAG = '3.7.0-0';
export const PAUSE_TAG = '3.10.2';

/** Their own go.mod keeps them from `go install`, or the proxy does. */
export const OWN_MODULES: readonly string[] = [MULTUS, ETCD];

/** Of nodes and charts; these are Go modules that can be installed as they are, but for those of OWN_MODULES. */
export const GO_PROGRAMS: Readonly<Record<string, string>> = {
  containerd: 'github.com/containerd/containerd/v2/cmd/containerd@v2.4.2',
  'containerd-shim-runc-v2': 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2@v2.4.2',
  ctr: 'github.com/containerd/containerd/v2/cmd/ctr@v2.4.2',
  helm: 'helm.sh/helm/v4/cmd/helm@v4.3.1',
  kind: 'sigs.k8s.io/kind@v0.33.0',
  'kind-etcd': `${ETCD}@v${ETCD_TAG.replace(/-\d+$/, '')}`,
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0',
  multus: `${MULTUS}/cmd/multus@v4.2.2`,
  'multus-shim': `${MULTUS}/cmd/multus-shim@v4.2.2`,
  'multus-daemon': `${MULTUS}/cmd/multus-daemon@v4.2.2`,
};

/** Where there is a container engine: of `npm run e2e -- --provider kind`. */
export const KIND: readonly string[] = ['kind'];
/** Where there is no registry besides: what a node image for kind is made of, with all the above. */
export const KIND_IMAGE_PROGRAMS: readonly string[] = ['kubeadm', 'kind-etcd'];

/** What the chart is tested with. */
export const CHARTS: readonly string[] = ['helm', 'kubeconform'];

/** A folder per version: `~/.cache/berth/cluster/go/helm@4.3.1`. */
export function goProgramFolder(name: string): string {
  return join(dirname(cacheFolder()), 'go', `${name}@${GO_PROGRAMS[name]!.split('@v')[1]}`);
}

export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'); // empty counts as unset (XDG base directories)
  return join(base, 'berth', 'cluster', KUBERNETES);
}

/** The program's path, or undefined: KUBEBUILDER_ASSETS first, then our cache; etcd also from PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [process.env['KUBEBUILDER_ASSETS'], join(cacheFolder(), 'bin')];
  // Of the others only our own version will do; etcd has no version of ours, and Debian's is enough.
  if (name in GO_PROGRAMS) folders.push(goProgramFolder(name));
  if (name === 'etcd') folders.push(...(process.env['PATH'] ?? '').split(delimiter));
  return folders
    .filter((folder) => folder !== undefined && folder !== '')
    .map((folder) => join(folder!, name))
    .find((path) => existsSync(path));
}
