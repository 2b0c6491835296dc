/** npm run simulate: one world or many, replayed exactly by their seeds; --help says how. */
import { parseArgs } from 'node:util';
import { plant } from './plant.ts';
import { showViolation } from './show.ts';
import type { Report } from './simulate.ts';

const HELP = `npm run simulate -- --seed 42 [--trace]       one world: its trace hash, and everything that happened
npm run simulate -- --from 1 --to 1000        many, one after the other
npm run simulate -- --bug no-grace --to 200   with a planted bug, until it is caught

  --seed N             the same as --from N --to N
  --nodes N            else the seed chooses, as it does the number of --controllers N
  --size small|full    2 to 4 nodes, or 5 to 50
  --seconds N          of trouble, 180 unless said
  --json               for programs`;

interface Options {
  readonly from: number;
  readonly to: number;
  readonly bug: string | undefined;
  readonly isTraced: boolean;
  readonly isJson: boolean;
  readonly world: { nodes?: number; controllers?: number; troubleMs?: number; isFull: boolean };
}

function readOptions(): Options {
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
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (values.size !== 'small' && values.size !== 'full') throw new Error(`--size is small or full, not ${values.size}`);
  const number = (name: string, text: string): number => {
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is a whole number from 1 on, not ${JSON.stringify(text)}`);
    return Number(text);
  };
  const from = number('from', values.seed ?? values.from);
  const { nodes, controllers, seconds } = values;
  return {
    from,
    to: number('to', values.seed ?? values.to ?? String(from)),
    bug: values.bug,
    isTraced: values.trace,
    isJson: values.json,
    world: {
      isFull: values.size === 'full',
      ...(nodes !== undefined && { nodes: number('nodes', nodes) }),
      ...(controllers !== undefined && { controllers: number('controllers', controllers) }),
      ...(seconds !== undefined && { troubleMs: number('seconds', seconds) * 1000 }),
    },
  };
}

async function main(): Promise<void> {
  const { from, to, bug, isTraced, isJson, world } = readOptions();
  if (bug !== undefined) plant(bug);
  const { simulate } = await import('./simulate.ts');
  const print = isTraced ? { print: (line: string) => void process.stdout.write(`${line}\n`) } : {};

  const marks = new Map<string, number>();
  const hashes: Record<number, string> = {};
  const total = { runs: 0, failed: 0, virtualMs: 0, restMs: 0 };
  let caught: Report | undefined;
  for (let seed = from; seed <= to && !(bug !== undefined && caught !== undefined); seed++) {
    const report = await simulate({ seed, ...world, ...print });
    total.runs++;
    total.virtualMs += report.virtualMs;
    total.restMs = Math.max(total.restMs, ...report.restMs);
    hashes[seed] = report.hash;
    for (const [name, count] of report.marks) marks.set(name, (marks.get(name) ?? 0) + count);
    if (report.violation === undefined) continue;
    total.failed++;
    caught ??= report;
    if (!isJson) console.log(showViolation(report, bug));
  }
  process.exitCode = total.failed > 0 ? 1 : 0;
  if (isJson) {
    const violation = caught && { seed: caught.seed, ...caught.violation };
    return console.log(JSON.stringify({ ...total, violation, hashes, marks: Object.fromEntries(marks) }));
  }
  if (from === to) console.log(`hash: ${hashes[from]}`);
  const [hours, rest] = [Math.round(total.virtualMs / 3_600_000), Math.round(total.restMs / 1000)];
  console.log(`${total.runs} runs, ${total.failed} failed, ${hours} h of virtual time, at rest after at most ${rest} s`);
}

await main().catch((error: unknown) => {
  // An edit that does not fit, or a planted bug that throws while it is loaded, shows its stack to the museum.
  if (process.argv.includes('--json')) throw error;
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)} (--help says more)`);
  process.exit(2);
});
