/** The worker in which everything is computed: models opened and judged, images searched. It never touches the network but for its own files. */
import { type AttackPlatform, attackOn, type ShardPlan } from '../../attack/attack_on.ts';
import { completeAttackOptions } from '../../attack/attack_options.ts';
import { webPlatform } from '../../attack/attack_web.ts';
import { runShardHere } from '../../attack/inline_shard.ts';
import { quadraticAndGradient, quadraticInBox, startMinimizer } from '../../bench/minimizer_run.ts';
import { MinimizerStatus } from '../../kernel/abi.generated.ts';
import { checkFile } from '../../model/check_model.ts';
import { LoadedClassifier } from '../../model/loaded_classifier.ts';
import type { InputOptions } from '../../onnx/preprocessing.ts';
import type { Session } from '../../runtime/session.ts';
import type {
  Answers,
  BrowserSpeed,
  Found,
  FromWorker,
  OpenedModel,
  Request,
  SearchStep,
  ToWorker,
} from './messages.ts';
import { softmax } from './softmax.ts';
import { unitImages } from './unit_images.ts';

const models = new Map<string, LoadedClassifier>();
let platform: AttackPlatform | undefined;

function started(): AttackPlatform {
  if (platform === undefined) throw new Error('The worker was asked before it was started');
  return platform;
}

/** Fetched and compiled once, however many searches follow; what failed is tried again. */
function withOneKernel(web: AttackPlatform): AttackPlatform {
  let kernel: ReturnType<AttackPlatform['loadKernelSelection']> | undefined;
  return {
    ...web,
    loadKernelSelection(choice) {
      kernel ??= web.loadKernelSelection(choice);
      kernel.catch(() => {
        kernel = undefined;
      });
      return kernel;
    },
  };
}

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  globalThis.postMessage(message, { transfer });
}

globalThis.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if ('type' in data) {
    platform = withOneKernel(webPlatform({ wasm: data.wasm }));
    return;
  }
  const { id, request } = data;
  answer(request, (step) => tell({ id, step }, [step.point.buffer, step.probabilities.buffer])).then(
    (found) => tell({ id, answer: found }),
    (error: unknown) => tell({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});

async function answer(request: Request, onStep: (step: SearchStep) => void): Promise<Answers[keyof Answers]> {
  switch (request.type) {
    case 'open':
      return await open(request.model, request.bytes, request.input);
    case 'check':
      return await checkFile(started().createSession, request.bytes, undefined, {
        provider: 'wasm',
        input: request.input,
      });
    case 'score':
      return await score(known(request.model), request.pixels, request.rows);
    case 'attack':
      return await search(known(request.model), request, onStep);
    case 'units':
      return await unitImages(started().createSession, known(request.model).bytes, request);
    case 'speed':
      return await speed(known(request.model), request.pixels);
  }
}

function known(model: string): LoadedClassifier {
  const opened = models.get(model);
  if (opened === undefined) throw new Error(`The model ${model} is not open`);
  return opened;
}

async function open(model: string, bytes: Uint8Array, input: InputOptions | undefined): Promise<OpenedModel> {
  await models.get(model)?.[Symbol.asyncDispose]();
  models.delete(model);
  const loaded = new LoadedClassifier(started().createSession, bytes, 'wasm', { input });
  await loaded.judge();
  models.set(model, loaded);
  const { imageShape, classes } = loaded.description;
  return { imageShape, classes };
}

async function score(model: LoadedClassifier, pixels: Float32Array, rows: number) {
  const { imageShape, classes } = model.description;
  const { scorer } = await model.judge();
  const logits = await scorer.score(pixels, rows, imageShape);
  const probabilities = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    probabilities.set(softmax(logits.subarray(row * classes, (row + 1) * classes)), row * classes);
  }
  return probabilities;
}

async function search(
  model: LoadedClassifier,
  { pixels, targets, quantize, traced }: Request & { type: 'attack' },
  onStep: (step: SearchStep) => void,
): Promise<Found> {
  const watched: AttackPlatform = { ...started(), runShards: (plan) => runShardHere(followed(plan, onStep)) };
  const images = pixels.slice();
  const given = targets === null ? { images } : { images, targets };
  const options = completeAttackOptions({ quantize, workers: 1, target: targets === null ? 'none' : 'labels' });
  const outcome = await attackOn(traced ? watched : started(), model, given, options);
  const { summary, examples, adversarial } = outcome;
  return { summary, examples, adversarial: adversarial.slice() };
}

/** The same plan on a session that tells of every row that it is asked. */
function followed(plan: ShardPlan, onStep: (step: SearchStep) => void): ShardPlan {
  const { model } = plan;
  const borrowSession: typeof model.borrowSession = async (smoothing) => {
    const borrowed = await model.borrowSession(smoothing);
    return { ...borrowed, session: followedSession(borrowed.session, onStep) };
  };
  const { provider, description } = model;
  const gradientGraph: typeof model.gradientGraph = (smoothing) => model.gradientGraph(smoothing);
  return { ...plan, model: { provider, description, gradientGraph, borrowSession } };
}

function followedSession(session: Session, onStep: (step: SearchStep) => void): Session {
  return {
    provider: session.provider,
    threads: session.threads,
    inputs: session.inputs,
    outputs: session.outputs,
    release: () => session.release(),
    [Symbol.asyncDispose]: () => session.release(),
    async run(feeds, fetches) {
      const outputs = await session.run(feeds, fetches);
      const { image } = feeds;
      const { logits } = outputs;
      if (image && logits) {
        const rows = image.dims[0] ?? 1;
        const [n, classes] = [image.data.length / rows, logits.data.length / rows];
        for (let row = 0; row < rows; row++) {
          onStep({
            point: image.data.slice(row * n, (row + 1) * n),
            probabilities: softmax(logits.data.subarray(row * classes, (row + 1) * classes)),
          });
        }
      }
      return outputs;
    },
  };
}

const ITERATIONS = 110;
const SPEED_LANES = 64;
const ROUNDS = 3;

/** Clocks of browsers are coarse: whole runs are timed, and the function's share taken off. */
async function speed(model: LoadedClassifier, pixels: Float32Array): Promise<BrowserSpeed> {
  const images = pixels.slice();
  const count = images.length / model.description.imageShape.reduce((product, dim) => product * dim, 1);
  const options = completeAttackOptions({ workers: 1, lanes: SPEED_LANES });
  let imageSeconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const { summary } = await attackOn(started(), model, { images }, options);
    imageSeconds = Math.min(imageSeconds, summary.secondsPerImage);
  }
  const { kernel } = await started().loadKernelSelection('wasm');
  const problem = quadraticInBox(784);
  let iterationSeconds = Number.POSITIVE_INFINITY;
  const [x, gradient] = [new Float64Array(784).fill(0.5), new Float64Array(784)];
  for (let round = 0; round < ROUNDS; round++) {
    let [iterations, evaluations] = [0, 0];
    const start = performance.now();
    for (let run = 0; run < 50; run++) {
      using minimizer = startMinimizer(kernel, { problem, precision: 64, memory: 10, iterations: ITERATIONS });
      for (let status: MinimizerStatus = MinimizerStatus.EVALUATE; status === MinimizerStatus.EVALUATE; ) {
        status = minimizer.tell(quadraticAndGradient(problem, minimizer.x, minimizer.gradient));
        evaluations += 1;
      }
      iterations += minimizer.result().iterations;
    }
    const whole = performance.now() - start;
    const calls = performance.now();
    for (let call = 0; call < evaluations; call++) quadraticAndGradient(problem, x, gradient);
    const seconds = (whole - (performance.now() - calls)) / 1000;
    iterationSeconds = Math.min(iterationSeconds, seconds / iterations);
  }
  return { images: count, imageSeconds, lanes: SPEED_LANES, iterationSeconds };
}
