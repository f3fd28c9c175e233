/**
 * Runs the experiments: first the models that they need, each once, then one experiment after the other. What is
 * finished is kept in the store; a run that is started again takes it from there.
 */
import { versions } from '../attack/versions.ts';
import type { AnyExperiment } from './experiment.ts';
import type { ImagenetSource } from './imagenet_source.ts';
import type { ShownTable } from './shown_examples.ts';
import type { Key, Store } from './store.ts';
import { parseJson, Study, type StudySettings, type Tell } from './study.ts';
import { STUDY_MODELS, type StudyModelName } from './study_models.ts';

export interface ReproduceProgress {
  /** Of the whole run, 0 to 1. */
  readonly done: number;
  readonly text: string;
  readonly secondsLeft: number;
}

export interface FinishedExperiment {
  readonly experiment: AnyExperiment;
  readonly result: unknown;
  /** Of further seeds, where it is run with several. */
  readonly otherSeeds: readonly unknown[];
  /** PNG files by name. */
  readonly figures: ReadonlyMap<string, Uint8Array>;
  readonly shown: ShownTable | undefined;
}

export interface Reproduction {
  readonly settings: StudySettings;
  /** Of the tables that are run with several. */
  readonly seeds: number;
  readonly finished: readonly FinishedExperiment[];
  /** Names of experiments that an interruption left undone. */
  readonly missing: readonly string[];
  /** Of this run, what was kept from earlier ones left out. */
  readonly seconds: number;
  readonly versions: Readonly<Record<string, string>>;
}

export interface ReproduceOptions {
  readonly experiments: readonly AnyExperiment[];
  readonly settings: StudySettings;
  /** How many seeds tables 1 to 4 are made with, from that of the settings on; default 1. */
  readonly seeds?: number | undefined;
  readonly store: Store;
  /** Network and photos of the ImageNet part; default those shipped. */
  readonly imagenet?: ImagenetSource | undefined;
  /** Ends the run; what is finished is in the answer. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ReproduceProgress) => void;
  /** Told of each model and experiment when it is done. */
  readonly onFinished?: (name: string, kept: boolean) => void;
}

interface Step {
  readonly name: string;
  readonly seconds: number;
  readonly key: Key;
  run(tell: Tell): Promise<void>;
}

/** @throws what attacks and training throw; an aborted signal is no error. */
export async function reproduce(options: ReproduceOptions): Promise<Reproduction> {
  const { experiments, settings, seeds = 1, store, signal } = options;
  const started = performance.now();
  const studies = Array.from({ length: seeds }, (_, i) => {
    return new Study({ ...settings, seed: settings.seed + i }, store, { signal, imagenet: options.imagenet });
  });
  const steps: Step[] = [];
  for (const [i, study] of studies.entries()) {
    const chosen = i === 0 ? experiments : experiments.filter(({ renderSeeds }) => renderSeeds);
    const seed = i === 0 ? '' : `, seed ${study.settings.seed}`;
    for (const name of new Set(chosen.flatMap(({ models }) => models))) steps.push(modelStep(study, name, seed));
    for (const experiment of chosen) steps.push(await experimentStep(study, experiment, seed));
  }
  const kept = await Promise.all(steps.map(({ key }) => store.has(key)));
  const progress = new Remaining(steps.map(({ seconds }, i) => (kept[i] === true ? 0 : seconds)));
  try {
    for (const [i, { name, run }] of steps.entries()) {
      signal.throwIfAborted();
      if (kept[i] !== true) {
        await run((share, text) => options.onProgress?.({ ...progress.at(i, share), text }));
      }
      options.onFinished?.(name, kept[i] === true);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const finished: FinishedExperiment[] = [];
  for (const experiment of experiments) {
    const found = await readFinished(store, experiment, studies);
    if (found !== undefined) finished.push(found);
  }
  return {
    settings,
    seeds,
    finished,
    missing: experiments.filter((e) => !finished.some(({ experiment }) => experiment === e)).map(({ name }) => name),
    seconds: (performance.now() - started) / 1000,
    versions: await versions(),
  };
}

function modelStep(study: Study, name: StudyModelName, seed: string): Step {
  return {
    name: `model ${name}${seed}`,
    seconds: STUDY_MODELS[name].seconds,
    key: study.modelKey(name),
    run: async (tell) => {
      await study.model(name, tell);
    },
  };
}

async function experimentKey(study: Study, experiment: AnyExperiment): Promise<Key> {
  const { name, version, parameters = null, models } = experiment;
  const of = models.map((model) => study.modelKey(model).settings);
  const source = experiment.source ? { source: await experiment.source(study) } : {};
  return { name, settings: { version, parameters, settings: study.settings, models: of, ...source } };
}

async function experimentStep(study: Study, experiment: AnyExperiment, seed: string): Promise<Step> {
  const key = await experimentKey(study, experiment);
  return {
    name: `${experiment.name}${seed}`,
    seconds: experiment.seconds,
    key,
    run: async (tell) => {
      const { result, figures = {}, shown } = await experiment.run(study, tell);
      const files = new Map<string, Uint8Array | string>([
        ['result.json', `${JSON.stringify(result)}\n`],
        ['figures.json', JSON.stringify(Object.keys(figures))],
        ...(shown ? ([['shown.json', JSON.stringify(shown)]] as const) : []),
        ...Object.entries(figures),
      ]);
      await study.store.write(key, files);
    },
  };
}

/** undefined until it is done with every seed. */
async function readFinished(
  store: Store,
  experiment: AnyExperiment,
  studies: readonly Study[],
): Promise<FinishedExperiment | undefined> {
  const results: unknown[] = [];
  const figures = new Map<string, Uint8Array>();
  let shown: ShownTable | undefined;
  for (const study of experiment.renderSeeds ? studies : studies.slice(0, 1)) {
    const key = await experimentKey(study, experiment);
    const result = await store.read(key, 'result.json');
    const names = await store.read(key, 'figures.json');
    if (result === undefined || names === undefined) return undefined;
    results.push(parseJson(result));
    const examples = shown ? undefined : await store.read(key, 'shown.json');
    if (examples !== undefined) shown = parseJson(examples);
    for (const name of parseJson<string[]>(names)) {
      const png = await store.read(key, name);
      if (png !== undefined && !figures.has(name)) figures.set(name, png);
    }
  }
  const [result, ...otherSeeds] = results;
  return { experiment, result, otherSeeds, figures, shown };
}

/** Time left, from what steps were expected to take and what those of this run took. */
class Remaining {
  readonly #weights: readonly number[];
  readonly #total: number;
  readonly #started = performance.now();

  /** @param weights expected seconds of each step; 0 for those that are done. */
  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
  }

  at(step: number, share: number): { done: number; secondsLeft: number } {
    const before = this.#weights.slice(0, step).reduce((sum, weight) => sum + weight, 0);
    const done = before + share * (this.#weights[step] ?? 0);
    const elapsed = (performance.now() - this.#started) / 1000;
    // One part in fifty of trust in the expectation keeps the first moments from leaping.
    const trust = this.#total / 50;
    const pace = (elapsed + trust) / (done + trust);
    return { done: this.#total === 0 ? 1 : done / this.#total, secondsLeft: (this.#total - done) * pace };
  }
}
