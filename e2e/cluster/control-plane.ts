/** etcd, API server, controller manager and scheduler, in the control plane's namespace. */
import { API_ADDRESS, API_PORT, at, CONTROL_PLANE, kubeconfig, netnsPath, program, SERVICES } from './layout.ts';
import { endDaemon, startDaemon } from './processes.ts';
import { eventually } from '../../test/support/eventually.ts';
import { kubectl } from './kubectl.ts';

const pki = (name: string): string => at('pki', name);

const FLAGS: Readonly<Record<string, () => string[]>> = {
  etcd: () => [`--data-dir=${at('etcd')}`, '--unsafe-no-fsync', '--log-level=error'],
  'kube-apiserver': () => [
    '--etcd-servers=http://127.0.0.1:2379',
    `--advertise-address=${API_ADDRESS}`,
    `--secure-port=${API_PORT}`,
    `--cert-dir=${at('pki')}`,
    `--tls-cert-file=${pki('server.crt')}`,
    `--tls-private-key-file=${pki('server.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--token-auth-file=${pki('tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki('service-account.key')}`,
    `--service-account-signing-key-file=${pki('service-account.key')}`,
    `--service-cluster-ip-range=${SERVICES}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--profiling=false',
  ],
  'kube-controller-manager': () => [
    `--kubeconfig=${kubeconfig('kube-controller-manager')}`,
    '--leader-elect=false',
    `--root-ca-file=${pki('ca.crt')}`,
    `--service-account-private-key-file=${pki('service-account.key')}`,
    `--service-cluster-ip-range=${SERVICES}`,
    '--bind-address=127.0.0.1',
    // Shortened: the suites wait for what follows from it.
    '--node-monitor-grace-period=10s',
    '--node-monitor-period=2s',
    '--use-service-account-credentials=true',
  ],
  'kube-scheduler': () => [`--kubeconfig=${kubeconfig('kube-scheduler')}`, '--leader-elect=false', '--bind-address=127.0.0.1'],
};

function startControlPlaneProgram(name: string): void {
  startDaemon(name, ['nsenter', `--net=${netnsPath(CONTROL_PLANE)}`, program(name), ...FLAGS[name]!()]);
}

export async function restartControlPlaneProgram(name: string): Promise<void> {
  await endDaemon(name);
  startControlPlaneProgram(name);
}

export async function startControlPlane(): Promise<void> {
  for (const name of Object.keys(FLAGS)) startControlPlaneProgram(name);
  await eventually(async () => (await kubectl(['get', '--raw', '/readyz'])).code === 0, 'the API server', 120_000);
  await eventually(
    async () => (await kubectl(['get', 'serviceaccount', '-n', 'default', 'default'])).code === 0,
    'the controller manager',
    60_000,
  );
}
