/** helm on the chart of this checkout; nothing of the user's configuration counts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { findProgram } from '../../cmd/dev/cluster/programs.ts';
import { execute, type Finished } from '../../cmd/dev/execute.ts';

export const CHART = 'charts/berth';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

/** Of the programs it takes, those that are not there. */
export const missingForCharts = (): string | undefined => {
  const missing = ['helm', 'kubeconform'].filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `no ${missing.join(', ')}: npm run setup:cluster -- --charts`;
};

/** As describe; with the reason in its title where it cannot run. */
export function describeCharts(title: string, tests: () => void, missing = missingForCharts()): void {
  describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title} (not run: ${missing})`, tests);
}

export async function helm(args: readonly string[], program = 'helm', input = ''): Promise<Finished> {
  const home = mkdtempSync(join(tmpdir(), 'berth-helm-'));
  const env = { PATH: process.env['PATH'], HOME: home, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
  try {
    return await execute(findProgram(program)!, args, { env, input });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The text of all manifests. Throws with helm's own words. */
export async function renderText(...values: string[]): Promise<string> {
  const { code, stdout, stderr } = await helm(['template', 'berth', CHART, '--namespace', 'berth', '--kube-version', '1.37.2', ...values]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Duplicate keys and other faults of YAML are errors. */
export async function render(...values: string[]): Promise<Manifest[]> {
  const documents = parseAllDocuments(await renderText(...values));
  const wrong = documents.flatMap(({ errors }) => errors);
  if (wrong.length > 0) throw wrong[0]!;
  return documents.map((document) => document.toJS() as Manifest).filter((manifest) => manifest !== null);
}

/** What differs between installations, one row each. */
export const MATRIX: Readonly<Record<string, readonly string[]>> = {
  defaults: [],
  'one replica, another port and namespace names': ['--set=controller.replicas=1', '--set=controller.port=9000'],
  'by digest, from a registry with a secret': [`--set=image.digest=sha256:${'0'.repeat(64)}`, '--set=imagePullSecrets[0].name=registry'],
  'OpenShift: privileged, another folder, an SELinux type': [
    '--set=installer.privileged=true',
    '--set=cni.binFolder=/var/lib/cni/bin',
    '--set=openShift.install=true',
    '--set=installer.seLinuxOptions.type=spc_t',
  ],
  'microk8s: both elsewhere': [
    '--set=kubelet.root=/var/snap/microk8s/common/var/lib/kubelet',
    '--set=cni.binFolder=/var/snap/microk8s/current/opt/cni/bin',
  ],
  'k0s: another kubelet root': ['--set=kubelet.root=/var/lib/k0s/kubelet'],
  'removed on stop, chosen nodes': [
    '--set=installer.removeOnStop=true',
    '--set=installer.nodeSelector.pool=workers',
    '--set=installer.maxSurge=1',
  ],
  'with a network list of its own, on k3s': [
    '--set=bridgeNetwork.install=true',
    '--set=bridgeNetwork.bridge=br0',
    '--set=cni.binFolder=/var/lib/rancher/k3s/data/cni',
    '--set=cni.configFolder=/var/lib/rancher/k3s/agent/etc/cni/net.d',
  ],
  'with monitoring': [
    '--set=serviceMonitor.install=true',
    '--set=prometheusRule.install=true',
    '--set=grafanaDashboard.install=true',
    '--set=prometheusRule.labels.team=net',
  ],
  'nothing optional': [
    '--set=metrics.port=0',
    '--set=crds.install=false',
    '--set=admissionPolicies.install=false',
    '--set=flowControl.install=false',
  ],
};
