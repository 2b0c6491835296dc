/** The real world of berthctl: this process's streams, clock, signals and disk. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { text as readAll } from 'node:stream/consumers';
import type { OutputStream, World } from '../../src/cli/world.ts';
import { files } from './files.ts';

const USUAL_COLUMNS = 80;

export interface OpenedWorld {
  readonly world: World;
  /** Ends the process once everything that was written has left it. */
  finish(exitCode: number): void;
}

export function openWorld(): OpenedWorld {
  const interruption = new AbortController();
  process.once('SIGINT', () => {
    interruption.abort(130);
    // Whoever presses it again does not want to wait for anything.
    process.once('SIGINT', () => process.exit(130));
  });
  process.once('SIGTERM', () => interruption.abort(143));

  for (const stream of [process.stdout, process.stderr]) stream.on('error', giveUp);

  const world: World = {
    stdout: outputTo(process.stdout),
    stderr: outputTo(process.stderr),
    timers: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      after(milliseconds, callback) {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      },
    },
    files,
    environment: (name) => process.env[name],
    readStandardInput: () => readAll(process.stdin),
    mayAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
    ask: (question) => ask(question, interruption.signal),
    interrupted: interruption.signal,
  };
  return {
    world,
    finish(exitCode) {
      process.exitCode = exitCode;
      // Nothing should be left to wait for but the output; an unanswered request must not keep us.
      process.stdout.write('', (error) => (error ? giveUp(error) : process.stderr.write('', () => process.exit())));
    },
  };
}

/** The output is lost. When the reader of our pipe has seen enough (| head), that is no failure. */
function giveUp(error: NodeJS.ErrnoException): never {
  // The stream is destroyed by its first error, and tells later writers only that.
  const { code } = (process.stdout.errored as NodeJS.ErrnoException | null) ?? error;
  if (code === 'EPIPE') process.exit(0);
  try {
    writeSync(2, `berthctl: the output could not be written (${code ?? error.message})\n`);
  } finally {
    process.exit(1);
  }
}

const outputTo = (stream: NodeJS.WriteStream): OutputStream => ({
  write: (text) => void stream.write(text),
  isTerminal: stream.isTTY === true,
  columns: stream.columns ?? USUAL_COLUMNS,
});

async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // readline swallows Ctrl-C while it reads.
  terminal.once('SIGINT', () => {
    process.stderr.write('\n');
    process.emit('SIGINT');
  });
  const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)));
  try {
    return await Promise.race([terminal.question(question, { signal }), closed]);
  } catch {
    return undefined;
  } finally {
    terminal.close();
  }
}
