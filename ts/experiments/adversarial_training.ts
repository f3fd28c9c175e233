/** Section 4.2: does training on adversarial examples make a network better, and those of which layer most? */

import { sigmoidNetwork } from '../../models/paper.ts';
import { createSession } from '../runtime/node_session.ts';
import { trainAdversarially } from './adversarial_trainer.ts';
import { type Block, type Claim, claimsBlock, enumerate, paragraph, percent, verdictOf } from './document.ts';
import type { Experiment } from './experiment.ts';
import { PAPER_ADVERSARIAL_TRAINING } from './paper_values.ts';
import { type MeanOfRuns, meanOfRuns } from './statistics.ts';
import type { Key, Store } from './store.ts';
import type { Study, Tell } from './study.ts';
import { parseJson } from './study.ts';

/** How the networks are trained; the names are the report's. */
export interface Regime {
  readonly name: string;
  readonly kind: 'weight decay' | 'dropout' | 'adversarial';
  /** Layers whose inputs are distorted: 0 the images, k the outputs of hidden layer k. */
  readonly places: readonly number[];
}

const REGIMES: readonly Regime[] = [
  { name: 'weight decay alone', kind: 'weight decay', places: [] },
  { name: 'dropout', kind: 'dropout', places: [] },
  { name: 'adversarial, input', kind: 'adversarial', places: [0] },
  { name: 'adversarial, hidden layer 1', kind: 'adversarial', places: [1] },
  { name: 'adversarial, hidden layer 2', kind: 'adversarial', places: [2] },
  { name: 'adversarial, all layers alternating', kind: 'adversarial', places: [0, 1, 2] },
];

const EPOCHS = 20;
const POOL = { poolSize: 6000, replaced: 2000, warmUp: 3, share: 0.2, reach: 0.7 } as const;
const DROPOUT = { input: 0.2, hidden: 0 } as const;

interface Run {
  readonly trainError: number;
  readonly testError: number;
  readonly seconds: number;
}

export interface RegimeResult extends Regime {
  readonly runs: readonly Run[];
  readonly testError: MeanOfRuns;
  readonly trainError: MeanOfRuns;
}

export interface AdversarialTrainingResult {
  readonly epochs: number;
  readonly pool: typeof POOL;
  readonly dropout: typeof DROPOUT;
  readonly testImages: number;
  readonly regimes: readonly RegimeResult[];
}

export const adversarialTraining: Experiment<AdversarialTrainingResult> = {
  name: 'adversarial-training',
  title: 'Adversarial training (section 4.2)',
  version: 1,
  parameters: { regimes: REGIMES, epochs: EPOCHS, pool: POOL, dropout: DROPOUT },
  models: [],
  seconds: 600,
  async run(study, tell) {
    const { trainingSeeds, epochs = EPOCHS } = study.settings;
    const total = REGIMES.length * trainingSeeds;
    const runs = new Map<string, Run[]>(REGIMES.map(({ name }) => [name, []]));
    let done = 0;
    for (let seed = 0; seed < trainingSeeds; seed++) {
      for (const regime of REGIMES) {
        const label = `${regime.name}, run ${seed + 1} of ${trainingSeeds}`;
        const within: Tell = (share, text) => tell((done + share) / total, `${label}: ${text}`);
        runs.get(regime.name)?.push(await keptRun(study, regime, seed, Math.min(epochs, EPOCHS), within));
        done++;
      }
    }
    const regimes = REGIMES.map((regime) => {
      const own = runs.get(regime.name) ?? [];
      const testError = meanOfRuns(own.map((run) => run.testError));
      return { ...regime, runs: own, testError, trainError: meanOfRuns(own.map((run) => run.trainError)) };
    });
    const testImages = (await study.data('test')).count;
    return { result: { epochs: Math.min(epochs, EPOCHS), pool: POOL, dropout: DROPOUT, testImages, regimes } };
  },
  render: renderAdversarialTraining,
};

/** A single training, made once. */
async function keptRun(study: Study, regime: Regime, seed: number, epochs: number, tell: Tell): Promise<Run> {
  const store: Store = study.store;
  const { trainCount, testCount } = study.settings;
  const network = regimeNetwork(regime);
  const recipe = { ...network.recipe, epochs };
  const ownSeed = study.settings.seed + seed;
  // However few epochs there are, the last one has adversarial examples.
  const warmUp = Math.min(POOL.warmUp, epochs - 1);
  const adversarial = regime.kind === 'adversarial' ? { ...POOL, warmUp, places: regime.places } : null;
  const key: Key = {
    name: `training-${regime.name}-${seed}`,
    settings: { version: 1, definition: network.definition, recipe, seed: ownSeed, adversarial, trainCount, testCount },
  };
  const kept = await store.read(key, 'run.json');
  if (kept !== undefined) return parseJson<Run>(kept);
  const started = performance.now();
  const common = {
    recipe,
    seed: ownSeed,
    train: await study.data('train'),
    test: await study.data('test'),
    signal: study.signal,
    onProgress: ({ done, epoch, epochs: all }: { done: number; epoch: number; epochs: number }) =>
      tell(done, `epoch ${epoch} of ${all}`),
  };
  const errors =
    adversarial === null
      ? (await network.train({ ...common, createSession })).record
      : await trainAdversarially({ ...common, model: network.definition, ...adversarial });
  const run: Run = {
    trainError: errors.trainError,
    testError: errors.testError ?? Number.NaN,
    seconds: (performance.now() - started) / 1000,
  };
  await store.write(key, new Map([['run.json', JSON.stringify(run)]]));
  return run;
}

function regimeNetwork({ kind }: Regime) {
  return sigmoidNetwork([100, 100], kind === 'dropout' ? { dropout: DROPOUT } : {});
}

function renderAdversarialTraining(result: AdversarialTrainingResult): Block[] {
  const { epochs, pool, dropout, testImages, regimes } = result;
  const seeds = regimes[0]?.runs.length ?? 0;
  const paper = { 'weight decay': '1.6', dropout: '≈ 1.3', adversarial: '< 1.2' } as const;
  const spread = ({ values }: MeanOfRuns) =>
    values.length < 2 ? {} : { interval: values.map((value) => percent(value)).join(', ') };
  return [
    paragraph(
      `FC100-100-10 with the paper’s weight decay, ${epochs} epochs, ${seeds} ${seeds === 1 ? 'run' : 'runs'} each with the same first weights and order of images for all. After ${pool.warmUp} epochs on the images alone, a pool of ${pool.poolSize.toLocaleString('en-GB')} examples a layer is made; before each epoch ${pool.replaced.toLocaleString('en-GB')} random ones are replaced by the nearest mistakes of the network as it then is. Of these, examples further away than ${pool.reach} times what the first were on average are left out (the paper speaks of no such limit; without it the boundary is pushed on and on, and the test error rises above that of weight decay alone). Each batch holds as many examples as images, their losses weighted ${pool.share} to ${1 - pool.share}; with several layers their pools take turns. Examples of a hidden layer are found in [0, 1], the range of its sigmoids, on the part of the network above it, and train that part. Dropout leaves out ${percent(dropout.input)} % of the pixels and ${percent(dropout.hidden)} % of the hidden units.`,
    ),
    {
      kind: 'table',
      caption: `Section 4.2. Errors (%) of FC100-100-10 on ${testImages.toLocaleString('en-GB')} test images: mean over ${seeds} ${seeds === 1 ? 'run' : 'runs'}, single runs beneath, ours (the paper’s).`,
      columns: ['trained with', 'test error', 'training error'],
      rows: regimes.map(({ name, kind, testError, trainError, places }) => ({
        label: name,
        cells: [
          {
            ours: percent(testError.mean),
            ...(kind !== 'adversarial' || places.length > 1 ? { paper: paper[kind] } : {}),
            ...spread(testError),
          },
          { ours: percent(trainError.mean) },
        ],
      })),
    },
    claimsBlock(adversarialTrainingClaims(regimes)),
  ];
}

/** The paper's statements on adversarial training, judged by the runs. */
export function adversarialTrainingClaims(
  regimes: readonly Pick<RegimeResult, 'name' | 'kind' | 'places' | 'testError'>[],
): Claim[] {
  const error = (wanted: (regime: (typeof regimes)[number]) => boolean) => regimes.find(wanted)?.testError;
  const decay = error(({ kind }) => kind === 'weight decay');
  const dropout = error(({ kind }) => kind === 'dropout');
  const adversarial = regimes.filter(({ kind }) => kind === 'adversarial');
  const best = [...adversarial].sort((a, b) => a.testError.mean - b.testError.mean)[0];
  if (!decay || !dropout || !best) return [];
  const orders = [best.testError.mean < dropout.mean, dropout.mean < decay.mean, best.testError.mean < decay.mean];
  const runs = decay.values.length;
  const always = best.testError.values.filter((value, run) => value < (decay.values[run] ?? 0)).length;
  const claims: Claim[] = [
    {
      claim: 'Adversarial training reaches a test error under 1.2 %.',
      verdict: best.testError.mean < PAPER_ADVERSARIAL_TRAINING.adversarial ? 'holds' : 'does not hold',
      finding: `The best, ${best.name}, reaches ${percent(best.testError.mean)} % on average, ${percent(Math.min(...best.testError.values))} % in its best run.`,
    },
    {
      claim: 'Adversarial training < dropout < weight decay alone.',
      verdict: verdictOf(orders.filter(Boolean).length, orders.length),
      finding: `${percent(best.testError.mean)}, ${percent(dropout.mean)}, ${percent(decay.mean)} %; ${best.name} is better than weight decay in ${always} of ${runs} runs.`,
    },
  ];
  const places = [0, 1, 2].map((place) =>
    error(({ kind, places: own }) => kind === 'adversarial' && own.length === 1 && own[0] === place),
  );
  const [input, first, second] = places;
  if (input && first && second) {
    const higher = [second.mean < input.mean, second.mean < first.mean];
    claims.push({
      claim:
        'Examples for the higher layers are significantly more useful than those for the input or the lower layer.',
      verdict: verdictOf(higher.filter(Boolean).length, 2),
      finding: `Input, hidden layer 1, hidden layer 2: ${enumerate([input, first, second].map(({ mean }) => percent(mean)))} %.`,
    });
  }
  return claims;
}
