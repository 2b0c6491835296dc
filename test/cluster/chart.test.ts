/** What the chart renders, before a real API server: its own schemas through kubeconform, then a server-side dry run of every object. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeCharts, missingForCharts, helm, MATRIX, render, type Manifest } from '../charts/helm.ts';
import { makeNamespace } from '../support/cluster-workloads.ts';
import { apiServer, request, runKubectl } from '../support/cluster.ts';
import { applyPath } from '../support/kubectl.ts';
import { missingForApiServer } from '../support/api-server.ts';

interface Definition {
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
  readonly [field: string]: unknown;
}

/** Of other projects: no server here knows it. */
const isForeign = ({ apiVersion }: Manifest): boolean => apiVersion.startsWith('monitoring.coreos.com/');
/** Helm's hooks are objects too. */
const asList = (items: readonly Manifest[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

describeCharts(
  'the chart before a real API server',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'berth-schemas-'));
    beforeAll(async () => {
      await makeNamespace('berth');
      await applyPath(apiServer().kubeconfig, 'deploy/rbac'); // a pod is admitted only where its service account is
      await writeSchemas(directory);
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    test.each(Object.entries(MATRIX))('is what its schemas say and what it takes: %s', async (_name, values) => {
      const all = (await render(...values)).filter((manifest) => !isForeign(manifest));
      const schemas = `-schema-location=${directory}/{{.ResourceKind}}{{.KindSuffix}}.json`;
      const { code, stdout } = await helm(
        ['-summary', '-verbose', schemas, '-'],
        'kubeconform',
        all.map((manifest) => JSON.stringify(manifest)).join('\n---\n'),
      );
      expect([code, stdout]).toEqual([0, expect.stringContaining(`Valid: ${all.length}, Invalid: 0, Errors: 0, Skipped: 0`)]);
      const applied = await runKubectl(
        ['apply', '--server-side', '--dry-run=server', '--validate=strict', '--force-conflicts', '-f', '-', '-o', 'name'],
        asList(all),
      );
      expect(applied.stderr.replaceAll(/^Warning.*\n/gm, '')).toBe('');
      expect(applied.stdout.trim().split('\n')).toHaveLength(all.length);
    });

    test('and so is what there is without Helm', async () => {
      const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', 'deploy/workloads', '-o', 'name'];
      const { code, stdout, stderr } = await runKubectl(dryRun);
      expect([code, stderr.replaceAll(/^Warning.*\n/gm, '')]).toEqual([0, '']);
      expect(stdout).toContain('daemonset.apps/berth-install');
    });

    test('a wrong field is found by both', async () => {
      const [first, ...others] = (await render()).filter(({ kind }) => kind === 'Deployment');
      const wrong = { ...first!, spec: { ...(first!['spec'] as object), replicas: 'two' } } as Manifest;
      const { code } = await helm(
        [`-schema-location=${directory}/{{.ResourceKind}}{{.KindSuffix}}.json`, '-'],
        'kubeconform',
        JSON.stringify(wrong),
      );
      expect(code).toBe(1);
      expect((await runKubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], asList([wrong, ...others]))).code).not.toBe(0);
    });
  },
  missingForApiServer() ?? missingForCharts(),
);

/** One file per kind, as kubeconform names them, of what the server itself publishes. */
async function writeSchemas(folder: string): Promise<void> {
  const { json } = await request('GET', '/openapi/v2');
  const { definitions } = json as { definitions: Record<string, Definition> };
  // OpenAPI 2 has no word for "a number or a string".
  const text = JSON.stringify(definitions)
    .replaceAll('"format":"int-or-string","type":"string"', '"format":"x"')
    .replaceAll('"type":"string","format":"int-or-string"', '"format":"x"');
  writeFileSync(join(folder, 'all.json'), `{"definitions":${text}}`);
  for (const [name, definition] of Object.entries(definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      const suffix = [group.split('.')[0], version].filter((part) => part !== '').join('-');
      writeFileSync(join(folder, `${kind.toLowerCase()}-${suffix}.json`), JSON.stringify({ $ref: `all.json#/definitions/${name}` }));
    }
  }
}
