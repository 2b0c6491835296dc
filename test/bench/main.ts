/** `npm run bench [-- --quick] [PIECE …]`: every benchmark, one after the other; fails when one misses a bound. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const PIECES = ['core', 'store', 'controller', 'whole'];

process.chdir(resolve(import.meta.dirname, '../..'));
const options = process.argv.slice(2).filter((word) => word.startsWith('-'));
const chosen = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const unknown = chosen.filter((piece) => !PIECES.includes(piece));
if (unknown.length > 0) {
  console.error(`bench: there is no piece ${unknown.join(', ')}; there are ${PIECES.join(', ')}`);
  process.exit(2);
}

const built = spawnSync(process.execPath, ['cmd/dev/build.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] });
if (built.status !== 0) process.exit(1);
const failed: string[] = [];
for (const piece of chosen.length > 0 ? chosen : PIECES) {
  console.log(`\n## ${piece}\n`);
  const { status } = spawnSync(process.execPath, [`test/bench/${piece}.ts`, ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) failed.push(piece);
}
console.log(failed.length === 0 ? '\nevery bound held' : `\nmissed or failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
