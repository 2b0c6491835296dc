/** The installer is told everything by the environment of its pod; a wrong one is a sentence, not a trace. */

export interface Settings {
  /** In the image. */
  readonly plugin: string;
  /** Where the node's folders are mounted in this container. */
  readonly cniBinFolder: string;
  readonly runFolder: string;
  readonly spoolFolder: string;
  /** The volume with token, CA and endpoints, as this container sees it. */
  readonly identityFolder: string;
  /** The same volume as the node sees it. */
  readonly identityOnNode: string;
  /** A network list to put on the node, from one path to the other; undefined: the node has its own. */
  readonly networkList: { readonly from: string; readonly to: string } | undefined;
  /** Whether the plugin goes when this pod is asked to stop and no other has taken its place. */
  readonly removeOnStop: boolean;
}

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Shapes: kubelet's own paths, `ROOT/pods/UID/volumes/kubernetes.io~projected/VOLUME`. Throws SettingsError. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const uid = environment['POD_UID'] ?? '';
  // It becomes part of a path on the node.
  if (!/^[0-9a-zA-Z-]{1,64}$/.test(uid)) throw new SettingsError('POD_UID must be the UID of this pod (fieldRef metadata.uid).');
  const kubeletRoot = (environment['KUBELET_ROOT'] ?? '/var/lib/kubelet').replace(/\/+$/, '');
  if (!/^\/[\w./-]*$/.test(kubeletRoot) || kubeletRoot.split('/').includes('..'))
    throw new SettingsError('KUBELET_ROOT must be an absolute path, as in /var/lib/kubelet.');
  return {
    plugin: environment['BERTH_PLUGIN'] ?? '/opt/berth/berth',
    cniBinFolder: environment['BERTH_CNI_BIN'] ?? '/host/cni-bin',
    runFolder: environment['BERTH_RUN'] ?? '/host/run',
    spoolFolder: environment['BERTH_SPOOL'] ?? '/host/lib/spool',
    identityFolder: environment['BERTH_IDENTITY'] ?? '/identity',
    identityOnNode: `${kubeletRoot}/pods/${uid}/volumes/kubernetes.io~projected/identity`,
    networkList: readNetworkList(environment),
    removeOnStop: environment['BERTH_REMOVE_ON_STOP'] === 'true',
  };
}

function readNetworkList(environment: Readonly<Record<string, string | undefined>>): Settings['networkList'] {
  const name = environment['BERTH_NETWORK_LIST'];
  if (name === undefined) return undefined;
  if (!/^[\w-][\w.-]*\.conflist$/.test(name)) throw new SettingsError('BERTH_NETWORK_LIST must be a file name that ends in .conflist.');
  const [from, to] = [environment['BERTH_NETWORK_LISTS'] ?? '/network-list', environment['BERTH_CNI_CONFIG'] ?? '/host/cni-config'];
  return { from: `${from}/${name}`, to: `${to}/${name}` };
}
