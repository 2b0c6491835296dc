import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

interface Counts {
  readonly folders: Record<string, { passed: number; failed: number; skipped: { name: string; reason: string }[] }>;
  readonly unhandled: number;
}

/** `npm test` believes this reporter: what is not green must not be counted as green. */
describe('the counts of a test run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'berth-counts-'));
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'vitest.config.ts'), "export default { test: { include: ['test/**/*.test.ts'] } };\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function count(files: Record<string, string>): Promise<Counts> {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, 'test', path, '..'), { recursive: true });
      writeFileSync(join(folder, 'test', path), `import { describe, expect, test } from 'vitest';\n${text}`);
    }
    const counts = join(folder, 'counts.json');
    const args = [resolve('node_modules/vitest/vitest.mjs'), 'run', `--reporter=${resolve('cmd/dev/count-reporter.mjs')}`];
    await new Promise<void>((done) => {
      execFile(process.execPath, args, { cwd: folder, env: { ...process.env, BERTH_TEST_COUNTS: counts } }, () => done());
    });
    return JSON.parse(readFileSync(counts, 'utf8')) as Counts;
  }

  test('are kept by folder, with the reasons of what was skipped', async () => {
    const { folders, unhandled } = await count({
      'one/a.test.ts': "test('yes', () => { expect(1).toBe(1); });\ntest('no', () => { expect(1).toBe(2); });\n",
      'one/deep/b.test.ts': "test('not here', (context) => { context.skip('no root'); });\n",
      'two/c.test.ts':
        "describe.skip('never (not Linux)', () => { test('left out', () => { expect(1).toBe(1); }); });\ntest('yes', () => { expect(1).toBe(1); });\n",
    });
    expect(unhandled).toBe(0);
    expect(folders['one']).toMatchObject({ passed: 1, failed: 1, skipped: [{ name: 'not here', reason: 'no root' }] });
    expect(folders['two']).toMatchObject({ passed: 1, failed: 0, skipped: [{ name: 'never (not Linux) > left out', reason: '' }] });
  });

  test('a file that does not load, one without tests and a hook that fails are failures', async () => {
    const { folders } = await count({
      'broken/a.test.ts': "import './nowhere.ts';\ntest('never seen', () => {});\n",
      'empty/b.test.ts': '',
      'hook/c.test.ts': "import { beforeAll } from 'vitest';\nbeforeAll(() => { throw new Error('no'); });\ntest('not run', () => {});\n",
    });
    expect(
      Object.entries(folders)
        .map(([name, { passed, failed }]) => [name, passed, failed])
        .toSorted(),
    ).toEqual([
      ['broken', 0, 1],
      ['empty', 0, 1],
      ['hook', 0, 1],
    ]);
  });

  test('an error outside any test is told', async () => {
    const { folders, unhandled } = await count({
      'late/a.test.ts':
        "test('yes', () => { setTimeout(() => { throw new Error('late'); }, 1); return new Promise((r) => setTimeout(r, 50)); });\n",
    });
    expect(unhandled + folders['late']!.failed).toBeGreaterThan(0);
  });
});
