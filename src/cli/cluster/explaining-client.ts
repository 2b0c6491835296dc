/** A client whose refusals by right are told to a person, with the right that is missing, instead of to a controller's log. */
import { RefusedError } from '../../client/errors.ts';
import type { RefusalReason } from '../../protocol.ts';
import type { Client } from '../../kubernetes/client.ts';
import { describeStatus, type ApiAnswer, type ApiStatus } from '../../kubernetes/status.ts';
import { toProblem } from '../../server/problem.ts';

export const refused = (reason: RefusalReason, detail: string): RefusedError => new RefusedError(toProblem({ reason, detail }));

/** Throws RefusedError where the API server says who may not, or knows no such kind; every other answer is passed on. */
export function explainingClient(client: Client): Client {
  const told = async <T>(asked: Promise<ApiAnswer<T>>): Promise<ApiAnswer<T>> => {
    const answer = await asked;
    if (!answer.ok) throwIfTelling(answer.status);
    return answer;
  };
  return {
    list: (type, query, options) => told(client.list(type, query, options)),
    get: (type, target, options) => told(client.get(type, target, options)),
    create: (type, object, options) => told(client.create(type, object, options)),
    replace: (type, object, options) => told(client.replace(type, object, options)),
    patch: (type, target, patch, options) => told(client.patch(type, target, patch, options)),
    remove: (type, target, preconditions, options) => told(client.remove(type, target, preconditions, options)),
    review: (type, review, options) => told(client.review(type, review, options)),
    watch: (type, query, options) => told(client.watch(type, query, options)),
  };
}

function throwIfTelling(status: ApiStatus): void {
  const { reason, message } = status;
  if (reason === 'Forbidden') throw refused('NotAllowed', describeStatus(status));
  if (reason === 'Invalid') throw refused('InvalidRequest', message);
  if (reason === 'Unauthorized') throw refused('Unauthenticated', `the API server does not accept these credentials: ${message}`);
  if (reason === 'NoSuchResource')
    throw refused('NotAllowed', `this cluster does not know Berth's resources; install the CRDs of deploy/crds: ${message}`);
}
