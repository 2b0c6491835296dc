/** A client whose refusals by right are told to a person, with the right that is missing, instead of to a controller's log. */
import { RefusedError } from '../../client/errors.ts';
import type { RefusalReason } from '../../protocol.ts';
import type { CallOptions, Client } from '../../kubernetes/client.ts';
import { describeStatus, type ApiAnswer, type ApiStatus } from '../../kubernetes/status.ts';
import { toProblem } from '../../server/problem.ts';

export const refused = (reason: RefusalReason, detail: string): RefusedError => new RefusedError(toProblem({ reason, detail }));

/** Each call has the one deadline. Throws RefusedError where the API server says who may not, or knows no such kind; every other answer is passed on. */
export function explainingClient(client: Client, deadlineMs: number): Client {
  const within = <T extends CallOptions>(options: T | undefined) => ({ ...(options as T), deadlineMs });
  const told = async <T>(asked: Promise<ApiAnswer<T>>): Promise<ApiAnswer<T>> => {
    const answer = await asked;
    if (!answer.ok) throwIfTelling(answer.status);
    return answer;
  };
  return {
    list: (type, query, options) => told(client.list(type, query, within(options))),
    get: (type, target, options) => told(client.get(type, target, within(options))),
    create: (type, object, options) => told(client.create(type, object, within(options))),
    replace: (type, object, options) => told(client.replace(type, object, within(options))),
    patch: (type, target, patch, options) => told(client.patch(type, target, patch, within(options))),
    remove: (type, target, preconditions, options) => told(client.remove(type, target, preconditions, within(options))),
    review: (type, review, options) => told(client.review(type, review, within(options))),
    watch: (type, query, options) => told(client.watch(type, query, within(options))),
  };
}

function throwIfTelling(status: ApiStatus): void {
  const { reason, message } = status;
  // Of a policy's refusal what matters comes last; which policy it was is for whoever wrote it.
  const told = /denied request: (.*)$/s.exec(message)?.[1];
  if (reason === 'Forbidden') throw refused('NotAllowed', told ?? describeStatus(status));
  if (reason === 'Invalid') throw refused('InvalidRequest', message);
  if (reason === 'Unauthorized') throw refused('Unauthenticated', `the API server does not accept these credentials: ${message}`);
  if (reason === 'NoSuchResource')
    throw refused('NotAllowed', `this cluster does not know Berth's resources; install the CRDs of deploy/crds: ${message}`);
}
