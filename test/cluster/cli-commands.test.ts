/** The commands' contract, answered by a real API server with no controller beside it. */
import { afterAll } from 'vitest';
import { berthctl } from '../cli/berthctl.ts';
import { describeCommands } from '../cli/command-contract.ts';
import { binding, BINDINGS } from '../crds/objects.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from '../../src/kubernetes/objects.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { makeNamespace, makeNode, makePod, newBootId } from '../support/cluster-workloads.ts';
import { deleteAll } from './clients.ts';

describeCluster('berthctl and a cluster', () => {
  const empty = async (): Promise<void> => {
    for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
  };
  afterAll(empty);
  describeCommands(async () => {
    await empty();
    await makeNamespace('shop');
    await makeNode('cli-node', newBootId());
    return {
      run: (argv, options) => berthctl(argv, { environment: { KUBECONFIG: apiServer().kubeconfig }, ...options }),
      async hold({ address, ...held }) {
        const none = { node: undefined, podUid: undefined, attachments: [] };
        const object = binding({ address, pool: 'blue', ...held, ...none }, `default.${address.replaceAll('.', '-')}`);
        const { status, text } = await request('POST', BINDINGS, object);
        if (status !== 201) throw new Error(text);
      },
      pod: async (namespace, name) => void (await makePod(namespace, name, 'cli-node')),
    };
  });
});
