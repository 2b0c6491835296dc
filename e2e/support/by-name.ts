import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** vitest would run what failed last first; here a later suite is harder on the cluster than an earlier one. */
export class ByName extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((one, other) => one.moduleId.localeCompare(other.moduleId)));
  }
}
