/**
 * `npm test [-- --only TIER] [--no-skips] [file filter …]`: builds what is tested, then runs the tiers in order and
 * counts. A tier or a test that could not run is named with its reason and counts as skipped, never as passed.
 * What failed is said once more at the end. The last line is `N passed, N failed`, with `, N skipped` behind it if there were any.
 *
 * BERTH_TEST_AGAIN=1, for machines that others use at the same time: a file with a failed test runs a second time, and
 * the second time counts; the end names what passed only then. Not where one failure is a verdict on Berth (`VERDICTS`).
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { bin, fail, node, root, run, stopwatch } from './steps.mjs';

/** Tiers of their own: slow, or they need the machine. All other folders of test/ are one vitest run. */
const OWN_TIERS = {
  conformance: { folders: ['conformance'] },
  crash: { folders: ['crash'] },
  netns: { folders: ['netns'] },
  simulation: { folders: ['simulation', 'history'] },
  cluster: { folders: ['cluster', 'crds'], project: 'cluster' },
};
const HELPERS = ['support', 'suites', 'bench'];

/** Seeds, kills and histories: what fails here once has failed, whatever it does the second time. */
const VERDICTS = ['test/conformance/', 'test/crash/', 'test/simulation/', 'test/history/', 'test/cluster/storm'];

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', multiple: true }, 'no-skips': { type: 'boolean', default: false } },
});

async function main() {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const rows = [];
  const all =
    filters.length > 0
      ? [
          ['build', () => once(buildAll)],
          ['chosen', () => vitest(['.'], { selected: filters, project: '*' })],
        ]
      : tiers();
  const names = all.map(([name]) => name);
  const unknown = (options.only ?? []).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no tier ${unknown}: --only takes ${names.join(', ')}`);
  for (const [name, tier] of all.filter(([name]) => options.only === undefined || options.only.includes(name))) {
    console.log(`\n── ${name} ──`);
    const seconds = stopwatch();
    const parts = Object.entries(await tier());
    for (const [part, count] of parts) {
      // Folders of one run: each file's time, added up; two run at a time. A tier of one part: by the clock.
      const row = { ...count, name: part === '' ? name : part, seconds: parts.length > 1 ? count.seconds : seconds() };
      rows.push(row);
      totals.passed += row.passed;
      totals.failed += row.failures.length;
      totals.skipped += row.skipped.length;
    }
  }
  report(rows, totals);
}

function tiers() {
  const taken = [...Object.values(OWN_TIERS).flatMap((tier) => tier.folders), ...HELPERS];
  const unit = readdirSync(join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !taken.includes(entry.name) && hasTests(join(root, 'test', entry.name)))
    .map((entry) => entry.name);
  return [
    ['build', () => once(buildAll)],
    ['types', () => once(() => run(join(bin, 'tsc'), ['-p', '.']))],
    ['lint', () => once(() => run(join(bin, 'oxlint'), ['--quiet']))],
    ['format', () => once(() => run(join(bin, 'prettier'), ['--check', '--log-level', 'warn', '**/*.{ts,mjs,json}']))],
    ['unit', () => vitest(unit)],
    ...Object.entries(OWN_TIERS).map(([name, { folders, project }]) => [name, () => vitest(folders, { project })]),
  ];
}

async function buildAll() {
  await build();
  return 0;
}

/** A check that passes or fails as a whole. */
async function once(check) {
  const code = await check().catch((error) => {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  });
  return { '': code === 0 ? { ...failure(), passed: 1 } : failure(`ended with ${code}`) };
}

/** Runs folders of test/, or the selected files; returns counts per folder. */
async function vitest(folders, { project = 'here', selected } = {}) {
  const scratch = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const counts = join(scratch, 'counts.json');
  const notes = join(scratch, 'notes');
  try {
    const present = folders.filter((folder) => hasTests(join(root, 'test', folder)));
    if (present.length === 0) return { [folders[0]]: failure('no tests') }; // a tier without tests is not green
    const args = ['run', `--project=${project}`, '--reporter=default', '--reporter=./cmd/dev/count-reporter.mjs', '--silent=passed-only'];
    const vitestRun = async (files) => {
      rmSync(counts, { force: true });
      const code = await run(node, [join(root, 'node_modules/vitest/vitest.mjs'), ...args, ...files], {
        env: { BERTH_TEST_COUNTS: counts, BERTH_TEST_NOTES: notes },
      });
      return readCounts(counts, code);
    };
    // A filter is a piece of a path; folders are given with their slashes so that `cli` does not also mean `client`.
    const files = await vitestRun(selected ?? present.map((folder) => `test/${folder}/`));
    const again = Object.keys(files).filter((file) => files[file].failures.length > 0 && existsSync(join(root, file)));
    if (
      process.env['BERTH_TEST_AGAIN'] === '1' &&
      again.length > 0 &&
      !again.some((file) => VERDICTS.some((verdict) => file.startsWith(verdict)))
    ) {
      console.log(`\n── again: ${again.join(', ')} ──`);
      const second = await vitestRun(again);
      for (const file of again) flaky.push(...files[file].failures.map(({ name, said }) => ({ name: `${file} > ${name}`, said })));
      Object.assign(files, second);
    }
    if (existsSync(notes)) console.log(readFileSync(notes, 'utf8'));
    return byFolder(files);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What failed the first time and was run again. */
const flaky = [];

/** @returns {Record<string, { passed: number, failures: { name: string, said: string }[], skipped: object[], seconds: number }>} by file */
function readCounts(path, code) {
  let counted;
  try {
    counted = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { 'outside any test': failure('the test runner ended without a count: taken as a failure') };
  }
  const { files, unhandled } = counted;
  const failures = Object.values(files).reduce((sum, file) => sum + file.failures.length, 0);
  // Errors outside any test, or a runner that fails for a reason of its own, must not look like success.
  if (unhandled.length > 0 || (code !== 0 && failures === 0)) {
    files['outside any test'] = failure(...(unhandled.length > 0 ? unhandled : [`the test runner ended with ${code}`]));
  }
  return files;
}

function failure(...said) {
  return { passed: 0, failures: said.map((text) => ({ name: '', said: text })), skipped: [], seconds: 0 };
}

/** Counts of files added up to those of their folders of test/. */
function byFolder(files) {
  const folders = {};
  for (const [file, counts] of Object.entries(files)) {
    const folder = file.startsWith('test/') ? file.split('/')[1] : file;
    const sum = (folders[folder] ??= { passed: 0, failures: [], skipped: [], seconds: 0 });
    sum.passed += counts.passed;
    sum.failures.push(...counts.failures.map(({ name, said }) => ({ name: `${file} > ${name}`, said })));
    sum.skipped.push(...counts.skipped);
    sum.seconds += counts.seconds;
  }
  return folders;
}

function hasTests(folder) {
  return existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => name.endsWith('.test.ts'));
}

function report(rows, totals) {
  console.log('\ntier             passed  failed  skipped  seconds');
  for (const row of rows) {
    const cells = [row.passed, row.failures.length, row.skipped.length].map((count, index) => String(count).padStart([6, 8, 9][index]));
    console.log(`${row.name.padEnd(17)}${cells.join('')}${row.seconds.toFixed(1).padStart(9)}`);
  }
  const skipped = rows.flatMap((row) => groupSkipped(row.skipped).map((line) => `  ${row.name}: ${line}`));
  if (skipped.length > 0) console.log(`\nskipped:\n${skipped.join('\n')}`);
  for (const row of rows) for (const { name, said } of row.failures) console.log(`\nFAILED ${row.name}: ${name}\n${indent(said)}`);
  for (const { name, said } of flaky) console.log(`\nFAILED the first time, run again: ${name}\n${indent(said)}`);
  if (options['no-skips'] && totals.skipped > 0) console.log('\nskipped tests count as a failure here (--no-skips)');
  process.exitCode = totals.failed > 0 || (options['no-skips'] && totals.skipped > 0) ? 1 : 0;
  console.log(`\n${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
}

function indent(text) {
  return text.replaceAll(/^/gm, '  ');
}

/** A line for each suite that could not run as a whole: its title ends with the reason in brackets. A line for each other test. */
function groupSkipped(tests) {
  const groups = new Map();
  for (const { name, reason } of tests) {
    const titles = name.split(' > ');
    const at = titles.findIndex((title) => title.endsWith(')'));
    const suite = reason === '' && at >= 0 && at < titles.length - 1;
    const line = suite ? titles.slice(0, at + 1).join(' > ') : `${name}${reason === '' ? '' : `: ${reason}`}`;
    groups.set(line, (groups.get(line) ?? 0) + 1);
  }
  return [...groups].map(([line, count]) => (count === 1 ? line : `${line}: ${count} tests`));
}

await main().catch((error) => fail('test', error));
