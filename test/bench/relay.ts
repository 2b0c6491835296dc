/** What the controller is measured beside: a few lines that pass each call on as one create. `node relay.ts SOCKET KUBECONFIG` */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { ADDRESS_BINDINGS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import { openCluster } from '../../src/kubernetes/open-client.ts';

const [socket, kubeconfigFile] = process.argv.slice(2) as [string, string];
const { client } = openCluster({ kubeconfigFile, timers: systemTimers, random: () => Math.random() });
const server = createServer((request, response) => {
  void json(request).then(async (binding) => {
    const answer = await client.create(ADDRESS_BINDINGS, binding as KubernetesObject);
    const text = JSON.stringify(answer.ok ? { name: answer.value.metadata.name } : answer.status);
    response.writeHead(answer.ok ? 200 : 500, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(socket, () => console.log('ready'));
