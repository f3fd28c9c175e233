/** Runs groups one after another. */
import { describeEnvironment } from './environment.ts';
import type { BenchContext, BenchGroup, BenchReport, GroupReport } from './report.ts';

/** @param finished told each group when it is done. */
export async function runBench(
  groups: readonly BenchGroup[],
  context: BenchContext,
  finished: (name: string, report: GroupReport) => void | Promise<void>,
): Promise<BenchReport> {
  const report: BenchReport = {};
  for (const group of groups) {
    const environment = await describeEnvironment(context.quick);
    const findings = await group.run(context);
    const made: GroupReport = { environment, figures: [], ...findings };
    report[group.name] = made;
    await finished(group.name, made);
  }
  return report;
}
