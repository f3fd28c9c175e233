/** Kernels are the real ones: the replay holds them to the same bits. */
import { expect, test } from 'vitest';
import { CLASSES, linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import { attackGraph } from '../onnx/attack_graph.ts';
import { readModel } from '../onnx/read_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { record, replaySeconds } from './replay.ts';

const native = await loadKernel('native');
const wasm = await loadKernel('wasm');
await using session = await createSession(attackGraph(readModel(linearModel())));
const { images, labels } = linearImages(6);
const replayed = Array.from(labels, (label, i) => ({
  pixels: images.subarray(i * PIXELS, (i + 1) * PIXELS),
  label,
  target: -1,
}));
const recording = await record(native, session, replayed, {
  search: { n: PIXELS, classes: CLASSES, lanes: 6 },
  imageShape: [PIXELS],
});

test('a search recorded on the native kernel is replayed on the wasm kernel, bit for bit', () => {
  expect(recording.evaluations).toBeGreaterThan(6);
  expect(replaySeconds(wasm, 'simd128', recording)).toBeGreaterThan(0);
});

test('other answers of the model lead off the recorded path, which is an error', () => {
  const answers = recording.answers.map((answer) => ({ ...answer, logits: answer.logits.map((z) => 0.7 * z) }));
  expect(() => replaySeconds(native, native.instructionSet, { ...recording, answers })).toThrow('native');
});
