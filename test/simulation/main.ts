/**
 * npm run simulate -- --seed 42 [--trace]       one run, and its trace
 * npm run simulate -- --from 1 --to 1000        many, and the table of what was reached
 * npm run simulate -- --bug no-grace --to 200   until a planted bug is caught
 */
import { parseArgs } from 'node:util';
import { plant } from './plant.ts';
import type { Report } from './simulate.ts';
import { showViolation } from './show.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    to: { type: 'string' },
    nodes: { type: 'string' },
    controllers: { type: 'string' },
    size: { type: 'string', default: 'small' },
    seconds: { type: 'string' },
    bug: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const from = number(values.seed ?? values.from)!;
const to = number(values.seed ?? values.to) ?? from;
if (values.bug !== undefined) plant(values.bug);
const { simulate } = await import('./simulate.ts');

const marks = new Map<string, number>();
const hashes: Record<number, string> = {};
let failed = 0;
let runs = 0;
let restMs = 0;
let virtualMs = 0;
let caught: Report | undefined;
for (let seed = from; seed <= to; seed++) {
  const report = await simulate({
    seed,
    isFull: values.size === 'full',
    ...(values.nodes !== undefined && { nodes: number(values.nodes)! }),
    ...(values.controllers !== undefined && { controllers: number(values.controllers)! }),
    ...(values.seconds !== undefined && { troubleMs: number(values.seconds)! * 1000 }),
    ...(values.trace && { print: (line: string) => void process.stdout.write(`${line}\n`) }),
  });
  runs++;
  virtualMs += report.virtualMs;
  restMs = Math.max(restMs, ...report.restMs);
  hashes[seed] = report.hash;
  for (const [name, count] of report.marks) marks.set(name, (marks.get(name) ?? 0) + count);
  if (report.violation !== undefined) {
    failed++;
    caught ??= report;
    if (!values.json) console.log(showViolation(report));
    if (values.bug !== undefined) break;
  }
}
if (values.json) {
  const violation = caught && { seed: caught.seed, ...caught.violation };
  console.log(JSON.stringify({ runs, failed, virtualMs, restMs, violation, hashes, marks: Object.fromEntries(marks) }));
} else {
  if (from === to) console.log(`hash: ${hashes[from]}`);
  console.log(
    `${runs} runs, ${failed} failed, ${Math.round(virtualMs / 3_600_000)} h of virtual time, at rest after at most ${Math.round(restMs / 1000)} s`,
  );
}
process.exitCode = failed > 0 ? 1 : 0;
