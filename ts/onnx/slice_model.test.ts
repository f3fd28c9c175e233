import { describe, expect, test } from 'vitest';
import { attackGraph, logitsGraph } from './attack_graph.ts';
import { describeClassifier } from './classifier.ts';
import { readModel } from './read_model.ts';
import { intermediateValues, sliceModel, valuesGraph } from './slice_model.ts';
import { convolutionalClassifier } from './testing/classifiers.ts';
import { expectClose } from './testing/gradient_check.ts';
import { runInOrt } from './testing/ort.ts';
import { randomSource, spacedTensor } from './testing/random.ts';
import { rawFloats, rawModel, rawNode, rawValue } from './testing/raw_model.ts';

const model = readModel(convolutionalClassifier({ batch: 1 }));
const image = spacedTensor([2, 1, 6, 6], randomSource(4), 0, 1);

test('intermediate values are listed with the operator that makes them', () => {
  expect(intermediateValues(model).map(({ op, shape }) => [op, shape])).toEqual([
    ['Conv', [1, 3, 6, 6]],
    ['Relu', [1, 3, 6, 6]],
    ['MaxPool', [1, 3, 3, 3]],
    ['Reshape', [1, 27]],
    ['MatMul', [1, 4]],
    ['Add', [1, 4]],
  ]);
});

test.each(['features', 1])('the part after %s, fed with its value, answers as the whole does', async (from) => {
  const { features } = await runInOrt(valuesGraph(model, ['features', 'scores']), { image });
  expect(features?.shape).toEqual([2, 3, 6, 6]);
  const rest = sliceModel(model, from);
  expect(describeClassifier(rest)).toMatchObject({ inputName: 'features', imageShape: [3, 6, 6], classes: 4 });
  const whole = await runInOrt(logitsGraph(model), { image });
  const part = await runInOrt(logitsGraph(rest), { image: features ?? image });
  if (!whole['logits']) throw new Error('no logits');
  expectClose(part['logits'], whole['logits'], 1e-6, 'logits');
  expect(readModel(attackGraph(rest)).outputs.at(-1)?.shape).toEqual(['N', 3, 6, 6]);
});

describe('what cannot be cut', () => {
  test('an unknown value', () => {
    expect(() => sliceModel(model, 'nowhere')).toThrow(
      /^Expected an intermediate value \(.*features.*\) for from but received "nowhere"/,
    );
    expect(() => sliceModel(model, 99)).toThrow(/but received 99/);
    expect(() => valuesGraph(model, ['nowhere'])).toThrow(
      /^Expected an intermediate value .* for names but received "nowhere"/,
    );
  });

  test('a value that a path goes around', () => {
    const residual = rawModel(17, {
      node: [rawNode('Mul', ['x', 'w'], ['h']), rawNode('Add', ['h', 'x'], ['y'], {}, 'skip')],
      initializer: [rawFloats('w', [2], [1, 2])],
      input: [rawValue('x', ['N', 2])],
      output: [rawValue('y', ['N', 2])],
    });
    expect(() => sliceModel(readModel(residual), 'h')).toThrow(
      'Expected a value that all paths pass (node "skip" goes around it) for from but received "h" of type string',
    );
  });
});
