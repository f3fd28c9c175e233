/** The gradients of whole networks, against jax-js: another reader of ONNX and another engine of differentiation. */
import { grad, numpy as np } from '@jax-js/jax';
import { ONNXModel } from '@jax-js/onnx';
import { describe, expect, test } from 'vitest';
import { attackGraph, logitsGraph } from './attack_graph.ts';
import { readModel } from './read_model.ts';
import { convolutionalClassifier, mlpClassifier } from './testing/classifiers.ts';
import { runInOrt } from './testing/ort.ts';
import { randomSource, spacedTensor } from './testing/random.ts';

const CASES = [
  ['MLP', mlpClassifier, [12]],
  ['convolutional', convolutionalClassifier, [1, 6, 6]],
] as const;

describe.each(CASES)('%s network', (_, build, imageShape) => {
  test('the gradient of the margin agrees', async () => {
    const model = readModel(build({ batch: 1 }));
    const image = spacedTensor([1, ...imageShape], randomSource(9), 0, 1);
    const pixels = Float32Array.from(image.data);
    const oneHot = [0, 0, 1, 0];
    const other = new ONNXModel(logitsGraph(model));
    // At temperature 1, s = log Σ_{j≠k} exp z_j - z_k.
    const margin = (x: np.Array): np.Array => {
      const z = other.run({ image: x })['logits'];
      if (!z) throw new Error('no logits');
      const others = np.array([1, 1, 0, 1], { dtype: np.float32 });
      const total = np.log(np.sum(np.exp(z.ref).mul(others)));
      return total.sub(np.sum(z.mul(np.array(oneHot, { dtype: np.float32 }))));
    };
    const reference = await grad(margin)(np.array(pixels, { dtype: np.float32 }).reshape([1, ...imageShape])).data();
    const { gradient } = await runInOrt(attackGraph(model), {
      image,
      one_hot: { shape: [1, 4], data: Float64Array.from(oneHot) },
      sign: { shape: [1, 1], data: Float64Array.of(1) },
      temperature: { shape: [1, 1], data: Float64Array.of(1) },
    });
    const ours = [...(gradient?.data ?? [])];
    expect(ours).toHaveLength(pixels.length);
    const largest = Math.max(...ours.map(Math.abs));
    expect(largest).toBeGreaterThan(0.01);
    const worst = Math.max(...ours.map((value, i) => Math.abs(value - Number(reference[i]))));
    expect(worst / largest).toBeLessThan(1e-5);
    other.dispose();
  });
});
