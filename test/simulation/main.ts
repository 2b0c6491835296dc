import { simulate } from './simulate.ts';
const seed = Number(process.argv[2] ?? 1);
const last = Number(process.argv[3] ?? seed);
const verbose = process.argv.includes('-v');
const started = performance.now();
let bad = 0;
for (let one = seed; one <= last; one++) {
  const report = await simulate({ seed: one, ...(verbose && { print: (line: string) => console.log(line) }) });
  if (report.violation !== undefined || seed === last) {
    bad++;
    console.log(one, JSON.stringify(report.setting), report.hash, report.violation, report.events, Math.round(report.virtualMs / 1000), report.restMs, report.sandboxes);
  }
}
console.log(`${bad} of ${last - seed + 1}, ${Math.round(performance.now() - started)} ms`);
