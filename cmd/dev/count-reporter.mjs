/**
 * A vitest reporter that only counts: passed, failed (with what each said), skipped (with the reason) per file of test/,
 * as JSON into BERTH_TEST_COUNTS.
 */
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const files = {};
    for (const module of modules) {
      const counts = { passed: 0, failures: [], skipped: [], seconds: module.diagnostic().duration / 1000 };
      files[module.relativeModuleId] = counts;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') counts.passed++;
        else if (result.state === 'skipped') counts.skipped.push({ name: test.fullName, reason: result.note ?? '' });
        else counts.failures.push({ name: test.fullName, said: said(result.errors) });
      }
      // A file that does not load has no test to fail; one whose hook failed may have none that did.
      const tests = counts.passed + counts.failures.length + counts.skipped.length;
      if (tests === 0 || (module.errors().length > 0 && counts.failures.length === 0)) {
        counts.failures.push({ name: 'the file', said: said(module.errors()) });
      }
    }
    writeFileSync(process.env['BERTH_TEST_COUNTS'], JSON.stringify({ files, unhandled: unhandledErrors.map((error) => said([error])) }));
  }
}

/** The first lines of what errors say, and where they come from. */
function said(errors = []) {
  return errors
    .map((error) =>
      [error.message, error.diff, error.stacks?.[0] && `at ${error.stacks[0].file}:${error.stacks[0].line}`].filter(Boolean).join('\n'),
    )
    .join('\n')
    .split('\n')
    .slice(0, 40)
    .join('\n');
}
