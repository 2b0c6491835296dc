/**
 * The release before this one, as somebody has it installed: its chart as it was, its image made of its own sources by
 * its own scripts. earlier/ keeps both, because a checkout need not have the history:
 *   git archive --format=tar COMMIT src cmd deploy/image charts package.json | gzip -n9
 */
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../cmd/dev/execute.ts';
import { CHART, IMAGE } from '../cluster/berth.ts';
import { buildImage } from '../cluster/images.ts';
import { at } from '../cluster/layout.ts';
import { importImage } from '../cluster/node.ts';

export const EARLIER = '0.1.0';
export const EARLIER_IMAGE = `${IMAGE.slice(0, IMAGE.lastIndexOf(':'))}:${EARLIER}`;
export const EARLIER_CHART = at('earlier/charts/berth');

/** Unpacks the sources and the chart, and brings the image to every node. Once a cluster. */
export async function bringEarlier(): Promise<void> {
  const [folder, context, archive] = [at('earlier'), at('images/earlier'), at('images/earlier.tar')];
  if (existsSync(folder)) return;
  mkdirSync(folder);
  await must('tar', ['-xzf', join(import.meta.dirname, `../earlier/berth-${EARLIER}.tar.gz`), '-C', folder]);
  symlinkSync(join(CHART, '../../node_modules'), join(folder, 'node_modules'));
  await must(process.execPath, [join(folder, 'cmd/dev/cluster/image.mjs'), context], { deadlineSeconds: 300 });
  await buildImage(context, EARLIER_IMAGE, archive);
  await importImage(archive);
  for (const path of [context, archive]) rmSync(path, { recursive: true });
}
