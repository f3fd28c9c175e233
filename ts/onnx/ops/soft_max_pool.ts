/**
 * Max-pool with rounded kinks (rounded_kinks.ts): an element's share of the cotangent is its softmax in the window. Windows
 * that tile the input get theirs by repeating what belongs to a window over its tile; others are gathered.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import type { VjpContext } from '../op_rule.ts';
import { type Dim, elementCount, multiplyDims } from '../shape.ts';
import type { GraphNode, Value } from '../value.ts';
import { gatherWindows, layWindows, oneChannel } from './gathered_windows.ts';
import { type Rounding, roundingOf } from './rounded_kinks.ts';
import { poolGeometry, requireStatic, type StaticGeometry } from './spatial_window.ts';
import { combineTiles, tiles } from './tiles.ts';

type Builder = Pick<VjpContext, 'graph' | 'smoothing'>;

interface SoftPool {
  readonly smoothing: Value | undefined;
  readonly geometry: StaticGeometry;
  readonly rounding: Rounding;
  /** exp((element - maximum)/w): over the input where windows tile it, else gathered. */
  readonly weights: Value;
  /** Of the weights of each window, [N, C, …output]. */
  readonly sum: Value;
}

/** Two rules ask for the same. */
const made = new WeakMap<GraphNode, SoftPool>();

function softPool(builder: Builder, node: GraphNode): SoftPool | undefined {
  const known = made.get(node);
  if (known && known.smoothing === builder.smoothing) return known;
  const [x, maximum] = [node.inputs[0], node.outputs[0]];
  const rounding = maximum && roundingOf(builder, maximum);
  if (!x || !rounding) return undefined;
  const { graph, smoothing } = builder;
  const geometry = requireStatic(node, poolGeometry(node));
  const { kernel } = geometry;
  let pool: SoftPool;
  if (tiles(geometry)) {
    const weights = combineTiles(graph, x, maximum, geometry, (elements, largest) =>
      softWeights(builder, x, graph.sub(elements, largest), rounding),
    );
    const mean = graph.op('AveragePool', [weights], { kernel_shape: kernel, strides: kernel });
    const sum = graph.mul(mean, graph.scalar(elementCount(kernel), x.type));
    pool = { smoothing, geometry, rounding, weights, sum };
  } else {
    const differences = graph.sub(gatherWindows(graph, x, geometry), oneChannel(graph, maximum, geometry));
    const weights = softWeights(builder, x, differences, rounding);
    const sum = reshapeTo(graph, graph.reduceSum(weights, [1]), maximum.shape);
    pool = { smoothing, geometry, rounding, weights, sum };
  }
  made.set(node, pool);
  return pool;
}

/** exp(difference/w), the differences in any layout of images first. */
function softWeights({ graph }: Builder, x: Value, difference: Value, { sharpness }: Rounding): Value {
  // Rows are images while the width, one an image, is divided by.
  const [batch = 1, channels = 1, ...spatial] = x.shape;
  const elements = difference.shape.slice(1).reduce<Dim>(multiplyDims, 1);
  const byImage = [batch, multiplyDims(channels, elements), ...spatial.map(() => 1)];
  const exponents = graph.mul(reshapeTo(graph, difference, byImage), sharpness);
  return reshapeTo(graph, graph.exp(exponents), difference.shape);
}

/** undefined when no kinks are to be rounded. */
export function softMaxPoolCotangent(context: VjpContext): Value | undefined {
  const { graph, node, cotangent, input } = context;
  const pool = softPool(context, node);
  if (!pool) return undefined;
  const { geometry, weights, sum } = pool;
  const shares = graph.div(cotangent, sum);
  if (tiles(geometry)) {
    return combineTiles(graph, weights, shares, geometry, (weight, repeated) => graph.mul(weight, repeated));
  }
  return layWindows(graph, graph.mul(weights, oneChannel(graph, shares, geometry)), input(0), geometry);
}

/**
 * max + w·log Σ exp((element - max)/w) where `value` is a max-pool's output, which ReLU's ramp goes by then, as if both were one
 * maximum over window and zero; else `value`.
 */
export function softMaximum(builder: Builder, value: Value): Value {
  const { graph } = builder;
  const node = graph.nodes.find(({ op, outputs }) => op === 'MaxPool' && outputs[0] === value);
  const pool = node && softPool(builder, node);
  return pool ? graph.add(value, graph.mul(pool.rounding.width, graph.log(pool.sum))) : value;
}
