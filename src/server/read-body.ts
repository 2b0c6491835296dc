/** A request's body as checked JSON, within bounds. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { Problem } from '../protocol.ts';
import { httpProblem, toProblem } from './problem.ts';

export const LARGEST_BODY = 1024 * 1024;
/** A body that is too large is read to its end up to here, so that the caller sees the answer and not a reset. */
const LARGEST_DISCARDED = 16 * LARGEST_BODY;

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }
  /** The caller went away before it had said everything. */
  | { readonly ok: false; readonly problem?: undefined };

export async function readJson(request: IncomingMessage, schema: z.ZodType<unknown>, optional: boolean): Promise<Read<unknown>> {
  const type = request.headers['content-type'];
  const mayBeAbsent = optional && type === undefined;
  if (!mayBeAbsent && !/^application\/json(\s*;|\s*$)/i.test(type ?? '')) {
    return { ok: false, problem: httpProblem(415, 'Not JSON', 'The body must be sent as content-type: application/json.') };
  }
  const body = await readBody(request);
  if (!body.ok) return body;
  if (optional && body.value.length === 0) return checkValue(schema, {});
  if (!isUtf8(body.value)) return malformed('The body is not UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(body.value.toString('utf8'));
  } catch {
    return malformed('The body is not JSON.');
  }
  return checkValue(schema, value);
}

function readBody(request: IncomingMessage): Promise<Read<Buffer>> {
  const tooLarge = {
    ok: false,
    problem: httpProblem(413, 'Too large', `The body is larger than ${LARGEST_BODY} bytes.`),
  } as const;
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_DISCARDED) return Promise.resolve(tooLarge);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= LARGEST_BODY) chunks.push(chunk);
      else if (length > LARGEST_DISCARDED) {
        request.pause();
        resolve(tooLarge);
      }
    });
    request.on('end', () => resolve(length > LARGEST_BODY ? tooLarge : { ok: true, value: joined(chunks, length) }));
    request.on('error', () => resolve({ ok: false }));
    request.on('close', () => resolve({ ok: false }));
  });
}

const joined = (chunks: readonly Buffer[], length: number): Buffer =>
  chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length);

/** Names the field and the rule, never the value: what was sent by mistake may be a secret. */
export function checkValue<T>(schema: z.ZodType<T>, value: unknown, whole = 'the body'): Read<T> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  return malformed(describeIssues(result.error.issues, whole));
}

const SHOWN_ISSUES = 3;

export function describeIssues(issues: readonly z.core.$ZodIssue[], whole: string): string {
  const shown = issues.slice(0, SHOWN_ISSUES).map((issue) => describeIssue(issue, whole));
  const more = issues.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
}

function describeIssue(issue: z.core.$ZodIssue, whole: string): string {
  const path = issue.path.map(String).join('.').slice(0, 200);
  return `${path === '' ? whole : path}: ${lowerFirst(issue.message.slice(0, 300))}`;
}

const lowerFirst = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);

const malformed = (detail: string) => ({ ok: false, problem: toProblem({ reason: 'InvalidRequest', detail }) }) as const;
