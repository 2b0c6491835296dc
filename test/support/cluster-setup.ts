/**
 * vitest's globalSetup of the `cluster` tier: one API server for all its tests, with the custom resources installed.
 * Without the programs nothing is started, and the tests are skipped by name (cluster.ts).
 */
import type { TestProject } from 'vitest/node';
import { type ApiServerAddress, missingForApiServer, startApiServer } from './api-server.ts';
import { applyPath } from './kubectl.ts';

declare module 'vitest' {
  interface ProvidedContext {
    apiServer: ApiServerAddress;
  }
}

export default async function setUp(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (missingForApiServer() !== undefined) return undefined;
  const server = await startApiServer();
  try {
    await applyPath(server.kubeconfig, 'deploy/crds');
  } catch (error) {
    await server.stop();
    throw error;
  }
  const { url, port, adminToken, kubeconfig, caFile, directory } = server;
  project.provide('apiServer', { url, port, adminToken, kubeconfig, caFile, directory });
  return () => server.stop();
}
