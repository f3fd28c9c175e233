/** What one table or figure of the paper consists of. */
import type { Block } from './document.ts';
import type { ShownTable } from './shown_examples.ts';
import type { Study, Tell } from './study.ts';
import type { StudyModelName } from './study_models.ts';

export interface Findings<Result> {
  /** Every number; JSON. */
  readonly result: Result;
  /** PNG files by name. */
  readonly figures?: Readonly<Record<string, Uint8Array>>;
  /** Some of the images that its table counts. */
  readonly shown?: ShownTable;
}

export interface Experiment<Result> {
  /** As --only takes it. */
  readonly name: string;
  /** Other names that --only takes for it. */
  readonly aliases?: readonly string[];
  readonly title: string;
  /** Counted up when what it does changes, so that kept results are made anew. */
  readonly version: number;
  /** Constants that decide the result, so that changing them makes it anew, too. */
  readonly parameters?: unknown;
  readonly models: readonly StudyModelName[];
  /** JSON that tells apart what it reads beside the study's own data. */
  source?(study: Study): Promise<unknown>;
  /** Of a full run without the models, roughly; for the time left. */
  readonly seconds: number;
  run(study: Study, tell: Tell): Promise<Findings<Result>>;
  render(result: Result): Block[];
  /** What the results of several seeds come to; absent where one seed is all there is. */
  renderSeeds?(results: readonly Result[]): Block[];
}

/** An experiment in a list of different ones: its result is what its own `run` gave, kept as JSON. */
export type AnyExperiment = Omit<Experiment<unknown>, 'render' | 'renderSeeds'> & {
  render(result: unknown): Block[];
  renderSeeds?(results: readonly unknown[]): Block[];
};

export function anyExperiment<Result>(experiment: Experiment<Result>): AnyExperiment {
  const { renderSeeds, ...others } = experiment;
  return {
    ...others,
    render: (result) => experiment.render(result as Result),
    ...(renderSeeds && { renderSeeds: (results: readonly unknown[]) => renderSeeds(results as readonly Result[]) }),
  };
}
