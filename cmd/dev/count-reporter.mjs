/** A vitest reporter that only counts: passed, failed, skipped (with the reason) per folder of test/, as JSON into BERTH_TEST_COUNTS. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const folders = {};
    for (const module of modules) {
      const folder = relative('test', module.relativeModuleId ?? module.moduleId).split('/')[0];
      const counts = (folders[folder] ??= { passed: 0, failed: 0, skipped: [], seconds: 0 });
      counts.seconds += module.diagnostic().duration / 1000;
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests++;
        const result = test.result();
        if (result.state === 'passed') counts.passed++;
        else if (result.state === 'skipped') counts.skipped.push({ name: test.fullName, reason: result.note ?? '' });
        else counts.failed++;
      }
      // A file that does not load has no test to fail.
      if (tests === 0 || (module.errors().length > 0 && counts.failed === 0)) counts.failed++;
    }
    writeFileSync(process.env['BERTH_TEST_COUNTS'], JSON.stringify({ folders, unhandled: unhandledErrors.length }));
  }
}
