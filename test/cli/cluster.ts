/** One real controller for a test file, and the few calls that set a scene. */
import { afterAll, beforeAll } from 'vitest';
import { startController, type RunningController } from '../support/controller.ts';
import { berthctl, type Result, type RunOptions } from './berthctl.ts';

export interface Scene {
  readonly controller: () => RunningController;
  run(command: string | readonly string[], options?: RunOptions): Promise<Result>;
  /** Fails unless it ends with 0; returns what it printed. */
  done(command: string | readonly string[], options?: RunOptions): Promise<string>;
  /** Applies a pool with placement Lowest, so that addresses can be foretold. */
  pool(name: string, cidr: string, more?: object): Promise<void>;
}

export function withController(): Scene {
  let controller: RunningController;
  beforeAll(async () => {
    controller = await startController();
  });
  afterAll(() => controller.close());

  const run: Scene['run'] = (command, options) => {
    const argv = typeof command === 'string' ? command.split(' ') : command;
    return berthctl(argv, { socket: controller.socket, ...options });
  };
  const done: Scene['done'] = async (command, options) => {
    const { stdout, stderr, exitCode } = await run(command, options);
    if (exitCode !== 0) throw new Error(`${String(command)} ended with ${exitCode}: ${stdout}${stderr}`);
    return stdout;
  };
  return {
    controller: () => controller,
    run,
    done,
    async pool(name, cidr, more = {}) {
      await done('pool apply -f -', { input: JSON.stringify(poolDocument(name, cidr, more)) });
    },
  };
}

export const poolDocument = (name: string, cidr: string, more: object = {}): object => ({
  apiVersion: 'berth-ipam.dev/v1alpha1',
  kind: 'AddressPool',
  metadata: { name },
  spec: { ranges: [{ cidr }], placement: 'Lowest', ...more },
});

/** Text of a test as people read it: without the indentation of the code around it. */
export function lines(strings: TemplateStringsArray, ...values: unknown[]): string {
  const text = String.raw({ raw: strings.raw }, ...values).replace(/^\n/, '');
  const indent = /^ */.exec(text)![0];
  return text
    .split('\n')
    .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trim()))
    .join('\n');
}
