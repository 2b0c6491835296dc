/**
 * Every example of the guides is run, in order, against a real controller, and must print what the guide says.
 * BERTH_WRITE_EXAMPLES=1 writes into the guide what was printed instead.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { startController } from '../support/controller.ts';
import { installBerthctl } from './berthctl.ts';
import { normalise, readBlocks, runBlock, writeOutputs } from './document-examples.ts';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const hasTools = has('curl') && has('jq');

/** Paths of the guides, and where the test has them. */
function stage(directory: string): [shown: string, real: string][] {
  const machine = join(directory, 'machine');
  for (const name of ['bin', 'net.d', 'spool', 'work']) mkdirSync(join(machine, name), { recursive: true });
  writeFileSync(join(machine, 'bin', 'berth'), '', { mode: 0o755 });
  return [
    ['/run/berth/berth.sock', join(directory, 'berth.sock')],
    ['/opt/cni/bin', join(machine, 'bin')],
    ['/etc/cni/net.d', join(machine, 'net.d')],
    ['/var/lib/berth/spool', join(machine, 'spool')],
  ];
}

describe.each(['cli.md', 'vm-and-mac.md'])('docs/%s', (name) => {
  test.skipIf(name === 'vm-and-mac.md' && !hasTools)(
    `its examples print what it says (needs ${name === 'cli.md' ? 'bash' : 'curl and jq'})`,
    async () => {
      const controller = await startController();
      onTestFinished(() => controller.close());
      await installBerthctl(controller.directory);
      const paths = stage(controller.directory);
      const toReal = (text: string): string => paths.reduce((all, [shown, real]) => all.replaceAll(shown, real), text);
      const toShown = (text: string): string => paths.reduce((all, [shown, real]) => all.replaceAll(real, shown), text);
      const environment = {
        PATH: `${controller.directory}:${process.env['PATH']}`,
        HOME: controller.directory,
        BERTH_CONTROLLER: `unix://${controller.socket}`,
      };

      const path = join(docs, name);
      const markdown = readFileSync(path, 'utf8');
      const blocks = readBlocks(markdown);
      expect(blocks.length).toBeGreaterThan(3);
      const outputs = blocks.map((block) => {
        const real = { ...block, examples: block.examples.map((example) => ({ ...example, command: toReal(example.command) })) };
        return runBlock(real, join(controller.directory, 'machine', 'work'), environment).map(toShown);
      });
      if (process.env['BERTH_WRITE_EXAMPLES']) return writeFileSync(path, writeOutputs(markdown, blocks, outputs));
      for (const [index, { line, examples }] of blocks.entries()) {
        for (const [number, { command, output }] of examples.entries()) {
          expect({ line, command, output: normalise(outputs[index]![number]!) }).toEqual({ line, command, output: normalise(output) });
        }
      }
    },
    120_000,
  );
});

test('docs/cli.md shows every command and every option', () => {
  const markdown = readFileSync(join(docs, 'cli.md'), 'utf8');
  for (const { path, options } of COMMANDS) {
    expect(markdown, path.join(' ')).toContain(`$ berthctl ${path.join(' ')}`);
    for (const { name } of options ?? []) expect(markdown, `--${name} of ${path.join(' ')}`).toMatch(new RegExp(`--${name}\\b`));
  }
});
