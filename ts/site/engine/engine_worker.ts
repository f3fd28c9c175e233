/** The worker in which everything is computed: models opened and judged, images searched. It never touches the network but for its own files. */
import { type AttackPlatform, attackOn } from '../../attack/attack_on.ts';
import { webPlatform } from '../../attack/attack_web.ts';
import { runShardHere } from '../../attack/inline_shard.ts';
import { quadraticAndGradient, quadraticInBox } from '../../bench/minimizer_run.ts';
import { MinimizerStatus } from '../../kernel/abi.generated.ts';
import { checkModel } from '../../model/check_model.ts';
import { type OpenedJudge, openJudge } from '../../model/open_judge.ts';
import { describeClassifier } from '../../onnx/classifier.ts';
import type { InputOptions } from '../../onnx/preprocessing.ts';
import { readClassifier } from '../../onnx/read_classifier.ts';
import type { Session, SessionFactory } from '../../runtime/session.ts';
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

interface Opened extends OpenedModel {
  readonly bytes: Uint8Array;
  readonly input: InputOptions | undefined;
  readonly judge: OpenedJudge;
}

const models = new Map<string, Opened>();
let platform: AttackPlatform | undefined;

function started(): AttackPlatform {
  if (platform === undefined) throw new Error('The worker was asked before it was started');
  return platform;
}

/** Fetched and compiled once, however many searches follow; what failed is tried again. */
function withOneKernel(web: AttackPlatform): AttackPlatform {
  let kernel: ReturnType<AttackPlatform['describeKernel']> | undefined;
  return {
    ...web,
    describeKernel(choice) {
      kernel ??= web.describeKernel(choice);
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
      return await checkModel(started().createSession, request.bytes, undefined, {
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

function known(model: string): Opened {
  const opened = models.get(model);
  if (opened === undefined) throw new Error(`The model ${model} is not open`);
  return opened;
}

async function open(model: string, bytes: Uint8Array, input: InputOptions | undefined): Promise<OpenedModel> {
  await models.get(model)?.judge[Symbol.asyncDispose]();
  models.delete(model);
  const classifier = readClassifier(bytes, { input });
  const { imageShape, classes } = describeClassifier(classifier.model);
  const judge = await openJudge(started().createSession, bytes, classifier, 'wasm');
  models.set(model, { bytes, input, judge, imageShape, classes });
  return { imageShape, classes };
}

async function score({ judge, imageShape, classes }: Opened, pixels: Float32Array, rows: number) {
  const logits = await judge.scorer.score(pixels, rows, imageShape);
  const probabilities = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    probabilities.set(softmax(logits.subarray(row * classes, (row + 1) * classes)), row * classes);
  }
  return probabilities;
}

async function search(
  { bytes, input }: Opened,
  { pixels, targets, quantize, traced }: Request & { type: 'attack' },
  onStep: (step: SearchStep) => void,
): Promise<Found> {
  const own = started();
  const factory: SessionFactory = traced
    ? async (graph, options) => followed(await own.createSession(graph, options), onStep)
    : own.createSession;
  const watched: AttackPlatform = { ...own, runShards: (plan) => runShardHere(plan, factory) };
  const images = pixels.slice();
  const given = targets === null ? { images } : { images, targets };
  const outcome = await attackOn(watched, bytes, given, {
    input,
    quantize,
    workers: 1,
    target: targets === null ? 'none' : 'labels',
  });
  const { summary, examples, adversarial } = outcome;
  return { summary, examples, adversarial: adversarial.slice() };
}

/** The same session, telling of every row that it is asked. */
function followed(session: Session, onStep: (step: SearchStep) => void): Session {
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
async function speed(opened: Opened, pixels: Float32Array): Promise<BrowserSpeed> {
  const images = pixels.slice();
  const count = images.length / opened.imageShape.reduce((product, dim) => product * dim, 1);
  let imageSeconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const { summary } = await attackOn(started(), opened.bytes, { images }, { workers: 1, lanes: SPEED_LANES });
    imageSeconds = Math.min(imageSeconds, summary.secondsPerImage);
  }
  const { kernel } = await started().describeKernel('wasm');
  const problem = quadraticInBox(784);
  let iterationSeconds = Number.POSITIVE_INFINITY;
  const [x, gradient] = [new Float64Array(784).fill(0.5), new Float64Array(784)];
  for (let round = 0; round < ROUNDS; round++) {
    let [iterations, evaluations] = [0, 0];
    const start = performance.now();
    for (let run = 0; run < 50; run++) {
      using minimizer = kernel.createMinimizer({
        n: 784,
        precision: 64,
        memory: 10,
        pgTolerance: 0,
        fTolerance: 0,
        maxIterations: ITERATIONS,
      });
      minimizer.x.fill(0.5);
      minimizer.lower.fill(-100);
      minimizer.upper.fill(100);
      minimizer.start();
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
