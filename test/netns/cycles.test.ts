import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Stage } from './stage.ts';
import { MAIN_PLUGINS, setStage, titled } from './stage.ts';

const CYCLES = 100;

// The oldest main plugins that are here: the cycles are about us, not about them.
const plugins = MAIN_PLUGINS.find((candidate) => candidate.missing === undefined) ?? MAIN_PLUGINS[0]!;

describe.skipIf(plugins.missing !== undefined)(titled('cycles', plugins.missing), () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage(plugins);
    for (const container of ['red', 'blue']) await stage.namespaces.add(container);
  });
  afterAll(() => stage.close());

  test(`C158 after ${CYCLES} attachments and detachments as many addresses are free as before`, { timeout: 120_000 }, async () => {
    const config = stage.config('bridge', { bridge: 'br0', isGateway: true });
    const before = await stage.free();
    const cycle = async (container: string) => {
      for (let count = 0; count < CYCLES / 2; count++) {
        // Every cycle is another sandbox, as with a pod that is started again.
        const containerId = `${container}-${count}`;
        const added = await stage.call('ADD', container, config, { containerId });
        expect(added, added.stdout).toMatchObject({ code: 0 });
        expect(await stage.call('DEL', container, config, { containerId })).toMatchObject({ code: 0 });
      }
    };
    await Promise.all([cycle('red'), cycle('blue')]);
    expect(await stage.held()).toEqual([]);
    expect(await stage.free()).toBe(before);
  });
});
