/** `npm run e2e:up`, `npm run e2e:down`. */
import { buildBerthImage, helmInstall } from './cluster/berth.ts';
import { down, up } from './cluster/up.ts';

const log = (line: string): void => console.log(`e2e: ${line}`);
const command = process.argv[2];
const started = performance.now();
if (command === 'up') {
  await up(log, async () => [await buildBerthImage(log)]);
  log('helm install …');
  await helmInstall();
} else if (command === 'down') await down();
log(`${command} in ${Math.round((performance.now() - started) / 1000)} s`);
