import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readCommandLine } from '../../cmd/berth-controller/flags.ts';
import { KUBERNETES } from '../../cmd/dev/cluster/programs.ts';
import type { Environment } from '../../src/cni/environment.ts';
import { checkRequest } from '../../src/cni/request.ts';
import { CHART, describeCharts, helm, MATRIX, render, renderText, type Manifest } from './helm.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const find = (all: readonly Manifest[], kind: string, name?: string): Manifest =>
  all.find((manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name))!;
const documents = (folder: string): Manifest[] =>
  readdirSync(folder).flatMap((file) => parseAllDocuments(read(`${folder}/${file}`)).map((document) => document.toJS() as Manifest));
/** The objects without what the chart adds. */
const bare = ({ metadata: { name, namespace }, ...rest }: Manifest): object => ({
  ...rest,
  metadata: { name, ...(namespace && { namespace }) },
});

describeCharts('the chart', () => {
  test('passes helm lint, strictly', async () => {
    const { code, stdout } = await helm(['lint', '--strict', CHART]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
  });

  test.each(Object.entries(MATRIX))('renders: %s', async (_name, values) => {
    const text = await renderText(...values);
    const all = await render(...values);
    expect(find(all, 'Deployment').metadata.namespace).toBe('berth');
    const ids = all.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(text).not.toMatch(/<no value>|%!|: null$/m);
    // Octal to YAML 1.1, decimal to YAML 1.2.
    expect(text).not.toMatch(/: 0\d+$/m);
  });

  test.each([
    'controler.replicas=3',
    'controller.replica=3',
    'controller.replicas=0',
    'kubelet.root=var/lib/kubelet',
    'installer.maxSurge=a',
  ])('refuses --set %s', async (value) => {
    await expect(renderText(`--set=${value}`)).rejects.toThrow(/schema|additional/i);
  });

  test.each(['metrics', 'serviceMonitor', 'bridgeNetwork', 'openShift'])(
    'says what to do where %s is not among the values, as after --reuse-values',
    async (name) => {
      await expect(renderText(`--set=${name}=null`)).rejects.toThrow(
        `no value ${name}, as in a chart before 0.2.0: instead of --reuse-values use`,
      );
    },
  );

  test('has the custom resources of deploy/crds, kept on uninstall', async () => {
    const all = (await render()).filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(all.map(bare)).toEqual(documents('deploy/crds').map(bare));
    for (const { metadata } of all) expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    for (const file of readdirSync('deploy/crds')) expect(read(`${CHART}/files/crds/${file}`)).toBe(read(`deploy/crds/${file}`));
  });

  test('has the rights and policies of deploy/rbac and deploy/admission', async () => {
    const all = (await render()).map(bare);
    const plain = [...documents('deploy/rbac'), ...documents('deploy/admission')].filter(({ kind }) => kind !== 'Namespace');
    expect(plain.length).toBeGreaterThan(10);
    for (const manifest of plain) expect(all).toContainEqual(bare(manifest));
  });

  test('names its own namespace in policies and rights, whichever it is', async () => {
    const { stdout } = await helm(['template', 'other', CHART, '--namespace', 'addresses']);
    expect(stdout).toContain('system:serviceaccount:addresses:berth-controller');
    expect(stdout).not.toMatch(/namespace: berth$|:berth:berth-controller/m);
  });

  test('gives the controller nothing it does not need, and nodes no rights', async () => {
    const all = await render();
    const pod = (manifest: Manifest): Record<string, unknown> =>
      (manifest['spec'] as { template: { spec: Record<string, unknown> } }).template.spec;
    const controller = pod(find(all, 'Deployment'));
    expect(controller).toMatchObject({ hostNetwork: true, securityContext: { runAsNonRoot: true } });
    expect(controller['containers']).toMatchObject([
      { securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } },
    ]);
    expect(find(all, 'Deployment')).toMatchObject({ spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } } });
    expect(pod(find(all, 'DaemonSet'))).toMatchObject({ automountServiceAccountToken: false, serviceAccountName: 'berth-node' });
    const bindings = all.filter(({ kind }) => kind.endsWith('RoleBinding'));
    expect(JSON.stringify(bindings)).not.toContain('berth-node');
    const onOpenShift = find(await render('--set=openShift.install=true'), 'RoleBinding', 'berth-scc-privileged');
    expect(onOpenShift['subjects']).toMatchObject([{ name: 'berth-controller' }, { name: 'berth-node' }]);
    const installer = pod(find(all, 'DaemonSet'));
    // Root that may write to another user's folder, and nothing else (test/install runs with exactly this).
    const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE'] } };
    expect([installer['initContainers'], installer['containers']]).toMatchObject([[{ securityContext }], [{ securityContext }]]);
    // The node's other pods are seen by the container that ends, not by the one that stays.
    const mounts = (installer['containers'] as { volumeMounts: { name: string }[] }[])[0]!.volumeMounts;
    expect(mounts.map(({ name }) => name)).not.toContain('kubelet-pods');
  });

  test('puts a network list on nodes only where it is asked to: one that the plugin takes', async () => {
    expect(await renderText()).not.toMatch(/network-list|BERTH_NETWORK_LIST/);
    const all = await render(
      '--set=bridgeNetwork.install=true',
      '--set=bridgeNetwork.fileName=05-own.conflist',
      '--set=bridgeNetwork.isGateway=false',
    );
    const { data } = find(all, 'ConfigMap', 'berth-network-list') as unknown as { data: Record<string, string> };
    const { cniVersion, name, plugins } = JSON.parse(data['05-own.conflist']!) as { cniVersion: string; name: string; plugins: object[] };
    expect(plugins[0]).toEqual({ type: 'bridge', bridge: 'cni0', isGateway: false, ipMasq: true, ipam: { type: 'berth' } });
    const environment: Environment = { verb: 'ADD', containerId: 'c1', ifName: 'eth0', netns: '/run/netns/c1', args: new Map() };
    expect(checkRequest(environment, JSON.stringify({ ...plugins[0], cniVersion, name }))).toMatchObject({ ok: true });
    expect(JSON.stringify(find(all, 'DaemonSet'))).toContain('{"name":"BERTH_NETWORK_LIST","value":"05-own.conflist"}');
  });

  test('tells the plugin in its network list where identity and spool are, when they are elsewhere', async () => {
    const folders = ['--set=cni.runFolder=/run/elsewhere', '--set=cni.stateFolder=/data/berth'];
    const { data } = find(await render('--set=bridgeNetwork.install=true', ...folders), 'ConfigMap', 'berth-network-list') as unknown as {
      data: Record<string, string>;
    };
    const { cniVersion, name, plugins } = JSON.parse(data['10-berth.conflist']!) as { cniVersion: string; name: string; plugins: object[] };
    const environment: Environment = { verb: 'ADD', containerId: 'c1', ifName: 'eth0', netns: '/run/netns/c1', args: new Map() };
    expect(checkRequest(environment, JSON.stringify({ ...plugins[0], cniVersion, name }))).toMatchObject({
      ok: true,
      value: { configuration: { identityDir: '/run/elsewhere/identity', spoolDir: '/data/berth/spool' } },
    });
  });

  test('tells nodes the Service’s address and the host’s own', async () => {
    const all = await render('--set=controller.port=9000');
    const { selector, ports } = find(all, 'Service', 'berth-controller')['spec'] as Record<string, object>;
    expect(ports).toEqual([{ name: 'cni', port: 9000, targetPort: 'cni', protocol: 'TCP' }]);
    const { template } = find(all, 'Deployment')['spec'] as { template: { metadata: { labels: object }; spec: object } };
    expect(template.metadata.labels).toMatchObject(selector!);
    // The kubelet's name for the Service of this name; a literal one that it does not know is refused by the controller.
    expect(template.spec).toMatchObject({
      containers: [
        {
          args: expect.arrayContaining([
            '--advertise=https://$(BERTH_CONTROLLER_SERVICE_HOST):9000',
            '--advertise=https://$(HOST_IP):9000',
          ]) as string[],
          ports: [{ name: 'cni', containerPort: 9000 }, {}],
        },
      ],
    });
    expect(template.spec).not.toHaveProperty('enableServiceLinks', false);
  });

  test.each([
    ['IPv4', '10.0.0.5', '10.96.0.10', ['https://10.96.0.10:8460', 'https://10.0.0.5:8460']],
    ['IPv6', 'fd90::a:1', 'fd96::10', ['https://[fd96::10]:8460', 'https://[fd90::a:1]:8460']],
  ])('starts the controller with flags that it takes, on an %s cluster', async (_family, host, service, advertise) => {
    const { template } = find(await render(), 'Deployment')['spec'] as { template: { spec: { containers: { args: string[] }[] } } };
    const environment: Readonly<Record<string, string>> = { HOST_IP: host, NODE_NAME: 'n1', BERTH_CONTROLLER_SERVICE_HOST: service };
    const [, ...flags] = template.spec.containers[0]!.args.map((arg) =>
      arg.replace(/\$\((\w+)\)/g, (_, name: string) => environment[name]!),
    );
    expect(await readCommandLine(flags)).toMatchObject({
      kind: 'run',
      options: { store: { kind: 'kubernetes', namespace: 'berth', advertise }, listen: [{ kind: 'unix' }, { kind: 'https', host }] },
    });
  });

  test('asks for the Kubernetes that it was tested with, or older', () => {
    const { kubeVersion, version, appVersion } = parse(read(`${CHART}/Chart.yaml`)) as Record<string, string>;
    const least = Number(/>=1\.(\d+)\./.exec(kubeVersion!)![1]);
    expect(least).toBeLessThanOrEqual(Number(KUBERNETES.split('.')[1]));
    const own = (JSON.parse(read('package.json')) as { version: string }).version;
    expect([version, appVersion]).toEqual([own, own]);
  });
});
