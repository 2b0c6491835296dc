/**
 * One request, one answer, then the connection ends: HTTP/1.0, so that an answer is never chunked. What is not whole
 * JSON counts as no answer at all, and of a JSON object no proper beginning is JSON: a cut answer cannot pass for
 * a short one.
 */
import { isPlain, parseJson, type Plain, toAsciiJson } from './plain.ts';

export interface Answer {
  readonly status: number;
  /** Absent where the body is no JSON object. */
  readonly body?: Plain;
  readonly retryAfterSeconds?: number;
}

export function formatRequest(path: string, server: string, token: string, body: unknown): string {
  const text = toAsciiJson(body);
  const lines = [
    `POST ${path} HTTP/1.0`,
    `Host: ${server}`,
    'Content-Type: application/json',
    `Content-Length: ${text.length}`,
    ...(token === '' ? [] : [`Authorization: Bearer ${token}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}

export function parseAnswer(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, Math.max(end, 0)).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(head[0] ?? '')?.[1]);
  if (end < 0 || Number.isNaN(status)) return undefined;
  const body = parseJson(text.slice(end + 4));
  const retryAfter = head.map((line) => /^retry-after:\s*(\d{1,6})\s*$/i.exec(line)?.[1]).find((found) => found !== undefined);
  return {
    status,
    ...(isPlain(body) ? { body } : {}),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) }),
  };
}
