/**
 * deploy/workloads: what runs, for who installs without Helm. It is the chart with its defaults, less what Helm notes
 * for itself; `npx vitest run test/charts -u` writes it anew.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { describeCharts, render, type Manifest } from './helm.ts';

const idOf = ({ kind, metadata: { name } }: Manifest): string => `${kind} ${name}`;
const elsewhere = ['crds', 'rbac', 'admission'].flatMap((folder) =>
  readdirSync(`deploy/${folder}`).flatMap((file) =>
    parseAllDocuments(readFileSync(`deploy/${folder}/${file}`, 'utf8')).map((document) => idOf(document.toJS() as Manifest)),
  ),
);

const HELMS = ['helm.sh/chart', 'app.kubernetes.io/managed-by'];
const HEAD = `# What runs: controllers, installer, and how the API server treats their calls. The chart with its defaults; a test compares.
# The image is image.repository:appVersion of the chart; put yours there.
`;

const withoutHelms = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutHelms)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([key]) => !HELMS.includes(key))
            .map(([key, inner]) => [key, withoutHelms(inner)]),
        )
      : value;

describeCharts('the manifests without Helm', () => {
  test('are the chart with its defaults', async () => {
    const all = (await render()).filter(
      (manifest) => !elsewhere.includes(idOf(manifest)) && manifest.metadata.annotations?.['helm.sh/hook'] === undefined,
    );
    expect(all.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Deployment', 'DaemonSet', 'FlowSchema']));
    const text = HEAD + all.map((manifest) => stringify(withoutHelms(manifest), { lineWidth: 0 })).join('---\n');
    await expect(text).toMatchFileSnapshot(resolve('deploy/workloads/berth.yaml'));
  });
});
