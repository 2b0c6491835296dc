/** Runs the plugin's bundle on Node. The launcher says whether descriptor 1 was closed. */
import type { Host } from '../../src/cni/host.ts';
import { createNodeHost } from '../../src/cni/node-host.ts';

const node = createNodeHost({ outputIsClosed: process.argv[2] === 'output-is-closed' });
let printed = false;
const host: Host = {
  ...node,
  print(text) {
    printed = true;
    return node.print(text);
  },
};

process.on('uncaughtException', () => {
  if (!printed) host.print('{"cniVersion":"1.0.0","code":999,"msg":"the plugin failed inside"}\n');
  host.exit(1);
});
Object.assign(globalThis, { berthHost: host });
await import(new URL('./berth.js', import.meta.url).href);
