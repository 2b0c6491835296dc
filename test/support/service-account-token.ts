/** Tokens of the cluster tier's API server. */
import { request } from './cluster.ts';
import { mintTokenOn, type TokenWanted } from './tokens-on.ts';

export type { TokenWanted } from './tokens-on.ts';

export const mintToken = (wanted: TokenWanted): Promise<string> => mintTokenOn(request, wanted);
