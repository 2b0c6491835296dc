/** One replica of the controller as a process of the simulated world: the real operations, store, watches and election. */
import type { Caller } from '../../src/ipam/operations.ts';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { openIpam, type Ipam } from '../../src/ipam/open.ts';
import type { Log } from '../../src/ipam/ports.ts';
import { createClient } from '../../src/kubernetes/client.ts';
import { startElection, type Election } from '../../src/kubernetes/leader.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import type { Transport } from '../../src/kubernetes/transport.ts';
import { watchWorkloads } from '../../src/kubernetes/workloads.ts';
import { cniRoutes } from '../../src/server/cni-routes.ts';
import { internalProblem, toProblem } from '../../src/server/problem.ts';
import { checkValue } from '../../src/server/read-body.ts';
import type { JsonRoute } from '../../src/server/route.ts';
import type { Process } from './event-loop.ts';

export const NODE_GONE_AFTER_MS = 60_000;

export interface Controller {
  readonly process: Process;
  /** Where plugins reach it: "10.255.0.1:9443" */
  readonly address: string;
  readonly ipam: Ipam;
  readonly election: Election;
  /** An HTTP request's text to an answer's. */
  serve(request: string, gone: () => boolean): Promise<string>;
}

export interface ControllerOptions {
  readonly process: Process;
  readonly address: string;
  readonly transport: Transport;
  readonly random: () => number;
  readonly log: Log;
  /** An exception that nobody expected: always a bug. */
  readonly failed: (error: unknown) => void;
}

export function startController({ process, address, transport, random, log, failed }: ControllerOptions): Controller {
  const timers = process.timers();
  const client = createClient({ transport, timers, random });
  const world = { client, timers, random, log };
  const workloads = watchWorkloads(world);
  const election = startElection({ ...world, namespace: 'berth', name: 'berth-controller', identity: process.name });
  const ipam = openIpam({
    store: openKubernetesStore(world),
    nodes: clusterNodes(workloads),
    timers,
    log,
    cluster: { workloads, leads: () => election.leads(), nodeGoneAfterMs: NODE_GONE_AFTER_MS },
  });
  return { process, address, ipam, election, serve: (request, gone) => serve(ipam, request, gone, failed) };
}

/** The border of src/server without its sockets: the real routes, schemas and problems. */
async function serve(ipam: Ipam, request: string, gone: () => boolean, failed: (error: unknown) => void): Promise<string> {
  const [, path] = /^POST (\S+) /.exec(request) as unknown as [string, string];
  const [, node] = /^Authorization: Bearer (\S+)$/m.exec(request) as unknown as [string, string];
  const route = cniRoutes.find((one) => one.path === path) as JsonRoute;
  const body = checkValue(route.body!, JSON.parse(request.slice(request.indexOf('\r\n\r\n') + 4)));
  if (!body.ok) return format(body.problem!.status, body.problem!);
  const caller: Caller = { node, gone };
  try {
    const answer = await route.run({ operations: ipam, caller, body: body.value, params: [], query: {} });
    if (answer.ok) return format(200, answer.value);
    const problem = toProblem(answer.refusal);
    return format(problem.status, problem);
  } catch (error) {
    failed(error);
    return format(500, internalProblem());
  }
}

function format(status: number, body: object & { readonly retryAfterSeconds?: number }): string {
  const retry = body.retryAfterSeconds === undefined ? '' : `retry-after: ${body.retryAfterSeconds}\r\n`;
  return `HTTP/1.0 ${status} x\r\ncontent-type: application/json\r\n${retry}\r\n${JSON.stringify(body)}`;
}
