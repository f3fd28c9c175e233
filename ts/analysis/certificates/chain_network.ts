/** A model as maps and activations in turn, from its one chain of layers. */
import { BlindspotError } from '../../errors.ts';
import type { Model } from '../../onnx/model.ts';
import { numberAttribute } from '../../onnx/op_rule.ts';
import { requireStatic, windowGeometry } from '../../onnx/ops/spatial_window.ts';
import { tensorNumbers } from '../../onnx/tensor.ts';
import type { GraphNode, Value } from '../../onnx/value.ts';
import { type ChainLink, sequentialChain } from '../spectral/sequential_chain.ts';
import { type AffineMap, affineMap } from './affine_map.ts';
import type { ActivationName } from './relaxation.ts';
import type { ChainNetwork } from './relaxed_network.ts';

const ACTIVATIONS: Readonly<Record<string, ActivationName | undefined>> = {
  Relu: 'relu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
};
/** They keep the order of the elements. */
const LAYOUT: ReadonlySet<string> = new Set([
  'Flatten',
  'Reshape',
  'Identity',
  'Dropout',
  'Cast',
  'Squeeze',
  'Unsqueeze',
]);

/** @throws UNSUPPORTED_OP for what is not linear, ReLU, sigmoid or tanh, or no chain; INVALID_MODEL. */
export function chainNetwork(model: Model): ChainNetwork {
  const maps: AffineMap[] = [];
  const activations: ActivationName[] = [];
  let pending: AffineMap | undefined;
  const links = sequentialChain(model);
  for (const link of links) {
    const name = ACTIVATIONS[link.node.op];
    if (name !== undefined) {
      maps.push(pending ?? identity(sizeOf(link, link.input)));
      activations.push(name);
      pending = undefined;
    } else if (!LAYOUT.has(link.node.op)) {
      const map = linearMap(link);
      pending = pending === undefined ? map : compose(map, pending);
    }
  }
  const end = links.at(-1);
  if (!end) throw new BlindspotError('INVALID_MODEL', 'The model has no layer to certify');
  maps.push(pending ?? identity(sizeOf(end, end.output)));
  return { maps, activations };
}

function linearMap(link: ChainLink): AffineMap {
  const { node } = link;
  switch (node.op) {
    case 'Gemm':
    case 'MatMul':
      return dense(link);
    case 'Conv':
      return convolution(link);
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div':
      return elementwise(link);
    default:
      throw unsupported(
        node,
        `there are relaxations of Add, Conv, Div, Gemm, MatMul, Mul, Relu, Sigmoid, Sub and Tanh`,
      );
  }
}

function unsupported(node: GraphNode, reason: string): BlindspotError {
  return new BlindspotError('UNSUPPORTED_OP', `No certificate through ${node.op} "${node.name}": ${reason}`);
}

/** Elements of one image. */
function sizeOf({ node }: ChainLink, { shape }: Value): number {
  const image = shape.slice(1);
  return image.reduce<number>((product, size) => {
    if (typeof size !== 'number') throw unsupported(node, `its shape [${shape.join(', ')}] is not fixed`);
    return product * size;
  }, 1);
}

function constantOf(node: GraphNode, i: number): { numbers: ArrayLike<number>; shape: readonly number[] } {
  const tensor = node.inputs[i]?.constant;
  if (!tensor) throw unsupported(node, `input ${i} is not a constant but computed from others`);
  return { numbers: tensorNumbers(tensor), shape: tensor.shape };
}

function identity(size: number): AffineMap {
  return affineMap(size, size, (i, add) => add(i, 1));
}

/** α·x·B + β·C */
function dense(link: ChainLink): AffineMap {
  const { node, input } = link;
  if (node.inputs[0] !== input) throw unsupported(node, 'what flows through the model is not its first operand');
  if (numberAttribute(node, 'transA', 0) !== 0) throw unsupported(node, 'it mixes the images of a batch (transA)');
  const { numbers, shape } = constantOf(node, 1);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) throw unsupported(node, `its weights have the shape [${shape.join(', ')}], not a matrix's`);
  const isTransposed = numberAttribute(node, 'transB', 0) !== 0;
  const [inputs, outputs] = isTransposed ? [columns, rows] : [rows, columns];
  if (sizeOf(link, input) !== inputs) throw unsupported(node, 'it runs over rows of one image');
  const alpha = numberAttribute(node, 'alpha', 1);
  const offset = new Float64Array(outputs);
  if (node.inputs[2]) {
    const bias = constantOf(node, 2).numbers;
    const beta = numberAttribute(node, 'beta', 1);
    for (let i = 0; i < outputs; i++) offset[i] = beta * (bias[bias.length === 1 ? 0 : i] as number);
  }
  const weight = (i: number, j: number) => numbers[isTransposed ? i * inputs + j : j * outputs + i] as number;
  return affineMap(
    inputs,
    outputs,
    (i, add) => {
      for (let j = 0; j < inputs; j++) add(j, alpha * weight(i, j));
    },
    offset,
  );
}

/** Two spatial dimensions, zeros around. */
function convolution(link: ChainLink): AffineMap {
  const { node, input, output } = link;
  const { numbers, shape } = constantOf(node, 1);
  const [filters = 0, depth = 0, ...kernel] = shape;
  if (kernel.length !== 2) throw unsupported(node, `its kernel has ${kernel.length} dimensions; 2 are covered`);
  const { strides, dilations, padsBegin, inputSize, outputSize } = requireStatic(
    node,
    windowGeometry(node, input.shape, kernel),
  );
  const [kernelHeight = 1, kernelWidth = 1] = kernel;
  const [height = 1, width = 1] = inputSize;
  const area = outputSize.reduce((product, size) => product * size, 1);
  const perGroup = filters / numberAttribute(node, 'group', 1);
  const bias = node.inputs[2] ? constantOf(node, 2).numbers : undefined;
  const offset = Float64Array.from({ length: filters * area }, (_, i) => bias?.[Math.floor(i / area)] ?? 0);
  const row = (i: number, add: (column: number, value: number) => void): void => {
    const filter = Math.floor(i / area);
    const [top, left] = [Math.floor((i % area) / (outputSize[1] ?? 1)), i % (outputSize[1] ?? 1)];
    const first = Math.floor(filter / perGroup) * depth;
    for (let c = 0; c < depth; c++) {
      for (let a = 0; a < kernelHeight; a++) {
        const y = top * (strides[0] ?? 1) + a * (dilations[0] ?? 1) - (padsBegin[0] ?? 0);
        if (y < 0 || y >= height) continue;
        for (let b = 0; b < kernelWidth; b++) {
          const x = left * (strides[1] ?? 1) + b * (dilations[1] ?? 1) - (padsBegin[1] ?? 0);
          if (x < 0 || x >= width) continue;
          const weight = numbers[((filter * depth + c) * kernelHeight + a) * kernelWidth + b] as number;
          add(((first + c) * height + y) * width + x, weight);
        }
      }
    }
  };
  return affineMap(sizeOf(link, input), sizeOf(link, output), row, offset);
}

/** x + c, x − c, c − x, x·c, x/c; c of the same shape, or broadcast to it. */
function elementwise(link: ChainLink): AffineMap {
  const { node, input, output } = link;
  const size = sizeOf(link, input);
  if (size !== sizeOf(link, output)) throw unsupported(node, 'it broadcasts what flows through the model');
  const isFirst = node.inputs[0] === input;
  if (node.op === 'Div' && !isFirst) throw unsupported(node, 'it divides by what flows through the model');
  const { numbers, shape } = constantOf(node, isFirst ? 1 : 0);
  const image = output.shape.slice(1).map(Number);
  const at = (i: number) => numbers[broadcastIndex(i, image, shape)] as number;
  const isSum = node.op === 'Add' || node.op === 'Sub';
  const sign = node.op === 'Sub' && !isFirst ? -1 : 1;
  const offset = Float64Array.from({ length: size }, (_, i) => {
    if (!isSum) return 0;
    return node.op === 'Sub' && isFirst ? -at(i) : at(i);
  });
  const factor = (i: number) => (isSum ? sign : node.op === 'Mul' ? at(i) : 1 / at(i));
  return affineMap(size, size, (i, add) => add(i, factor(i)), offset);
}

/** Where element i of an image is in a constant of fewer or shorter axes. */
function broadcastIndex(i: number, image: readonly number[], shape: readonly number[]): number {
  let index = 0;
  let stride = 1;
  let rest = i;
  for (let axis = image.length - 1; axis >= 0; axis--) {
    const size = image[axis] as number;
    const own = shape[axis - image.length + shape.length] ?? 1;
    if (own > 1) index += (rest % size) * stride;
    stride *= own;
    rest = Math.floor(rest / size);
  }
  return index;
}

/** second(first(x)) */
function compose(second: AffineMap, first: AffineMap): AffineMap {
  const offset = Float64Array.from(second.offset);
  const sums = new Float64Array(first.inputs);
  return affineMap(
    first.inputs,
    second.outputs,
    (i, add) => {
      sums.fill(0);
      for (let at = second.starts[i] as number; at < (second.starts[i + 1] as number); at++) {
        const middle = second.columns[at] as number;
        const factor = second.values[at] as number;
        offset[i] = (offset[i] as number) + factor * (first.offset[middle] as number);
        for (let inner = first.starts[middle] as number; inner < (first.starts[middle + 1] as number); inner++) {
          const column = first.columns[inner] as number;
          sums[column] = (sums[column] as number) + factor * (first.values[inner] as number);
        }
      }
      for (const [column, value] of sums.entries()) add(column, value);
    },
    offset,
  );
}
