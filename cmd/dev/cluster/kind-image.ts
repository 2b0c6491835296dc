/**
 * A node image for kind where no registry is to be had (kind's own comes from one): Debian's packages, the base files of
 * kind's Go module, and the programs of the cache. The control plane's images are in it, made from scratch.
 */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execute, must } from '../execute.ts';
import { findMainPlugins } from '../main-plugins.ts';
import { ETCD_TAG, findProgram, GO_PROGRAMS, KUBERNETES, PAUSE_TAG } from './programs.ts';

export const KIND_IMAGE = `berth/kind-node:v${KUBERNETES}`;
const BASE = 'berth/kind-node-base';

const PACKAGES =
  'systemd,systemd-sysv,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,procps,libseccomp2,bash,ca-certificates,curl,jq,runc';
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const docker = (...args: string[]): Promise<string> => must('docker', args, { deadlineSeconds: 300 });

/** Returns the image's name. Needs root, an engine that runs, and Debian's mmdebstrap. */
export async function makeKindImage(log: (line: string) => void): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-kind-image-'));
  const root = join(folder, 'root');
  try {
    log('Debian packages …');
    await must('mmdebstrap', ['--variant=minbase', `--include=${PACKAGES}`, 'bookworm', root], { deadlineSeconds: 900 });
    await addKindFiles(root);
    addPrograms(root);
    await adaptContainerd(root);
    log('control plane images …');
    const archive = join(folder, 'images.tar');
    await saveControlPlaneImages(root, folder, archive);
    log(`${KIND_IMAGE} …`);
    await commit(root, archive);
    return KIND_IMAGE;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** images/base of kind's module, as its Dockerfile puts it there. */
async function addKindFiles(root: string): Promise<void> {
  const downloaded = await must('go', ['mod', 'download', '-json', GO_PROGRAMS['kind']!], { cwd: tmpdir(), deadlineSeconds: 300 });
  const files = join((JSON.parse(downloaded) as { Dir: string }).Dir, 'images/base/files');
  for (const [part, mode] of [
    ['etc', '644'],
    ['kind/bin', '755'],
    ['usr/local/bin', '755'],
  ] as const) {
    mkdirSync(join(root, part), { recursive: true });
    // The module cache is read-only, and keeps no executable bits.
    await must('sh', [
      '-ec',
      'cd "$1"; find . -type f | while read -r f; do install -D -m "$3" "$f" "$2/$f"; done',
      'sh',
      join(files, part),
      join(root, part),
      mode,
    ]);
  }
  const units = join(root, 'etc/systemd/system');
  const wanted = [
    ...['multi-user', 'local-fs', 'basic'].map((target) => [`lib/systemd/system/${target}.target.wants`, /./] as const),
    ['lib/systemd/system/sockets.target.wants', /udev|initctl/] as const,
    ['lib/systemd/system/sysinit.target.wants', /^systemd-tmpfiles-setup\.service$/] as const,
    ...readdirSync(units).flatMap((name) => (name.endsWith('.wants') ? [[`etc/systemd/system/${name}`, /./] as const] : [])),
  ];
  for (const [wants, which] of wanted)
    if (existsSync(join(root, wants)))
      for (const name of readdirSync(join(root, wants)).filter((each) => which.test(each))) rmSync(join(root, wants, name));
  mkdirSync(join(units, 'multi-user.target.wants'), { recursive: true });
  for (const name of ['kubelet', 'containerd', 'undo-mount-hacks'])
    symlinkSync(`/etc/systemd/system/${name}.service`, join(units, `multi-user.target.wants/${name}.service`));
  symlinkSync('/dev/null', join(units, 'systemd-binfmt.service'));
  appendFileSync(join(root, 'etc/systemd/journald.conf'), 'ReadKMsg=no\n');
  mkdirSync(join(root, 'etc/kubernetes/manifests'), { recursive: true });
  writeFileSync(join(root, 'kind/version'), `v${KUBERNETES}`);
}

function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`there is no ${name}: npm run setup:cluster -- --all --kind-image`);
  return path;
}

function install(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to); // of a symbolic link what it leads to
}

function addPrograms(root: string): void {
  for (const name of ['containerd', 'containerd-shim-runc-v2', 'ctr']) install(program(name), join(root, 'usr/local/bin', name));
  for (const name of ['kubelet', 'kubectl', 'kubeadm']) install(program(name), join(root, 'usr/bin', name));
  for (const name of ['loopback', 'host-local', 'ptp', 'portmap']) {
    const plugins = findMainPlugins(name);
    if (plugins === undefined) throw new Error(`there is no main plugin ${name} (Debian: containernetworking-plugins)`);
    install(join(plugins, name), join(root, 'opt/cni/bin', name));
  }
}

/** Also for a root without CAP_SYS_RESOURCE, which may lower no oom_score_adj. */
async function adaptContainerd(root: string): Promise<void> {
  const config = join(root, 'etc/containerd/config.toml');
  const text = readFileSync(config, 'utf8');
  const sandbox = text.replace(/registry\.k8s\.io\/pause:[\d.]+/, `registry.k8s.io/pause:${PAUSE_TAG}`);
  writeFileSync(config, sandbox.replace('restrict_oom_score_adj = false', 'restrict_oom_score_adj = true'));
  mkdirSync(join(root, 'etc/systemd/system/containerd.service.d'), { recursive: true });
  writeFileSync(join(root, 'etc/systemd/system/containerd.service.d/10-oom.conf'), '[Service]\nOOMScoreAdjust=0\n');
  const spec = JSON.parse(await must('chroot', [root, 'ctr', 'oci', 'spec'])) as { hooks?: object; process: { rlimits?: object } };
  delete spec.process.rlimits;
  const hooks = { ...spec.hooks, createContainer: [{ path: '/kind/bin/mount-product-files.sh' }] };
  writeFileSync(join(root, 'etc/containerd/cri-base.json'), JSON.stringify({ ...spec, hooks }));
}

const WAIT = 'trap "exit 0" TERM INT; while :; do sleep 3600 & wait $!; done';

async function saveControlPlaneImages(root: string, folder: string, archive: string): Promise<void> {
  const names: string[] = [];
  const add = async (name: string, fill: (content: string) => void, ...changes: string[]): Promise<void> => {
    const content = join(folder, 'content');
    mkdirSync(join(content, 'tmp'), { recursive: true });
    fill(content);
    await importFolder(content, `registry.k8s.io/${name}`, `ENV ${PATH}`, ...changes);
    names.push(`registry.k8s.io/${name}`);
    rmSync(content, { recursive: true });
  };
  for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
    await add(`${name}:v${KUBERNETES}`, (content) => install(program(name), join(content, 'usr/local/bin', name)));
  await add(`etcd:${ETCD_TAG}`, (content) => install(program('kind-etcd'), join(content, 'usr/local/bin/etcd')));
  const libraries = await librariesOf(root, ['/usr/sbin/nft', '/usr/sbin/conntrack']);
  await add(`kube-proxy:v${KUBERNETES}`, (content) => {
    install(program('kube-proxy'), join(content, 'usr/local/bin/kube-proxy'));
    for (const path of ['/usr/sbin/nft', '/usr/sbin/conntrack', ...libraries]) install(join(root, path), join(content, path));
  });
  const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) throw new Error('there is no busybox (Debian: busybox-static)');
  const entry = JSON.stringify(['/bin/busybox', 'sh', '-c', WAIT]);
  await add(
    `pause:${PAUSE_TAG}`,
    (content) => ['busybox', 'sh'].forEach((name) => install(busybox, join(content, 'bin', name))),
    `ENTRYPOINT ${entry}`,
  );
  await docker('save', '-o', archive, ...names);
  await docker('rmi', ...names);
}

async function librariesOf(root: string, programs: readonly string[]): Promise<string[]> {
  const text = await must('chroot', [root, 'ldd', ...programs]);
  return [...new Set([...text.matchAll(/(\/lib\S+) \(0x/g)].map(([, path]) => path!))];
}

const importFolder = (folder: string, name: string, ...changes: string[]): Promise<string> =>
  must(
    'sh',
    [
      '-ec',
      'folder="$1"; shift; tar -C "$folder" -c . | docker import "$@"',
      'sh',
      folder,
      ...changes.flatMap((change) => ['--change', change]),
      '-',
      name,
    ],
    {
      deadlineSeconds: 300,
    },
  );

const IMPORT = `containerd >/var/log/containerd.log 2>&1 & pid=$!
for i in $(seq 60); do ctr version >/dev/null 2>&1 && break; sleep 1; done
ctr --namespace=k8s.io images import --local --all-platforms --no-unpack /images.tar
kill $pid; wait $pid || true; rm -f /run/containerd/*.sock*`;

/** The node's containerd has the control plane's images before it is started, as with kind's own node images. */
async function commit(root: string, archive: string): Promise<void> {
  const changes = ['ENV container=docker', 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]'];
  await importFolder(root, `${BASE}:1`, ...changes);
  const run = ['run', '--detach', '--privileged', '--cgroupns=private', `--volume=${archive}:/images.tar:ro`, '--entrypoint=sleep'];
  const id = (await docker(...run, `${BASE}:1`, 'infinity')).trim();
  try {
    await docker('exec', id, 'bash', '-ec', IMPORT);
    await docker('commit', ...changes.flatMap((change) => ['--change', change]), id, `${BASE}:2`);
  } finally {
    await docker('rm', '--force', id);
  }
  // Only a Dockerfile can say it: systemd ends at SIGRTMIN+3.
  await must('docker', ['build', '--tag', KIND_IMAGE, '-'], {
    input: `FROM ${BASE}:2\nSTOPSIGNAL SIGRTMIN+3\n`,
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
    deadlineSeconds: 300,
  });
  await execute('docker', ['rmi', `${BASE}:1`, `${BASE}:2`]);
}
