/** A program started by a test, ended by its own pid, that can be killed and started again, and does not outlive the test's process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface OwnProcess {
  readonly name: string;
  pid(): number;
  running(): boolean;
  /** The end of its log. */
  lastWords(): string;
  /** Resolves when it has ended; at once if it had. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** With the same arguments; not while it runs. */
  start(): void;
}

/** Starts it; output is appended to the file `log`. */
export function startProcess(program: string, args: readonly string[], log: string): OwnProcess {
  let child: ChildProcess;
  const running = (): boolean => child.exitCode === null && child.signalCode === null;

  function start(): void {
    const output = openSync(log, 'a');
    // A worker that is killed runs no clean-up of its own; the kernel then ends what it had started.
    const [command, ...before] = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', program] : [program];
    child = spawn(command!, [...before, ...args], { stdio: ['ignore', output, output] });
    closeSync(output);
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    if (!running()) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  start();
  return {
    name: basename(program),
    pid: () => child.pid ?? 0,
    running,
    lastWords: () => readFileSync(log, 'utf8').slice(-3000),
    kill,
    start,
  };
}
