import { describeCluster } from '../support/cluster.ts';
import { describeApiBehaviour } from '../suites/api-behaviour.ts';
import { deleteAll, openClient } from './clients.ts';

describeCluster('on a real API server', () =>
  describeApiBehaviour('real', async () => {
    const { client, close } = openClient();
    return { client, empty: deleteAll, close };
  }),
);
