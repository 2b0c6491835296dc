/**
 * The one table from what went wrong to a CNI error object (CNI specification, section 5). Never code 3: it tells
 * a runtime that no DEL is needed.
 */
import type { Problem } from '../protocol.ts';

export const Code = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  invalidEnvironment: 4,
  inputOutput: 5,
  decode: 6,
  invalidConfiguration: 7,
  ownNetworkNamespace: 8,
  tryAgainLater: 11,
  notAvailable: 50,
  /** libcni's own "internal". */
  internal: 999,
} as const;

/** What the controller's problems may say (DESIGN section 10); any other number from it becomes "try again later". */
const isControllerCode = (code: number): boolean => [4, 5, 7, 11].includes(code) || (Number.isInteger(code) && code >= 100 && code < 200);

export interface CniError {
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: CniError };

export const fine = <T>(value: T): Checked<T> => ({ ok: true, value });

export const wrong = (code: number, msg: string, details?: string): { readonly ok: false; readonly error: CniError } => ({
  ok: false,
  error: details === undefined || details === '' ? { code, msg } : { code, msg, details },
});

/** A controller's refusal, with every pool that was tried and why it refused. */
export function fromProblem(problem: Problem): CniError {
  const code = isControllerCode(problem.code) ? problem.code : Code.tryAgainLater;
  const tried = (problem.pools ?? []).map((one) => `pool "${one.pool}": ${one.detail}`).join('; ');
  return tried === '' ? { code, msg: problem.detail } : { code, msg: problem.detail, details: tried };
}

/**
 * Container runtimes take a DEL whose error contains one of two sentences for done (CNI.md 3.3), and the address
 * would leak: neither may appear in any text of a DEL.
 */
export const withoutSuccessWords = (text: string): string =>
  text.replace(/not\s+found/gi, 'unknown').replace(/no\s+such\s+file\s+or\s+directory/gi, 'absent');

/** The error object as it is printed. */
export function formatError(error: CniError, cniVersion: string, verb: string): string {
  const clean = verb === 'DEL' ? withoutSuccessWords : (text: string) => text;
  const { code, msg, details } = error;
  return JSON.stringify({
    cniVersion,
    code,
    msg: clean(msg),
    ...(details === undefined ? {} : { details: clean(details) }),
  });
}
