/** What `npm run setup:cluster` builds Kubernetes with. */
import { expect, test } from 'vitest';
import { linkerFlags, moduleText } from '../../cmd/dev/cluster/module.ts';

const KUBERNETES_GO_MOD = `// generated
module k8s.io/kubernetes

go 1.26.0

require (
	github.com/go-logr/logr v1.4.3
	k8s.io/api v0.0.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/kubectl => ./staging/src/k8s.io/kubectl
)
`;

test('the module requires what Kubernetes does, and the published staging modules for its folders', () => {
  expect(moduleText(KUBERNETES_GO_MOD, '1.37.2', '0.37.2')).toBe(`module berth-ipam.dev/cluster

go 1.26.0

require (
	github.com/go-logr/logr v1.4.3
	k8s.io/api v0.0.0
)

replace (
	k8s.io/api => k8s.io/api v0.37.2
	k8s.io/kubectl => k8s.io/kubectl v0.37.2
)

require k8s.io/kubernetes v1.37.2
`);
});

test('a folder that is no staging module is not passed over', () => {
  expect(() => moduleText(KUBERNETES_GO_MOD.replace('./staging/src/k8s.io/kubectl', './elsewhere'), '1.37.2', '0.37.2')).toThrow(
    'replaces a module by a folder we do not know: k8s.io/kubectl => ./elsewhere',
  );
});

test('the programs are told their version', () => {
  expect(linkerFlags('1.37.2')).toContain('-X k8s.io/component-base/version.gitVersion=v1.37.2');
  expect(linkerFlags('1.37.2')).toContain('-X k8s.io/client-go/pkg/version.gitMinor=37');
});
