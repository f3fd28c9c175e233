/**
 * Lipschitz constants of single layers in the L2 norm, for one image (Szegedy et al. 2013, section 4.3): the operator
 * norm where a layer is linear, else the steepest slope. Constants of other norms or of a part of the inputs are not used.
 */
import { numberAttribute, numbersAttribute, requireConstantNumbers, stringAttribute } from '../../onnx/op_rule.ts';
import type { OpName } from '../../onnx/op_table.ts';
import { elementCount, isStatic, normalizeAxis, sameShape } from '../../onnx/shape.ts';
import type { GraphNode, Value } from '../../onnx/value.ts';
import { convolutionBound } from './convolution_bound.ts';
import { type Bound, type LayerBound, noRule, requireWeights } from './layer_rule.ts';
import { matrixOperator } from './linear_operator.ts';
import { operatorNorm } from './operator_norm.ts';
import { averagePoolBound, maxPoolBound } from './pooling_bound.ts';
import type { ChainLink } from './sequential_chain.ts';

type Rule = (link: ChainLink) => Bound;

/**
 * @throws UNSUPPORTED_OP naming the operator when there is no rule for it, or none for how it is used here.
 */
export function layerBound(link: ChainLink): LayerBound {
  const { node, input, output } = link;
  const rule = RULES[node.op];
  if (!rule) {
    throw noRule(node, `there is none for this operator; there is one for ${Object.keys(RULES).sort().join(', ')}`);
  }
  const bound = rule(link);
  if (!Number.isFinite(bound.norm)) throw noRule(node, `its constant is ${bound.norm}`);
  return {
    name: node.name,
    op: node.op,
    inputShape: imageShape(link, input),
    outputShape: imageShape(link, output),
    weightShape: null,
    verified: null,
    circular: null,
    printed: null,
    ...bound,
  };
}

function imageShape({ node }: ChainLink, { shape }: Value): number[] {
  const image = shape.slice(1);
  if (!isStatic(image)) throw noRule(node, `its shape [${shape.join(', ')}] is not fixed`);
  return [...image];
}

/** The same function of each element, of slope at most `slope`. */
const slope =
  (steepest: number | ((node: GraphNode) => number)): Rule =>
  ({ node }) => ({ kind: 'activation', norm: typeof steepest === 'number' ? steepest : steepest(node) });

/** Moves or leaves out elements. */
const layout: Rule = () => ({ kind: 'layout', norm: 1 });

/** x + c: no change of distances, as long as x itself is not repeated. */
const shift: Rule = (link) => {
  requireSameShape(link);
  return { kind: 'scaling', norm: 1 };
};

const multiplied: Rule = (link) => {
  requireSameShape(link);
  return { kind: 'scaling', norm: largestMagnitude(requireWeights(link.node, otherInput(link)).numbers) };
};

const divided: Rule = (link) => {
  requireSameShape(link);
  if (otherInput(link) === 0) throw noRule(link.node, 'it divides by what flows through the model');
  const divisors = Array.from(requireWeights(link.node, 1).numbers, (value) => 1 / value);
  return { kind: 'scaling', norm: largestMagnitude(divisors) };
};

function otherInput({ node, input }: ChainLink): 0 | 1 {
  return node.inputs[0] === input ? 1 : 0;
}

function requireSameShape({ node, input, output }: ChainLink): void {
  if (!sameShape(input.shape, output.shape)) throw noRule(node, 'it broadcasts what flows through the model');
}

function largestMagnitude(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  return largest;
}

/** Y = α·X·B + C and X·B: every row on its own, so the norm is that of B. */
const dense: Rule = ({ node, input }) => {
  if (node.inputs[0] !== input) throw noRule(node, 'what flows through the model is not its first operand');
  if (numberAttribute(node, 'transA', 0) !== 0) throw noRule(node, 'it mixes the images of a batch (transA)');
  const { numbers, shape } = requireWeights(node, 1);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) throw noRule(node, `its weights have the shape [${shape.join(', ')}], not that of a matrix`);
  const { norm, verified } = operatorNorm(matrixOperator(numbers, rows, columns));
  const alpha = numberAttribute(node, 'alpha', 1);
  return { kind: 'dense', norm: Math.abs(alpha) * norm, verified, weightShape: [...shape] };
};

/** Largest |scale/√(var + ε)|. */
const batchNormalization: Rule = ({ node }) => {
  const scale = requireWeights(node, 1).numbers;
  const variance = requireWeights(node, 4).numbers;
  const epsilon = numberAttribute(node, 'epsilon', 1e-5);
  const factors = Array.from(scale, (value, i) => value / Math.sqrt((variance[i] as number) + epsilon));
  return { kind: 'normalisation', norm: largestMagnitude(factors) };
};

/**
 * x/(k + α/n·Σx²)^β: k^−β for β in [0, 1]. With the sum over all channels the Jacobian is k^−β·(1 + t)^−β·(I − 2β·vvᵀ),
 * |v|² = t/(1 + t), whose norm is at most k^−β. With windows of channels the paper takes the same constant; we know no
 * proof, and no counterexample from maximising the norm of the Jacobian numerically.
 */
const localResponse: Rule = ({ node }) => {
  const beta = numberAttribute(node, 'beta', 0.75);
  const bias = numberAttribute(node, 'bias', 1);
  const alpha = numberAttribute(node, 'alpha', 1e-4);
  if (!(beta >= 0 && beta <= 1 && bias > 0 && alpha >= 0)) {
    throw noRule(node, `beta in [0, 1], bias over 0 and alpha from 0 are covered, not ${beta}, ${bias} and ${alpha}`);
  }
  return { kind: 'normalisation', norm: bias ** -beta };
};

/** Softmax: the Jacobian diag(p) − ppᵀ has norm at most 1/2. */
const softmax: Rule = (link) => {
  const axis = normalizeAxis(numberAttribute(link.node, 'axis', -1), link.input.shape.length);
  if (axis === 0) throw noRule(link.node, 'it runs over the images of a batch');
  return { kind: 'activation', norm: 0.5 };
};

/** Reductions of disjoint sets of `count` elements each. */
const reduction =
  (norm: (count: number) => number, axesAsInput: boolean): Rule =>
  (link) => {
    const { node, input } = link;
    const rank = input.shape.length;
    const given =
      axesAsInput && node.inputs[1] ? requireConstantNumbers(node, 1, 'axes') : numbersAttribute(node, 'axes');
    const axes = (given ?? [...input.shape.keys()]).map((axis) => normalizeAxis(axis, rank) ?? 0);
    if (axes.includes(0)) throw noRule(node, 'it reduces over the images of a batch');
    const image = imageShape(link, input);
    return { kind: 'pooling', norm: norm(elementCount(axes.map((axis) => image[axis - 1] ?? 1))) };
  };

const globalAverage: Rule = (link) => ({
  kind: 'pooling',
  norm: 1 / Math.sqrt(elementCount(imageShape(link, link.input).slice(1))),
});

const pad: Rule = ({ node }) => {
  const mode = stringAttribute(node, 'mode', 'constant');
  if (mode !== 'constant') throw noRule(node, `padding by ${mode} repeats elements`);
  return { kind: 'layout', norm: 1 };
};

const RULES: Readonly<Record<string, Rule | undefined>> = {
  Abs: slope(1),
  Add: shift,
  AveragePool: averagePoolBound,
  BatchNormalization: batchNormalization,
  Cast: layout,
  Clip: slope(1),
  Conv: convolutionBound,
  Cos: slope(1),
  Div: divided,
  Dropout: layout,
  Elu: slope((node) => Math.max(1, Math.abs(numberAttribute(node, 'alpha', 1)))),
  Erf: slope(2 / Math.sqrt(Math.PI)),
  Flatten: layout,
  Gemm: dense,
  GlobalAveragePool: globalAverage,
  HardSigmoid: slope((node) => Math.abs(numberAttribute(node, 'alpha', 0.2))),
  HardSwish: slope(1.5),
  Identity: layout,
  LRN: localResponse,
  LeakyRelu: slope((node) => Math.max(1, Math.abs(numberAttribute(node, 'alpha', 0.01)))),
  MatMul: dense,
  Max: shift,
  MaxPool: maxPoolBound,
  Min: shift,
  Mul: multiplied,
  Neg: slope(1),
  PRelu: slope((node) => Math.max(1, largestMagnitude(requireWeights(node, 1).numbers))),
  Pad: pad,
  ReduceMax: reduction(() => 1, false),
  ReduceMean: reduction((count) => 1 / Math.sqrt(count), false),
  ReduceMin: reduction(() => 1, false),
  ReduceSum: reduction(Math.sqrt, true),
  Relu: slope(1),
  Reshape: layout,
  Sigmoid: slope(0.25),
  Sin: slope(1),
  Slice: layout,
  Softmax: softmax,
  Softplus: slope(1),
  Squeeze: layout,
  Sub: shift,
  Tanh: slope(1),
  Transpose: layout,
  Unsqueeze: layout,
} satisfies Partial<Record<OpName, Rule>>;
