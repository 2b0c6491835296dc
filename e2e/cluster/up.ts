/** Starts the cluster from nothing, with Berth in it. */
import { buildBerthImage, helmInstall } from './berth.ts';
import { buildPodImages } from './images.ts';
import { nodesReady } from './kubectl.ts';
import { provider, type Log } from './provider.ts';

export async function up(log: Log): Promise<void> {
  await provider.up(log, async () => [...(await buildPodImages()), await buildBerthImage(log)]);
  await nodesReady();
  log('helm install …');
  await helmInstall();
  log('up');
}
