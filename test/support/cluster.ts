/** How a test of the `cluster` tier reaches the shared API server. Without its programs, describeCluster skips by name and says why. */
import { readFileSync } from 'node:fs';
import { describe, inject } from 'vitest';
import { type ApiServerAddress, missingForApiServer } from './api-server.ts';
import { ask, type HttpAnswer } from './http.ts';
import { kubectl, type KubectlResult } from './kubectl.ts';

const missing = missingForApiServer();

/** As describe; with the reason in its title where it cannot run. */
export function describeCluster(title: string, tests: () => void): void {
  describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title} (not run: ${missing})`, tests);
}

export const apiServer = (): ApiServerAddress => inject('apiServer');

/** As the administrator, or as whom `headers` (authorization, impersonate-user, impersonate-group) says. */
export function request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  const { port, caFile, adminToken } = apiServer();
  const target = { host: '127.0.0.1', port, ca: readFileSync(caFile) };
  return ask(target, method, path, body, { authorization: `Bearer ${adminToken}`, ...headers });
}

/** kubectl as the administrator; `input` is its standard input. */
export const runKubectl = (args: readonly string[], input?: string): Promise<KubectlResult> => kubectl(apiServer().kubeconfig, args, input);
