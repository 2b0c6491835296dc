import { expect, test } from 'vitest';
import { execute } from '../../cmd/dev/execute.ts';

test.each([
  [
    'kind',
    /--provider kind: .*needs a container engine that runs, .*\(docker: .+\).* Without --provider the suites start their own cluster/,
  ],
  ['minikube', /--provider minikube: must be own or kind\./],
])('npm run e2e -- --provider %s says why not, and what to do instead', async (provider, reason) => {
  // Nobody's engine, also where there is one.
  const env = { ...process.env, DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
  const { code, stderr } = await execute(process.execPath, ['e2e/main.ts', 'test', '--provider', provider], { env });
  expect(stderr).toMatch(reason);
  expect(code).toBe(2);
});
