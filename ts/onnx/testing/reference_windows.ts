/** Convolution and pooling by their definition, for the reference evaluator. */
import type { ModelNode } from '../model.ts';
import { at, make, type ReferenceTensor } from './reference_tensor.ts';

interface Window {
  kernel: number[];
  strides: number[];
  dilations: number[];
  begin: number[];
  end: number[];
  output: number[];
}

function ints(node: ModelNode, name: string, fallback: number[]): number[] {
  return (node.attributes[name] as number[] | undefined) ?? fallback;
}

function windowOf(node: ModelNode, input: number[], kernel: number[]): Window {
  const rank = input.length;
  const fill = (value: number): number[] => new Array<number>(rank).fill(value);
  const strides = ints(node, 'strides', fill(1));
  const dilations = ints(node, 'dilations', fill(1));
  const pads = ints(node, 'pads', [...fill(0), ...fill(0)]);
  const begin = pads.slice(0, rank);
  const end = pads.slice(rank);
  const autoPad = node.attributes['auto_pad'];
  const output = input.map((size, i) => {
    const [k = 1, s = 1, d = 1] = [kernel[i], strides[i], dilations[i]];
    const reach = (k - 1) * d + 1;
    if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
      const total = Math.max(0, (Math.ceil(size / s) - 1) * s + reach - size);
      begin[i] = autoPad === 'SAME_UPPER' ? total >> 1 : total - (total >> 1);
      end[i] = total - (begin[i] ?? 0);
    }
    const room = size + (begin[i] ?? 0) + (end[i] ?? 0) - reach;
    if (!node.attributes['ceil_mode']) return Math.floor(room / s) + 1;
    const made = Math.ceil(room / s) + 1;
    return (made - 1) * s >= size + (begin[i] ?? 0) ? made - 1 : made;
  });
  return { kernel, strides, dilations, begin, end, output };
}

/** Calls back for every offset of the kernel with the input position it reads. */
function overWindow(window: Window, output: number[], visit: (offset: number[], position: number[]) => void): void {
  make(window.kernel, (offset) => {
    const position = output.map(
      (o, i) => o * (window.strides[i] ?? 1) + (offset[i] ?? 0) * (window.dilations[i] ?? 1) - (window.begin[i] ?? 0),
    );
    visit(offset, position);
    return 0;
  });
}

const inside = (position: number[], size: number[]): boolean => position.every((p, i) => p >= 0 && p < (size[i] ?? 0));

export function conv(node: ModelNode, x: ReferenceTensor, w: ReferenceTensor, bias?: ReferenceTensor): ReferenceTensor {
  const size = x.shape.slice(2);
  const window = windowOf(node, size, w.shape.slice(2));
  const group = (node.attributes['group'] as number | undefined) ?? 1;
  const [outputs = 1, perGroup = 1] = w.shape;
  return make([x.shape[0] ?? 1, outputs, ...window.output], ([n = 0, m = 0, ...o]) => {
    const first = Math.floor(m / (outputs / group)) * perGroup;
    let sum = bias?.data[m] ?? 0;
    overWindow(window, o, (offset, position) => {
      if (!inside(position, size)) return;
      for (let c = 0; c < perGroup; c++) sum += at(x, [n, first + c, ...position]) * at(w, [m, c, ...offset]);
    });
    return sum;
  });
}

/** By scattering, as the definition has it. */
export function convTranspose(
  node: ModelNode,
  x: ReferenceTensor,
  w: ReferenceTensor,
  bias?: ReferenceTensor,
): ReferenceTensor {
  const [batch = 1, channels = 1, ...size] = x.shape;
  const [, perGroup = 1, ...kernel] = w.shape;
  const group = (node.attributes['group'] as number | undefined) ?? 1;
  const fill = (value: number): number[] => new Array<number>(size.length).fill(value);
  const window: Window = {
    kernel,
    strides: ints(node, 'strides', fill(1)),
    dilations: ints(node, 'dilations', fill(1)),
    begin: ints(node, 'pads', [...fill(0), ...fill(0)]).slice(0, size.length),
    end: ints(node, 'pads', [...fill(0), ...fill(0)]).slice(size.length),
    output: size,
  };
  const extra = ints(node, 'output_padding', fill(0));
  const spatial = size.map((s, i) => {
    const reach = ((kernel[i] ?? 1) - 1) * (window.dilations[i] ?? 1) + 1;
    return (s - 1) * (window.strides[i] ?? 1) + reach + (extra[i] ?? 0) - (window.begin[i] ?? 0) - (window.end[i] ?? 0);
  });
  const result = make([batch, perGroup * group, ...spatial], ([, m = 0]) => bias?.data[m] ?? 0);
  make(x.shape, ([n = 0, c = 0, ...o]) => {
    const first = Math.floor(c / (channels / group)) * perGroup;
    const value = at(x, [n, c, ...o]);
    overWindow(window, o, (offset, position) => {
      if (!inside(position, spatial)) return;
      for (let m = 0; m < perGroup; m++) {
        const flat = [n, first + m, ...position].reduce((sum, p, i) => sum * (result.shape[i] ?? 1) + p, 0);
        result.data[flat] = (result.data[flat] ?? 0) + value * at(w, [c, m, ...offset]);
      }
    });
    return 0;
  });
  return result;
}

export function maxPool(node: ModelNode, x: ReferenceTensor): ReferenceTensor[] {
  const [batch = 1, channels = 1, ...size] = x.shape;
  const window = windowOf(node, size, ints(node, 'kernel_shape', []));
  const winners: number[] = [];
  const values = make([batch, channels, ...window.output], ([n = 0, c = 0, ...o]) => {
    let best = Number.NEGATIVE_INFINITY;
    let winner = -1;
    overWindow(window, o, (_, position) => {
      if (!inside(position, size)) return;
      const index = [n, c, ...position];
      if (winner >= 0 && at(x, index) <= best) return;
      best = at(x, index);
      winner = index.reduce((sum, p, i) => sum * (x.shape[i] ?? 1) + p, 0);
    });
    winners.push(winner);
    return best;
  });
  return [values, { shape: values.shape, data: Float64Array.from(winners) }];
}

export function averagePool(node: ModelNode, x: ReferenceTensor): ReferenceTensor {
  const [batch = 1, channels = 1, ...size] = x.shape;
  const window = windowOf(node, size, ints(node, 'kernel_shape', []));
  return make([batch, channels, ...window.output], ([n = 0, c = 0, ...o]) => {
    let sum = 0;
    let counted = 0;
    overWindow(window, o, (_, position) => {
      const isInside = inside(position, size);
      const isPadding = position.every((p, i) => p < (size[i] ?? 0) + (window.end[i] ?? 0));
      if (isInside) sum += at(x, [n, c, ...position]);
      if (isInside || (node.attributes['count_include_pad'] && isPadding)) counted += 1;
    });
    return sum / counted;
  });
}

export function maxUnpool(y: ReferenceTensor, indices: ReferenceTensor, shape: readonly number[]): ReferenceTensor {
  const result = make(shape, () => 0);
  y.data.forEach((value, i) => {
    result.data[indices.data[i] ?? 0] = value;
  });
  return result;
}
