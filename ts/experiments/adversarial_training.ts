/**
 * Section 4.2: does training on adversarial examples make a network better, and those of which layer most? With examples
 * made fresh for every batch by one step of the gradient (nn/adversarial.ts), and with the paper's pool of nearest
 * mistakes. Recipes are chosen on held-out training images; then networks are trained on all of them and tested once.
 */
import { sigmoidNetwork } from '../../models/paper.ts';
import { attack } from '../attack/attack.ts';
import { type ImageSet, selectImages, takeImages } from '../data/image_set.ts';
import type { AdversarialStep } from '../nn/adversarial.ts';
import { evaluate } from '../nn/evaluate.ts';
import type { Recipe } from '../nn/train_classifier.ts';
import { createSession } from '../runtime/node_session.ts';
import { trainAdversarially } from './adversarial_trainer.ts';
import {
  type Block,
  type Claim,
  claimsBlock,
  distortionCell,
  enumerate,
  paragraph,
  percent,
  verdictOf,
} from './document.ts';
import type { Experiment } from './experiment.ts';
import { inPairs } from './in_pairs.ts';
import { PAPER_ADVERSARIAL_TRAINING } from './paper_values.ts';
import { type MeanOfRuns, meanOfRuns } from './statistics.ts';
import type { Key } from './store.ts';
import type { Study, Tell } from './study.ts';
import { parseJson } from './study.ts';

/** What may be chosen of a way of training; its text is the report's. */
type Candidate =
  | { readonly text: string; readonly method: 'plain'; readonly dropout?: { input: number; hidden: number } }
  | { readonly text: string; readonly method: 'fresh'; readonly steps: readonly AdversarialStep[] }
  | { readonly text: string; readonly method: 'pool'; readonly share: number };

/** How the networks are trained; the names are the report's. */
export interface Regime {
  readonly name: string;
  readonly kind: 'weight decay' | 'dropout' | 'adversarial';
  /** How adversarial examples are made. */
  readonly method?: 'fresh' | 'pool';
  /** Layers whose inputs are distorted: 0 the images, k the outputs of hidden layer k. */
  readonly places: readonly number[];
}

const PLACES: readonly (readonly [name: string, places: readonly number[]])[] = [
  ['input', [0]],
  ['hidden layer 1', [1]],
  ['hidden layer 2', [2]],
  ['all layers alternating', [0, 1, 2]],
];

const REGIMES: readonly Regime[] = [
  { name: 'weight decay alone', kind: 'weight decay', places: [] },
  { name: 'dropout', kind: 'dropout', places: [] },
  ...(['fresh', 'pool'] as const).flatMap((method) =>
    PLACES.map(([name, places]): Regime => ({ name: `${method}, ${name}`, kind: 'adversarial', method, places })),
  ),
];

/** Of hidden layers' outputs and of images: the steps that are tried. */
const RADII = [
  { input: 1, hidden: 0.1 },
  { input: 1.5, hidden: 0.25 },
] as const;
const DROPOUTS = [
  { input: 0.2, hidden: 0 },
  { input: 0.2, hidden: 0.1 },
] as const;
const SHARES = [0.2, 0.5] as const;

const RECIPE: Omit<Recipe, 'epochs'> = {
  batchSize: 128,
  optimizer: { type: 'adam', learningRate: 1e-2 },
  schedule: 'cosine',
};
const EPOCHS = 30;
/** Of the trainings that choose. */
const TRIAL_EPOCHS = 10;
/** One of so many training images is held out to choose: the last 10,000 of MNIST. */
const HELD_OUT = 6;
const POOL = { poolSize: 6000, replaced: 2000, warmUp: 3, reach: 0.7 } as const;

function candidatesOf({ kind, method, places }: Regime): Candidate[] {
  if (kind === 'weight decay') return [{ text: 'λ of the paper', method: 'plain' }];
  if (kind === 'dropout') {
    return DROPOUTS.map((dropout) => ({
      text: `${percent(dropout.input)} % of the pixels, ${percent(dropout.hidden)} % of the units`,
      method: 'plain',
      dropout,
    }));
  }
  if (method === 'pool') return SHARES.map((share) => ({ text: `α = ${share}`, method: 'pool', share }));
  return RADII.map(({ input, hidden }) => {
    const radius = (place: number) => (place === 0 ? input : hidden);
    const steps = places.map((place): AdversarialStep => {
      return { norm: 'l2', radius: radius(place), at: place === 0 ? 'input' : `hidden${place}` };
    });
    return { text: `ε = ${[...new Set(places.map(radius))].join(' and ')}`, method: 'fresh', steps };
  });
}

interface Run {
  readonly trainError: number;
  /** On images that nothing was trained on. */
  readonly testError: number;
  /** Mean distortion of the nearest mistakes: of a random class, and of any. */
  readonly distortion: number | null;
  readonly untargetedDistortion: number | null;
  readonly seconds: number;
}

export interface RegimeResult extends Regime {
  /** What was chosen, and by which errors on the held-out images; empty where there was no choice. */
  readonly chosen: string;
  readonly trials: readonly { readonly text: string; readonly heldOutError: number }[];
  readonly runs: readonly Run[];
  readonly testError: MeanOfRuns;
  readonly trainError: MeanOfRuns;
  readonly distortion: MeanOfRuns;
  readonly untargetedDistortion: MeanOfRuns;
}

export interface AdversarialTrainingResult {
  readonly epochs: number;
  readonly trialEpochs: number;
  readonly trainImages: number;
  readonly heldOutImages: number;
  readonly testImages: number;
  readonly distorted: number;
  readonly pool: typeof POOL;
  readonly regimes: readonly RegimeResult[];
}

export const adversarialTraining: Experiment<AdversarialTrainingResult> = {
  name: 'adversarial-training',
  title: 'Adversarial training (section 4.2)',
  version: 2,
  parameters: {
    regimes: REGIMES.map((regime) => ({ ...regime, candidates: candidatesOf(regime) })),
    recipe: RECIPE,
    epochs: EPOCHS,
    trialEpochs: TRIAL_EPOCHS,
    pool: POOL,
  },
  models: [],
  seconds: 1500,
  async run(study, tell) {
    const { trainingSeeds, images } = study.settings;
    const epochs = Math.min(study.settings.epochs ?? EPOCHS, EPOCHS);
    const trialEpochs = Math.min(epochs, TRIAL_EPOCHS);
    const [train, test] = await Promise.all([study.data('train'), study.data('test')]);
    const kept = train.count - Math.floor(train.count / HELD_OUT);
    const heldOut = selectImages(
      train,
      Array.from({ length: train.count - kept }, (_, i) => kept + i),
    );
    const trial: Task = { purpose: 'trial', train: takeImages(train, kept), unseen: heldOut, epochs: trialEpochs };
    const final: Task = { purpose: 'final', train, unseen: test, epochs };
    const regimes: RegimeResult[] = [];
    for (const [index, regime] of REGIMES.entries()) {
      const candidates = candidatesOf(regime);
      const trials = candidates.length > 1 ? candidates : [];
      const work = trials.length * trialEpochs + trainingSeeds * epochs;
      const shares = new Map<string, number>();
      const within = (name: string, weight: number): Tell => {
        return (share, text) => {
          shares.set(name, share * weight);
          const sum = [...shares.values()].reduce((total, value) => total + value, 0);
          tell((index + Math.min(1, sum / work)) / REGIMES.length, `${regime.name}, ${name}: ${text}`);
        };
      };
      // Two trainings at a time, each on a thread of its own.
      const errors = await inPairs(trials, (candidate) =>
        keptRun(study, regime, candidate, 0, trial, within(`trial ${candidate.text}`, trialEpochs)),
      );
      const heldOutErrors = errors.map(({ testError }) => testError);
      const chosen = candidates[Math.max(0, heldOutErrors.indexOf(Math.min(...heldOutErrors)))] as Candidate;
      const seeds = Array.from({ length: trainingSeeds }, (_, seed) => seed);
      const runs = await inPairs(seeds, (seed) =>
        keptRun(study, regime, chosen, seed, final, within(`run ${seed + 1} of ${trainingSeeds}`, epochs)),
      );
      const mean = (value: (run: Run) => number | null) => meanOfRuns(runs.map((run) => value(run) ?? Number.NaN));
      regimes.push({
        ...regime,
        chosen: chosen.text,
        trials: trials.map(({ text }, i) => ({ text, heldOutError: heldOutErrors[i] ?? Number.NaN })),
        runs,
        testError: mean((run) => run.testError),
        trainError: mean((run) => run.trainError),
        distortion: mean((run) => run.distortion),
        untargetedDistortion: mean((run) => run.untargetedDistortion),
      });
    }
    const counts = { trainImages: train.count, heldOutImages: heldOut.count, testImages: test.count };
    return { result: { epochs, trialEpochs, ...counts, distorted: images, pool: POOL, regimes } };
  },
  render: renderAdversarialTraining,
};

/** What a training is for. */
interface Task {
  readonly purpose: 'trial' | 'final';
  readonly train: ImageSet;
  readonly unseen: ImageSet;
  readonly epochs: number;
}

/** A single training, made once. */
async function keptRun(
  study: Study,
  regime: Regime,
  candidate: Candidate,
  seed: number,
  { purpose, train, unseen, epochs }: Task,
  tell: Tell,
): Promise<Run> {
  const { store, signal } = study;
  const { images } = study.settings;
  const dropout = candidate.method === 'plain' ? candidate.dropout : undefined;
  const recipe: Recipe = { ...RECIPE, epochs };
  const network = sigmoidNetwork([100, 100], { recipe, ...(dropout === undefined ? {} : { dropout }) });
  const ownSeed = study.settings.seed + seed;
  // However few epochs there are, the last one has adversarial examples.
  const pool = { ...POOL, warmUp: Math.min(POOL.warmUp, epochs - 1), places: regime.places };
  const key: Key = {
    name: `training-${regime.name}-${purpose}-${seed}`,
    settings: {
      version: 2,
      definition: network.definition,
      recipe,
      candidate,
      pool: candidate.method === 'pool' ? pool : null,
      seed: ownSeed,
      purpose,
      counts: [train.count, unseen.count, purpose === 'final' ? images : 0],
    },
  };
  const kept = await store.read(key, 'run.json');
  if (kept !== undefined) return parseJson<Run>(kept);
  const started = performance.now();
  const common = {
    seed: ownSeed,
    train,
    signal,
    onProgress: ({ done, epoch, epochs: all }: { done: number; epoch: number; epochs: number }) =>
      tell(done, `epoch ${epoch} of ${all}`),
  };
  const { bytes, trainError } =
    candidate.method === 'pool'
      ? await trainAdversarially({
          ...common,
          ...pool,
          share: candidate.share,
          recipe,
          model: network.definition,
          test: unseen,
        })
      : await trained(network, common, candidate.method === 'fresh' ? candidate.steps : undefined);
  const testError = (await evaluate(bytes, unseen, { createSession })).error;
  const distance = async (target: 'random' | 'none') =>
    purpose === 'final' ? await meanMinimum(bytes, train, images, target, ownSeed, signal) : null;
  const run: Run = {
    trainError,
    testError,
    distortion: await distance('random'),
    untargetedDistortion: await distance('none'),
    seconds: (performance.now() - started) / 1000,
  };
  await store.write(key, new Map([['run.json', JSON.stringify(run)]]));
  return run;
}

type Training = Parameters<ReturnType<typeof sigmoidNetwork>['train']>[0];

async function trained(
  network: ReturnType<typeof sigmoidNetwork>,
  common: Omit<Training, 'createSession' | 'recipe'>,
  adversarial: readonly AdversarialStep[] | undefined,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; trainError: number }> {
  const recipe = adversarial === undefined ? {} : { adversarial };
  const { bytes, record } = await network.train({ ...common, recipe, createSession });
  return { bytes, trainError: record.trainError };
}

/** As in table 1: over the first training images that the network answers rightly. */
async function meanMinimum(
  bytes: Uint8Array,
  train: ImageSet,
  images: number,
  target: 'random' | 'none',
  seed: number,
  signal: AbortSignal,
): Promise<number | null> {
  const first = takeImages(train, Math.min(train.count, 2 * images + 100));
  const { predictions } = await evaluate(bytes, first, { createSession });
  const right = [...predictions.keys()].filter((index) => predictions[index] === first.labels[index]);
  const chosen = selectImages(first, right.slice(0, images));
  if (chosen.count === 0) return null;
  const { summary } = await attack(bytes, chosen, { target, seed, workers: 1, signal });
  signal.throwIfAborted();
  return summary.meanDistortion ?? null;
}

function renderAdversarialTraining(result: AdversarialTrainingResult): Block[] {
  const { epochs, trialEpochs, pool, trainImages, heldOutImages, testImages, distorted, regimes } = result;
  const seeds = regimes[0]?.runs.length ?? 0;
  const paper = { 'weight decay': '1.6', dropout: '≈ 1.3', adversarial: '< 1.2' } as const;
  const count = (value: number) => value.toLocaleString('en-GB');
  const runs = `${seeds} ${seeds === 1 ? 'run' : 'runs'}`;
  const spread = ({ values }: MeanOfRuns) =>
    values.length < 2 ? {} : { interval: values.map((value) => percent(value)).join(', ') };
  return [
    paragraph(
      `FC100-100-10 with the paper’s weight decay, Adam (rate ${RECIPE.optimizer.learningRate}, along half a cosine to 0), batches of ${RECIPE.batchSize}, ${epochs} epochs, ${runs} each with the same first weights and order of images for all. What a way of training leaves open was chosen by the error on the last ${count(heldOutImages)} training images, of networks trained on the others for ${trialEpochs} epochs; then networks were trained on all ${count(trainImages)} and tested once.`,
    ),
    paragraph(
      `Fresh examples are made for every batch: one step of length ε (L2) along the gradient of the loss, clipped to the range of the values there, half of the loss being theirs. The paper’s pool: after ${pool.warmUp} epochs on the images alone, ${count(pool.poolSize)} examples a layer; before each epoch ${count(pool.replaced)} random ones are replaced by the nearest mistakes of the network as it then is, those further away than ${pool.reach} times what the first were on average left out; as many examples as images a batch, with the share α of the loss. Examples of a hidden layer train the layers above it; with several layers they take turns from batch to batch. The distortions are those of table 1: means over ${distorted} training images and the runs.`,
    ),
    {
      kind: 'table',
      caption: `Section 4.2. Errors (%) of FC100-100-10 on ${count(testImages)} test images, mean over ${runs}, single runs beneath, and average minimum distortion, ours (the paper’s).`,
      columns: ['trained with', 'chosen', 'test error', 'training error', 'distortion, random class', 'any class'],
      rows: regimes.map((regime, index) => {
        const { name, kind, chosen, trials, testError, trainError, places } = regime;
        const tried = trials.map(({ text, heldOutError }) => `${text}: ${percent(heldOutError)}`).join('; ');
        return {
          label: name,
          ruled: index > 0 && regime.method !== regimes[index - 1]?.method,
          cells: [
            { ours: chosen, ...(tried === '' ? {} : { interval: tried }) },
            {
              ours: percent(testError.mean),
              ...(kind !== 'adversarial' || places.length > 1 ? { paper: paper[kind] } : {}),
              ...spread(testError),
            },
            { ours: percent(trainError.mean) },
            distortionCell(regime.distortion.mean, kind === 'weight decay' ? 0.058 : undefined),
            distortionCell(regime.untargetedDistortion.mean),
          ],
        };
      }),
    },
    claimsBlock(adversarialTrainingClaims(regimes)),
    ...distanceText(regimes),
  ];
}

/** What the paper did not ask. */
function distanceText(regimes: readonly RegimeResult[]): Block[] {
  const plain = regimes.find(({ kind }) => kind === 'weight decay');
  const furthest = [...regimes].sort((a, b) => b.distortion.mean - a.distortion.mean)[0];
  if (!plain || !furthest || !(plain.distortion.mean > 0)) return [];
  const ratio = (furthest.distortion.mean / plain.distortion.mean).toFixed(2);
  return [
    paragraph(
      `What the paper does not ask: how far away the nearest mistakes are afterwards. Furthest with ${furthest.name}, ${furthest.distortion.mean.toFixed(3)}, ${ratio} times the ${plain.distortion.mean.toFixed(3)} of weight decay alone. They are still there for every network.`,
    ),
  ];
}

/** The paper's statements on adversarial training, judged by the runs. */
export function adversarialTrainingClaims(
  regimes: readonly (Pick<RegimeResult, 'name' | 'kind' | 'method' | 'places' | 'testError'> &
    Partial<Pick<RegimeResult, 'trials'>>)[],
): Claim[] {
  const error = (wanted: (regime: (typeof regimes)[number]) => boolean) => regimes.find(wanted)?.testError;
  const decay = error(({ kind }) => kind === 'weight decay');
  const dropout = error(({ kind }) => kind === 'dropout');
  const adversarial = regimes.filter(({ kind }) => kind === 'adversarial');
  // The one to speak of is chosen without the test set, where there are other errors to choose by.
  const merit = ({ trials = [], testError }: (typeof regimes)[number]) =>
    trials.length > 0 ? Math.min(...trials.map(({ heldOutError }) => heldOutError)) : testError.mean;
  const best = [...adversarial].sort((a, b) => merit(a) - merit(b))[0];
  if (!decay || !dropout || !best) return [];
  const orders = [best.testError.mean < dropout.mean, dropout.mean < decay.mean, best.testError.mean < decay.mean];
  const runs = decay.values.length;
  const always = best.testError.values.filter((value, run) => value < (decay.values[run] ?? 0)).length;
  const claims: Claim[] = [
    {
      claim: 'Adversarial training reaches a test error under 1.2 %.',
      verdict: best.testError.mean < PAPER_ADVERSARIAL_TRAINING.adversarial ? 'holds' : 'does not hold',
      finding: `${best.trials ? 'The best by held-out images' : 'The best'}, ${best.name}, reaches ${percent(best.testError.mean)} % on average, ${percent(Math.min(...best.testError.values))} % in its best run.`,
    },
    {
      claim: 'Adversarial training < dropout < weight decay alone.',
      verdict: verdictOf(orders.filter(Boolean).length, orders.length),
      finding: `${percent(best.testError.mean)}, ${percent(dropout.mean)}, ${percent(decay.mean)} %; ${best.name} is better than weight decay in ${always} of ${runs} runs.`,
    },
  ];
  for (const method of new Set(adversarial.map((regime) => regime.method))) {
    const [input, first, second] = [0, 1, 2].map((place) =>
      error((regime) => regime.method === method && regime.places.length === 1 && regime.places[0] === place),
    );
    if (!input || !first || !second) continue;
    const higher = [second.mean < input.mean, second.mean < first.mean];
    const how = { fresh: ' (examples made fresh)', pool: ' (the pool)' };
    claims.push({
      claim: `Examples for the higher layers are significantly more useful than those for the input or the lower layer${method ? how[method] : ''}.`,
      verdict: verdictOf(higher.filter(Boolean).length, 2),
      finding: `Input, hidden layer 1, hidden layer 2: ${enumerate([input, first, second].map(({ mean }) => percent(mean)))} %.`,
    });
  }
  return claims;
}
