/** Windows: pools that opset 17 lacks, padding by the image's own elements, transposed convolutions whose padding follows from their size. */
import { reshapeTo } from '../cotangent_shape.ts';
import {
  nodeError,
  numberAttribute,
  numbersAttribute,
  requireConstantNumbers,
  requireInput,
  stringAttribute,
} from '../op_rule.ts';
import { span, windowAxes, windowGeometry } from '../ops/spatial_window.ts';
import { multiplyDims, normalizeAxis } from '../shape.ts';
import { tensorFromNumbers } from '../tensor.ts';
import type { Attributes, Value } from '../value.ts';
import { emit, type Import, type ImportContext, knownSize, named, without } from './import_context.ts';

/** The sum over each window, every channel for itself: [N, C, …] as images of one channel under a kernel of ones. */
function windowSums(context: ImportContext, x: Value, attributes: Attributes): Value {
  const { graph } = context;
  const kernel = numbersAttribute({ attributes }, 'kernel_shape') ?? [];
  const geometry = windowGeometry({ ...context, attributes }, x.shape, kernel);
  const { strides, dilations, padsBegin, inputSize, outputSize } = geometry;
  const ends = inputSize.map((size, i) => {
    if (typeof size !== 'number') throw nodeError(context, 'the height and width must be known');
    const reach = (Number(outputSize[i]) - 1) * (strides[i] ?? 1) + span(kernel[i] ?? 1, dilations[i] ?? 1);
    return Math.max(0, reach - size - (padsBegin[i] ?? 0));
  });
  const images = multiplyDims(x.shape[0] ?? 1, x.shape[1] ?? 1);
  const sums = graph.op(
    'Conv',
    [reshapeTo(graph, x, [images, 1, ...inputSize]), graph.filled(1, [1, 1, ...kernel], x.type)],
    { kernel_shape: kernel, strides, dilations, pads: [...padsBegin, ...ends] },
  );
  const exact = sums.shape.slice(2).every((size, i) => size === outputSize[i])
    ? sums
    : graph.op('Slice', [
        sums,
        graph.ints(outputSize.map(() => 0)),
        graph.ints(outputSize.map(Number)),
        graph.ints(outputSize.map((_, i) => i + 2)),
      ]);
  return reshapeTo(graph, exact, [...x.shape.slice(0, 2), ...outputSize]);
}

/** With dilations, which opset 17 lacks: sums, divided by how many elements each window has. */
export const averagePool: Import = (context) => {
  const { graph, attributes } = context;
  if (!numbersAttribute(context, 'dilations')?.some((dilation) => dilation !== 1)) {
    return emit(context, 'AveragePool', context.inputs, without(attributes, 'dilations'));
  }
  const x = requireInput(context, 0);
  const kernel = numbersAttribute(context, 'kernel_shape') ?? [];
  const window = without(attributes, 'count_include_pad');
  const geometry = windowGeometry(context, x.shape, kernel);
  const includePad = numberAttribute(context, 'count_include_pad', 0) !== 0;
  const counts = geometry.outputSize.map((size, i) => {
    const [k = 1, stride = 1, dilation = 1, begin = 0, end = 0] = [
      kernel[i],
      geometry.strides[i],
      geometry.dilations[i],
      geometry.padsBegin[i],
      geometry.padsEnd[i],
    ];
    const extent = knownSize(context, i + 2);
    return Array.from({ length: Number(size) }, (_, o) => {
      const places = Array.from({ length: k }, (__, j) => o * stride + j * dilation - begin);
      return places.filter((at) => at >= (includePad ? -begin : 0) && at < (includePad ? extent + end : extent)).length;
    });
  });
  const inverse = counts.reduce<number[]>((outer, axis) => outer.flatMap((a) => axis.map((b) => a / b)), [1]);
  const share = graph.tensor(tensorFromNumbers(x.type, inverse, [1, 1, ...geometry.outputSize.map(Number)]));
  return emit(context, 'Mul', [windowSums(context, x, window), share], {});
};

/** (Σ |x|ᵖ)^(1/p) over each window. */
const lpPool: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const p = numberAttribute(context, 'p', 2);
  const sums = windowSums(context, power(context, x, p), without(context.attributes, 'p'));
  return named(context, p === 1 ? sums : graph.op('Pow', [sums, graph.scalar(1 / p, x.type)]));
};

function power({ graph }: ImportContext, x: Value, p: number): Value {
  if (p === 2) return graph.mul(x, x);
  const absolute = graph.op('Abs', [x]);
  return p === 1 ? absolute : graph.op('Pow', [absolute, graph.scalar(p, x.type)]);
}

const globalLpPool: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const p = numberAttribute(context, 'p', 2);
  const sums = graph.reduceSum(power(context, x, p), [...x.shape.keys()].slice(2));
  return named(context, p === 1 ? sums : graph.op('Pow', [sums, graph.scalar(1 / p, x.type)]));
};

/** Which element stands at each place of a padded axis. */
function paddedIndices(mode: string, size: number, before: number, after: number): number[] | undefined {
  return Array.from({ length: size + before + after }, (_, i) => {
    const at = i - before;
    if (mode === 'edge') return Math.min(Math.max(at, 0), size - 1);
    if (mode === 'wrap') return ((at % size) + size) % size;
    // Mirrored about the outermost elements, again and again.
    const period = Math.max(1, 2 * (size - 1));
    const folded = ((at % period) + period) % period;
    return size === 1 ? 0 : Math.min(folded, period - folded);
  });
}

/** Pads of every axis, from attribute or input, of all axes or some. */
function padsOf(context: ImportContext): number[] {
  const old = numbersAttribute(context, 'pads') ?? numbersAttribute(context, 'paddings');
  if (old) return [...old];
  const rank = requireInput(context, 0).shape.length;
  const pads = requireConstantNumbers(context, 1, 'pads');
  if (!context.inputs[3]) return pads;
  const axes = requireConstantNumbers(context, 3, 'axes');
  const all = new Array<number>(2 * rank).fill(0);
  axes.forEach((given, i) => {
    const axis = normalizeAxis(given, rank);
    if (axis === undefined) throw nodeError(context, `axis ${given} is out of range`);
    all[axis] = pads[i] ?? 0;
    all[rank + axis] = pads[axes.length + i] ?? 0;
  });
  return all;
}

const pad: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const rank = x.shape.length;
  const pads = padsOf(context);
  const mode = stringAttribute(context, 'mode', 'constant');
  if (mode === 'constant') {
    const old = context.attributes['value'];
    const value = typeof old === 'number' ? graph.scalar(old, x.type) : context.inputs[2];
    return emit(context, 'Pad', [x, graph.ints(pads), value], {});
  }
  if (!['reflect', 'edge', 'wrap'].includes(mode)) throw nodeError(context, `mode "${mode}" is not supported`);
  let result = x;
  for (let axis = 0; axis < rank; axis++) {
    const [before = 0, after = 0] = [pads[axis], pads[rank + axis]];
    if (before === 0 && after === 0) continue;
    const indices = paddedIndices(mode, knownSize(context, axis), before, after) ?? [];
    result = graph.op('Gather', [result, graph.constant(BigInt64Array.from(indices, BigInt), [indices.length])], {
      axis,
    });
  }
  return named(context, result);
};

/** Pads and output padding from output_shape or auto_pad. */
const convTranspose: Import = (context) => {
  const { attributes } = context;
  const auto = stringAttribute(context, 'auto_pad', 'NOTSET');
  const asked = numbersAttribute(context, 'output_shape');
  const plain = without(attributes, 'auto_pad', 'output_shape');
  if (!asked && auto === 'NOTSET') return emit(context, 'ConvTranspose', context.inputs, plain);
  const weight = requireInput(context, 1);
  const rank = weight.shape.length - 2;
  if (!asked && auto === 'VALID') return emit(context, 'ConvTranspose', context.inputs, without(plain, 'pads'));
  const [strides, dilations] = ['strides', 'dilations'].map((name) => windowAxes(context, name, rank, 1));
  const extra = windowAxes(context, 'output_padding', rank, 0);
  const sizes = asked?.slice(-rank);
  const [begins, ends, outputPadding]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < rank; i++) {
    const stride = strides?.[i] ?? 1;
    const size = knownSize(context, i + 2);
    const reach = span(Number(weight.shape[i + 2]), dilations?.[i] ?? 1);
    const wanted = sizes?.[i] ?? size * stride;
    const total = (size - 1) * stride + (extra[i] ?? 0) + reach - wanted;
    const padding = Math.max(0, total);
    const half = Math.floor(padding / 2);
    begins.push(auto === 'SAME_UPPER' ? half : padding - half);
    ends.push(auto === 'SAME_UPPER' ? padding - half : half);
    outputPadding.push((extra[i] ?? 0) + Math.max(0, -total));
  }
  const made = { ...plain, pads: [...begins, ...ends], output_padding: outputPadding };
  return emit(context, 'ConvTranspose', context.inputs, made);
};

/** Blocks of columns added up in an image, the adjoint of taking every window: [N, C·k, L] → [N, C, …]. */
const columnsToImage: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const image = requireConstantNumbers(context, 1, 'the shape of the image');
  const block = requireConstantNumbers(context, 2, 'the shape of a block');
  const rank = image.length;
  const strides = windowAxes(context, 'strides', rank, 1);
  const dilations = windowAxes(context, 'dilations', rank, 1);
  const pads = windowAxes(context, 'pads', 2 * rank, 0);
  const elements = block.reduce((product, k) => product * k, 1);
  const channels = knownSize(context, 1) / elements;
  const windows = image.map((size, i) => {
    const room = size + (pads[i] ?? 0) + (pads[rank + i] ?? 0) - span(block[i] ?? 1, dilations[i] ?? 1);
    return Math.floor(room / (strides[i] ?? 1)) + 1;
  });
  const oneHot = Array.from({ length: elements * elements }, (_, i) => Number(i % (elements + 1) === 0));
  const weight = graph.tensor(tensorFromNumbers(x.type, oneHot, [elements, 1, ...block]));
  const columns = reshapeTo(graph, x, [multiplyDims(x.shape[0] ?? 1, channels), elements, ...windows]);
  const leftover = image.map((size, i) => {
    const made = ((windows[i] ?? 1) - 1) * (strides[i] ?? 1) + span(block[i] ?? 1, dilations[i] ?? 1);
    return size - (made - (pads[i] ?? 0) - (pads[rank + i] ?? 0));
  });
  const laid = graph.op('ConvTranspose', [columns, weight], {
    kernel_shape: block,
    strides,
    dilations,
    pads,
    output_padding: leftover.some((rest) => rest > 0) ? leftover : undefined,
  });
  return named(context, reshapeTo(graph, laid, [x.shape[0] ?? 1, channels, ...image]));
};

/** Without a shape given: the least that the windows cover. */
const maxUnpool: Import = (context) => {
  const { graph } = context;
  if (context.inputs[2]) return emit(context, 'MaxUnpool', context.inputs);
  const kernel = numbersAttribute(context, 'kernel_shape') ?? [];
  const rank = kernel.length;
  const strides = windowAxes(context, 'strides', rank, 1);
  const pads = windowAxes(context, 'pads', 2 * rank, 0);
  const sizes = kernel.map((k, i) => {
    const reach = (knownSize(context, i + 2) - 1) * (strides[i] ?? 1) + k;
    return reach - (pads[i] ?? 0) - (pads[rank + i] ?? 0);
  });
  const [batch, channels] = [0, 1].map((axis) => knownSize(context, axis)) as [number, number];
  return emit(context, 'MaxUnpool', [...context.inputs.slice(0, 2), graph.ints([batch, channels, ...sizes])]);
};

export const WINDOW_IMPORTS: Readonly<Record<string, Import>> = {
  AveragePool: averagePool,
  Col2Im: columnsToImage,
  ConvTranspose: convTranspose,
  GlobalLpPool: globalLpPool,
  LpPool: lpPool,
  MaxUnpool: maxUnpool,
  Pad: pad,
  'com.microsoft.Pad': pad,
};
