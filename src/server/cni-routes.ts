/** The plugin's routes: the five that a node may call. */
import type { Outcome } from '../core/refusal.ts';
import type { BindingSpec } from '../core/binding.ts';
import type { Caller } from '../ipam/operations.ts';
import type { CniDel, CniKey } from '../protocol.ts';
import { cniAddAnswer, nothing, released } from './answer-schemas.ts';
import { toReleased } from './documents.ts';
import { route } from './route.ts';
import type { Answer, Route } from './route.ts';
import { cniAdd, cniCheck, cniDel, cniGc, spool } from './schemas.ts';

const namedHints = ({ prevAddresses = [] }: Pick<CniDel, 'prevAddresses'>): number => prevAddresses.length;

export const cniRoutes: readonly Route[] = [
  route({
    verb: 'add',
    method: 'POST',
    path: '/v1/cni/add',
    face: 'cni',
    writes: true,
    summary: 'Addresses for one attachment; the same again for the same attachment',
    body: cniAdd,
    named: ({ pools = [] }) => pools.flat().length,
    answer: cniAddAnswer,
    run: async ({ operations, caller, body }) => {
      const outcome = await operations.add(caller, body);
      const pod = body.pod && { subinstance: body.pod.namespace, subid: body.pod.name };
      const facts = { ...attachmentFacts(caller, body), ...pod };
      if (!outcome.ok) return { ...outcome, facts };
      return { ...outcome, facts: { ...facts, addresses: outcome.value.addresses.map(({ address }) => address) } };
    },
  }),
  route({
    verb: 'del',
    method: 'POST',
    path: '/v1/cni/del',
    face: 'cni',
    writes: true,
    summary: 'Release what one attachment holds; the unknown is a success',
    body: cniDel,
    named: namedHints,
    answer: released,
    run: async ({ operations, caller, body }) => releasedAnswer(await operations.del(caller, body), attachmentFacts(caller, body)),
  }),
  route({
    verb: 'check',
    method: 'POST',
    path: '/v1/cni/check',
    face: 'cni',
    writes: false,
    summary: 'Does the attachment still hold its addresses?',
    body: cniCheck,
    named: namedHints,
    answer: nothing,
    run: async ({ operations, caller, body }) => {
      const outcome = await operations.check(caller, body);
      const facts = attachmentFacts(caller, body);
      return outcome.ok ? { ok: true, value: {}, facts } : { ...outcome, facts };
    },
  }),
  route({
    verb: 'gc',
    method: 'POST',
    path: '/v1/cni/gc',
    face: 'cni',
    writes: true,
    summary: "Release the node's attachments of one CNI network that are not in the list of valid ones",
    body: cniGc,
    answer: released,
    run: async ({ operations, caller, body }) =>
      releasedAnswer(await operations.gc(caller, body), { node: caller.node, cniNetwork: body.cniNetwork }),
  }),
  route({
    verb: 'spool',
    method: 'POST',
    path: '/v1/cni/spool',
    face: 'cni',
    writes: true,
    summary: 'A batch of releases that could not be delivered when they happened',
    body: spool,
    named: ({ deletes }) => deletes.reduce((sum, one) => sum + 1 + namedHints(one), 0),
    answer: released,
    run: async ({ operations, caller, body }) =>
      releasedAnswer(await operations.spool(caller, body.deletes), { node: caller.node, deletes: body.deletes.length }),
  }),
];

const attachmentFacts = (caller: Caller, { cniNetwork, containerId, ifName }: CniKey) => ({
  node: caller.node,
  cniNetwork,
  containerId,
  ifName,
});

function releasedAnswer(outcome: Outcome<readonly BindingSpec[]>, facts: object): Answer {
  if (!outcome.ok) return { ...outcome, facts };
  return { ok: true, value: toReleased(outcome.value), facts: { ...facts, addresses: outcome.value.map(({ address }) => address) } };
}
