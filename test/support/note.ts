/** Tables that `npm test` shows below its own: what a test has found out beyond passed and failed. */
import { appendFileSync } from 'node:fs';

export function note(text: string): void {
  const path = process.env['BERTH_TEST_NOTES'];
  if (path === undefined) console.log(text);
  else appendFileSync(path, `\n${text}\n`);
}
