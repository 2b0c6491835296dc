/** The plugin's bundle: what a host runs. Reading, asking and printing are src/cni/plugin.ts; the world is the host's. */
import type { Host } from '../../src/cni/host.ts';
import { runPlugin } from '../../src/cni/plugin.ts';

const { berthHost } = globalThis as unknown as { readonly berthHost: Host };

void runPlugin(berthHost).then((code) => berthHost.exit(code));
