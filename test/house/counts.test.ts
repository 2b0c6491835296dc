import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

interface Counts {
  readonly files: Record<
    string,
    { passed: number; failures: { name: string; said: string }[]; skipped: { name: string; reason: string }[] }
  >;
  readonly unhandled: string[];
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

  test('are kept by file, with what failures said and the reasons of what was skipped', async () => {
    const { files, unhandled } = await count({
      'one/a.test.ts': "test('yes', () => { expect(1).toBe(1); });\ntest('no', () => { expect(1).toBe(2); });\n",
      'one/deep/b.test.ts': "test('not here', (context) => { context.skip('no root'); });\n",
      'two/c.test.ts':
        "describe.skip('never (not Linux)', () => { test('left out', () => { expect(1).toBe(1); }); });\ntest('yes', () => { expect(1).toBe(1); });\n",
    });
    expect(unhandled).toEqual([]);
    const said = expect.stringContaining('expected 1 to be 2') as string;
    expect(files['test/one/a.test.ts']).toMatchObject({ passed: 1, failures: [{ name: 'no', said }], skipped: [] });
    expect(files['test/one/deep/b.test.ts']).toMatchObject({ passed: 0, failures: [], skipped: [{ name: 'not here', reason: 'no root' }] });
    const skipped = [{ name: 'never (not Linux) > left out', reason: '' }];
    expect(files['test/two/c.test.ts']).toMatchObject({ passed: 1, failures: [], skipped });
  });

  test('a file that does not load, one without tests and a hook that fails are failures', async () => {
    const { files } = await count({
      'broken/a.test.ts': "import './nowhere.ts';\ntest('never seen', () => {});\n",
      'empty/b.test.ts': '',
      'hook/c.test.ts': "import { beforeAll } from 'vitest';\nbeforeAll(() => { throw new Error('no'); });\ntest('not run', () => {});\n",
    });
    expect(
      Object.entries(files)
        .map(([name, { passed, failures }]) => [name, passed, failures.length])
        .toSorted(),
    ).toEqual([
      ['test/broken/a.test.ts', 0, 1],
      ['test/empty/b.test.ts', 0, 1],
      ['test/hook/c.test.ts', 0, 1],
    ]);
  });

  test('an error outside any test is told', async () => {
    const { files, unhandled } = await count({
      'late/a.test.ts':
        "test('yes', () => { setTimeout(() => { throw new Error('late'); }, 1); return new Promise((r) => setTimeout(r, 50)); });\n",
    });
    expect(unhandled.length + files['test/late/a.test.ts']!.failures.length).toBeGreaterThan(0);
  });
});
