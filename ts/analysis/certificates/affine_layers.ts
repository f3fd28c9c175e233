/** The layers of a chain that are affine, as maps of one image's elements. */
import { BlindspotError } from '../../errors.ts';
import { numberAttribute } from '../../onnx/op_rule.ts';
import { windowCounts } from '../../onnx/ops/pooling.ts';
import { reducedAxes } from '../../onnx/ops/reduction.ts';
import { poolGeometry, requireStatic, windowGeometry } from '../../onnx/ops/spatial_window.ts';
import { tensorNumbers } from '../../onnx/tensor.ts';
import type { GraphNode, Value } from '../../onnx/value.ts';
import type { ChainLink } from '../spectral/sequential_chain.ts';
import { type AffineMap, affineMap } from './affine_map.ts';

/** @throws UNSUPPORTED_OP for what is not affine, or mixes images. */
export function linearMap(link: ChainLink): AffineMap {
  const { node } = link;
  switch (node.op) {
    case 'Gemm':
    case 'MatMul':
      return dense(link);
    case 'Conv':
      return convolution(link);
    case 'AveragePool':
      return windowMeans(link);
    case 'GlobalAveragePool':
      return placeMeans(link);
    case 'ReduceMean':
      return axisMeans(link);
    case 'BatchNormalization':
      return normalized(link);
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div':
      return elementwise(link);
    default:
      throw unsupported(
        node,
        'there are relaxations of Add, AveragePool, BatchNormalization, Conv, Div, Gemm, GlobalAveragePool, LeakyRelu, MatMul, MaxPool, Mul, ReduceMax, ReduceMean, Relu, Sigmoid, Sub and Tanh',
      );
  }
}

export function unsupported(node: GraphNode, reason: string): BlindspotError {
  return new BlindspotError('UNSUPPORTED_OP', `No certificate through ${node.op} "${node.name}": ${reason}`);
}

/** Elements of one image. */
export function sizeOf({ node }: ChainLink, { shape }: Value): number {
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

/** Means of windows: of what is in the image alone, unless padding counts. */
function windowMeans(link: ChainLink): AffineMap {
  const { node, input, output } = link;
  const places = windowPlaces(node);
  const geometry = requireStatic(node, poolGeometry(node));
  const counts = windowCounts(geometry, numberAttribute(node, 'count_include_pad', 0) !== 0);
  const count = (i: number): number => (typeof counts === 'number' ? counts : (counts[i % counts.length] as number));
  return affineMap(sizeOf(link, input), sizeOf(link, output), (i, add) => {
    for (const place of places(i)) add(place, 1 / count(i));
  });
}

function placeMeans(link: ChainLink): AffineMap {
  const { input, output } = link;
  const [inputs, outputs] = [sizeOf(link, input), sizeOf(link, output)];
  const area = inputs / outputs;
  return affineMap(inputs, outputs, (i, add) => {
    for (let place = 0; place < area; place++) add(i * area + place, 1 / area);
  });
}

function axisMeans(link: ChainLink): AffineMap {
  const groups = reducedGroups(link);
  return affineMap(sizeOf(link, link.input), groups.length, (i, add) => {
    const group = groups[i] ?? [];
    for (const place of group) add(place, 1 / group.length);
  });
}

/** For each output of a reduction, the elements of the image that it is made of. */
export function reducedGroups(link: ChainLink): number[][] {
  const { node, input } = link;
  const image = input.shape.slice(1).map(Number);
  const axes = reducedAxes(node);
  if (axes.includes(0)) throw unsupported(node, 'it mixes the images of a batch');
  const groups: number[][] = [];
  for (let place = 0; place < sizeOf(link, input); place++) {
    let [rest, index, stride] = [place, 0, 1];
    for (let axis = image.length - 1; axis >= 0; axis--) {
      const size = image[axis] as number;
      if (!axes.includes(axis + 1)) {
        index += (rest % size) * stride;
        stride *= size;
      }
      rest = Math.floor(rest / size);
    }
    groups[index] ??= [];
    groups[index]?.push(place);
  }
  return groups;
}

/** (x − mean)/√(variance + ε)·scale + bias, by channels. */
function normalized(link: ChainLink): AffineMap {
  const { node, input } = link;
  const size = sizeOf(link, input);
  const area = size / Number(input.shape[1]);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => constantOf(node, i).numbers);
  const epsilon = numberAttribute(node, 'epsilon', 1e-5);
  const factor = (channel: number) =>
    (scale?.[channel] as number) / Math.sqrt((variance?.[channel] as number) + epsilon);
  const channelOf = (i: number) => Math.floor(i / area);
  const offset = Float64Array.from({ length: size }, (_, i) => {
    const channel = channelOf(i);
    return (bias?.[channel] as number) - factor(channel) * (mean?.[channel] as number);
  });
  return affineMap(size, size, (i, add) => add(i, factor(channelOf(i))), offset);
}

/** For each output of a pool over two dimensions, the elements of the image in its window. */
export function windowPlaces(node: GraphNode): (i: number) => number[] {
  const { kernel, strides, dilations, padsBegin, inputSize, outputSize } = requireStatic(node, poolGeometry(node));
  if (kernel.length !== 2) throw unsupported(node, `its kernel has ${kernel.length} dimensions; 2 are covered`);
  const [height = 1, width = 1] = inputSize;
  const [rows = 1, columns = 1] = outputSize;
  const at = (o: number, k: number, axis: number): number =>
    o * (strides[axis] ?? 1) + k * (dilations[axis] ?? 1) - (padsBegin[axis] ?? 0);
  return (i) => {
    const channel = Math.floor(i / (rows * columns));
    const [top, left] = [Math.floor((i % (rows * columns)) / columns), i % columns];
    const places: number[] = [];
    for (let a = 0; a < (kernel[0] ?? 1); a++) {
      const y = at(top, a, 0);
      if (y < 0 || y >= height) continue;
      for (let b = 0; b < (kernel[1] ?? 1); b++) {
        const x = at(left, b, 1);
        if (x >= 0 && x < width) places.push((channel * height + y) * width + x);
      }
    }
    return places;
  };
}
