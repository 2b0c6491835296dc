/** berth-controller: reads the command line, does what it says, exits with what came of it. */
import { backUp } from './backup.ts';
import { StartFailure } from './explain-failure.ts';
import { UsageError, readCommandLine } from './flags.ts';
import { run } from './run.ts';

async function main(): Promise<void> {
  const command = await readCommandLine(process.argv.slice(2));
  if (command.kind === 'said') process.stdout.write(`${command.text}\n`);
  else if (command.kind === 'backup') await backUp(command.path, command.destination);
  else await run(command.options);
}

/** A bug's stack goes out as a log line, so that what a person reads stays one sentence. */
function report(error: unknown): number {
  if (error instanceof UsageError) return say(error.message, 2);
  if (error instanceof StartFailure) return say(error.message, error.exitCode);
  const { stack, message } = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`${JSON.stringify({ level: 'fatal', time: new Date().toISOString(), message: 'bug', err: { message, stack } })}\n`);
  return say('stopped by a bug; the line above has its details. What was acknowledged is kept: start it again.', 1);
}

function say(message: string, exitCode: number): number {
  process.stderr.write(`berth-controller: ${message}\n`);
  return exitCode;
}

process.on('uncaughtException', (error) => process.exit(report(error)));
main().then(
  () => process.exit(0),
  (error: unknown) => process.exit(report(error)),
);
