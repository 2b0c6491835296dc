/** The commands' contract, answered by a controller on its socket. */
import { afterAll, describe } from 'vitest';
import { startController } from '../support/controller.ts';
import { berthctl } from './berthctl.ts';
import { describeCommands } from './command-contract.ts';

describe('berthctl and a controller on its socket', () => {
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const stop of stops) await stop();
  });
  describeCommands(async () => {
    const controller = await startController();
    stops.push(controller.close);
    return {
      run: (argv, options) => berthctl(argv, { socket: controller.socket, ...options }),
      async hold(held) {
        const { status, text } = await controller.ask('POST', '/v1/allocate', { pools: ['blue'], ...held });
        if (status !== 200) throw new Error(text);
      },
      pod: () => Promise.resolve(),
    };
  });
});
