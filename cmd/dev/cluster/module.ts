/**
 * Kubernetes' commands cannot be `go install`ed: the go.mod of k8s.io/kubernetes replaces its staging modules by
 * folders that its published module leaves out. A module of our own with the same requirements, and the same
 * replacements pointing at the published staging modules, builds them all.
 */
export function moduleText(kubernetesGoMod: string, kubernetes: string, staging: string): string {
  const lines = kubernetesGoMod.split('\n').filter((line) => !line.startsWith('//'));
  const own = lines.map((line) => {
    if (line.startsWith('module ')) return 'module berth-ipam.dev/cluster';
    const replaced = /^(\s*(?:replace )?)(k8s\.io\/\S+) => \.\/staging\/src\/\2$/.exec(line);
    return replaced ? `${replaced[1]}${replaced[2]} => ${replaced[2]} v${staging}` : line;
  });
  const local = own.filter((line) => / => \.{1,2}\//.test(line));
  if (local.length > 0)
    throw new Error(`k8s.io/kubernetes v${kubernetes} replaces a module by a folder we do not know: ${local[0]!.trim()}`);
  return `${own.join('\n').trimEnd()}\n\nrequire k8s.io/kubernetes v${kubernetes}\n`;
}

/** Without these an API server calls itself v0.0.0, and clients that look at the version are misled. */
export function linkerFlags(kubernetes: string): string {
  const [major, minor] = kubernetes.split('.');
  const values = { gitVersion: `v${kubernetes}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  // kubectl is told by client-go's copy, all others by component-base's.
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  const set = packages.flatMap((name) => Object.entries(values).map(([key, value]) => `-X ${name}.${key}=${value}`));
  return ['-s', '-w', ...set].join(' ');
}
