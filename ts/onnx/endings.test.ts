import { describe, expect, test } from 'vitest';
import { attackGraph, logitsGraph } from './attack_graph.ts';
import { finalNormalization } from './endings.ts';
import { readModel } from './read_model.ts';
import { rawFloats, rawModel, rawNode, rawValue } from './testing/raw_model.ts';

type Nodes = ReturnType<typeof rawNode>[];

/** z = x·w, then these nodes, from "z" to "out". */
function ending(nodes: Nodes, constants: Record<string, number[]> = {}, shape: (string | number)[] = ['N', 3]) {
  const bytes = rawModel(13, {
    node: [rawNode('MatMul', ['x', 'w'], ['z']), ...nodes],
    initializer: [
      rawFloats(
        'w',
        [4, 3],
        Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      ),
      ...Object.entries(constants).map(([name, values]) =>
        rawFloats(name, values.length === 1 ? [] : [values.length], values),
      ),
    ],
    input: [rawValue('x', ['N', 4])],
    output: [rawValue('out', shape)],
  });
  return readModel(bytes);
}

/** Operators left out, from the last to the first. */
function leftOut(nodes: Nodes, constants?: Record<string, number[]>): string[] {
  return [...finalNormalization(ending(nodes, constants), 'out').keys()].map(({ op }) => op);
}

describe('endings that keep the order of the classes are left out', () => {
  const softmax = rawNode('Softmax', ['z'], ['p'], { axis: -1n });

  test.each<[string, Nodes, Record<string, number[]>, string[]]>([
    [
      'a clip of probabilities',
      [softmax, rawNode('Clip', ['p', 'lo', 'hi'], ['out'])],
      { lo: [1e-7], hi: [0.9999999] },
      ['Clip', 'Softmax'],
    ],
    ['a positive factor', [rawNode('Mul', ['z', 'k'], ['out'])], { k: [0.001] }, ['Mul']],
    ['a positive factor in front', [rawNode('Mul', ['k', 'z'], ['out'])], { k: [20] }, ['Mul']],
    [
      'a temperature, then a softmax',
      [rawNode('Div', ['z', 'k'], ['t']), rawNode('Softmax', ['t'], ['out'], { axis: -1n })],
      { k: [20] },
      ['Softmax', 'Div'],
    ],
    ['a sigmoid a class', [rawNode('Sigmoid', ['z'], ['out'])], {}, ['Sigmoid']],
    ['a tanh', [rawNode('Tanh', ['z'], ['out'])], {}, ['Tanh']],
    [
      'the logarithm of a clipped softmax',
      [softmax, rawNode('Clip', ['p', 'lo'], ['c']), rawNode('Log', ['c'], ['out'])],
      { lo: [1e-7] },
      ['Log', 'Clip', 'Softmax'],
    ],
    [
      'a softmax written out',
      [
        rawNode('ReduceMax', ['z'], ['m'], { axes: [-1n] }),
        rawNode('Sub', ['z', 'm'], ['s']),
        rawNode('Exp', ['s'], ['e']),
        rawNode('ReduceSum', ['e', 'axes'], ['t']),
        rawNode('Div', ['e', 't'], ['out']),
      ],
      {},
      ['Div', 'Exp', 'Sub'],
    ],
    [
      'a normalisation to length 1',
      [rawNode('ReduceL2', ['z'], ['l'], { axes: [-1n] }), rawNode('Div', ['z', 'l'], ['out'])],
      {},
      ['Div'],
    ],
  ])('%s', (_what, nodes, constants, expected) => {
    const axes = nodes.some(({ input }) => input?.includes('axes'));
    const all = axes ? [rawNode('Constant', [], ['axes'], { value_ints: [-1n] }), ...nodes] : nodes;
    expect(leftOut(all, constants)).toEqual(expected);
  });

  test.each<[string, Nodes, Record<string, number[]>]>([
    ['a negative factor turns the order round', [rawNode('Mul', ['z', 'k'], ['out'])], { k: [-1] }],
    ['a factor a class', [rawNode('Mul', ['z', 'k'], ['out'])], { k: [1, 2, 3] }],
    ['a bias a class', [rawNode('Add', ['z', 'k'], ['out'])], { k: [1, 2, 3] }],
    [
      'a factor of unknown sign',
      [rawNode('ReduceMean', ['z'], ['m'], { axes: [-1n] }), rawNode('Mul', ['z', 'm'], ['out'])],
      {},
    ],
    ['a clip of logits makes ties', [rawNode('Clip', ['z', 'lo', 'hi'], ['out'])], { lo: [-1], hi: [1] }],
    ['so does Relu', [rawNode('Relu', ['z'], ['out'])], {}],
    ['a softmax over the images of a batch', [rawNode('Softmax', ['z'], ['out'], { axis: 0n })], {}],
  ])('%s: it stays', (_what, nodes, constants) => {
    expect(leftOut(nodes, constants)).toEqual([]);
  });

  test('the gradient graph leaves them out, the judge keeps all but a softmax', () => {
    const model = ending([rawNode('Sigmoid', ['z'], ['out'])]);
    expect(readModel(logitsGraph(model)).nodes.map(({ op }) => op)).toEqual(['MatMul', 'Sigmoid']);
    expect(readModel(attackGraph(model)).nodes.map(({ op }) => op)).not.toContain('Sigmoid');
  });
});

test('names of the attack’s own inputs, and nodes of one name, do no harm', () => {
  const bytes = rawModel(13, {
    node: [
      rawNode('MatMul', ['image', 'one_hot'], ['sign'], {}, 'Gemm_14'),
      rawNode('Relu', ['sign'], ['temperature'], {}, 'Gemm_14'),
      rawNode('MatMul', ['temperature', 'logits'], ['gradient'], {}, 'Gemm_14'),
    ],
    initializer: [rawFloats('one_hot', [2, 2], [1, 2, 3, 4]), rawFloats('logits', [2, 2], [1, 0, 0, 1])],
    input: [rawValue('image', ['N', 2])],
    output: [rawValue('gradient', ['N', 2])],
  });
  const graph = readModel(attackGraph(readModel(bytes), { smoothing: true }));
  expect(graph.inputs.map(({ name }) => name)).toEqual(['image', 'one_hot', 'sign', 'temperature', 'smoothing']);
  const names = graph.nodes.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
