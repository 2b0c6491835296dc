import { describeCluster } from '../support/cluster.ts';
import { describeStoreContract } from '../suites/store-contract.ts';
import { openEmptyStore } from './clients.ts';

describeCluster('on a real API server', () => describeStoreContract('Kubernetes', openEmptyStore, { runs: 5 }));
