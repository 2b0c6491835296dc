/** Berth as somebody installs it: its image, and the chart. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../cmd/dev/execute.ts';
import { buildImage, megabytes } from './images.ts';
import { at } from './layout.ts';
import { mustHelm } from './kubectl.ts';

export const IMAGE = 'docker.io/local/berth:e2e';
export const NAMESPACE = 'berth';
const checkout = join(import.meta.dirname, '../..');
export const CHART = join(checkout, 'charts/berth');

/** Returns the archive's path. */
export async function buildBerthImage(log: (line: string) => void): Promise<string> {
  const [context, archive] = [at('images/berth'), at('images/berth.tar')];
  await must(process.execPath, [join(checkout, 'cmd/dev/cluster/image.mjs'), context], { deadlineSeconds: 300 });
  await buildImage(context, IMAGE, archive);
  rmSync(context, { recursive: true });
  log(`image of ${megabytes(archive)} MB`);
  return archive;
}

const [repository, tag] = IMAGE.split(':');

/** What differs from a chart's defaults on this cluster: the image, and times that suites would wait for. */
export const VALUES: readonly string[] = [
  `--set=image.repository=${repository}`,
  `--set=image.tag=${tag}`,
  '--set=image.pullPolicy=Never',
  '--set=controller.nodeGoneAfter=30s',
];

export const helmInstall = (...more: string[]): Promise<string> =>
  mustHelm(['install', 'berth', CHART, '--namespace', NAMESPACE, '--create-namespace', ...VALUES, ...more, '--wait', '--timeout', '3m']);

export const helmUpgrade = (...more: string[]): Promise<string> =>
  mustHelm(['upgrade', 'berth', CHART, '--namespace', NAMESPACE, ...VALUES, ...more, '--wait', '--timeout', '3m']);
