// Tries one ONNX classifier: node scripts/zoo_probe.mjs model.onnx [tolerance]. Prints one line of JSON. Used by scripts/export-zoo.
//
//   reads           it is read, and its scores are found
//   differentiates  the gradient of a weighted sum of logits is written and runs, and agrees with a central difference along itself
//   attacks         an attack of ten gradients on one random image runs to its end
import { readFile } from 'node:fs/promises';
import { attack, createSession } from '../dist/ts/index.js';
import { attackGraph, describeClassifier, readClassifier } from '../dist/ts/onnx/index.js';

/** Of a gradient in float32 through a whole network; given larger for quantised ones, whose steps gradients pass straight through. */
const [file = '', tolerance = '0.03'] = process.argv.slice(2);
const result = { reads: false, differentiates: false, attacks: false, reason: '' };

async function probe() {
  const bytes = new Uint8Array(await readFile(file));
  const { model } = readClassifier(bytes);
  const { imageShape, classes } = describeClassifier(model);
  result.reads = true;

  const size = imageShape.reduce((product, dim) => product * dim, 1);
  const image = Float32Array.from({ length: size }, (_, i) => 0.5 + 0.3 * Math.sin(i * 12.9898 + (i % 7)));
  result.error = await gradientError(model, image, imageShape, classes);
  result.differentiates = result.error <= Number(tolerance);
  if (!result.differentiates) {
    result.reason = `the gradient differs from finite differences by ${(100 * result.error).toFixed(0)} %`;
    return;
  }
  // Without labels the model's own answers count as right.
  const { examples } = await attack(bytes, { images: image, shape: imageShape }, { maxEvaluations: 10, workers: 1 });
  result.attacks = examples.length === 1;
  result.status = examples[0]?.status;
}

/** |g·d − (f(x + hd) − f(x − hd)) / 2h| / |g·d| with d along the gradient, the least over several steps h. */
async function gradientError(model, image, imageShape, classes) {
  const graph = attackGraph(model, {});
  const session = await createSession(graph, { provider: 'cpu' });
  // One class against the softmax of the others at a high temperature: a smooth function of all logits.
  const oneHot = new Float32Array(classes);
  oneHot[0] = 1;
  const temperature = 1;
  const run = (data) =>
    session.run({
      image: { data, dims: [1, ...imageShape] },
      one_hot: { data: oneHot, dims: [1, classes] },
      sign: { data: Float32Array.of(1), dims: [1, 1] },
      temperature: { data: Float32Array.of(temperature), dims: [1, 1] },
    });
  const value = ({ logits }) => {
    const others = Array.from(logits.data).slice(1);
    const most = Math.max(...others);
    return most + Math.log(others.reduce((sum, z) => sum + Math.exp(z - most), 0)) - logits.data[0];
  };
  const { gradient, logits } = await run(image);
  if (!gradient.data.every(Number.isFinite)) throw new Error('the gradient is not finite');
  const scale = Math.max(...Array.from(logits.data, Math.abs), 1e-3);
  const norm = Math.sqrt(gradient.data.reduce((sum, g) => sum + g * g, 0));
  if (norm === 0) throw new Error('the gradient is zero');
  let least = Number.POSITIVE_INFINITY;
  // Steps that change the value by so much of the logits' size.
  for (const change of [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]) {
    const step = (change * scale) / norm;
    const moved = (sign) => Float32Array.from(image, (x, i) => x + (sign * step * gradient.data[i]) / norm);
    const difference = (value(await run(moved(1))) - value(await run(moved(-1)))) / (2 * step);
    least = Math.min(least, Math.abs(difference - norm) / norm);
  }
  return least;
}

try {
  await probe();
} catch (error) {
  result.reason = (error instanceof Error ? error.message : String(error)).split('\n')[0];
}
process.stdout.write(`${JSON.stringify(result)}\n`);
