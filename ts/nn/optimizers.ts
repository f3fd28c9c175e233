/**
 * Optimisers whose update is part of the training graph. Their state are arrays of the parameter's shape, zero at
 * first; what changes from step to step goes in as scalars, computed in double precision here.
 */
import { invalidArgument } from '../errors.ts';
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';

export type OptimizerSettings =
  | {
      readonly type: 'adam';
      readonly learningRate: number;
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
    }
  | { readonly type: 'sgd'; readonly learningRate: number; readonly momentum?: number };

export interface Optimizer {
  readonly learningRate: number;
  /** Arrays of state for each parameter. */
  readonly slots: readonly string[];
  /** Scalars that the graph takes, in this order. */
  readonly scalars: readonly string[];
  /** Their values at step t (1, 2, …) and learning rate η. */
  scalarValues(step: number, rate: number): number[];
  /** Appends one parameter's update to the graph. */
  update(
    graph: GraphBuilder,
    parameter: Value,
    gradient: Value,
    state: readonly Value[],
    scalars: readonly Value[],
  ): Update;
}

export interface Update {
  readonly parameter: Value;
  readonly state: readonly Value[];
}

/** @throws INVALID_ARGUMENT naming the setting. */
export function makeOptimizer(settings: OptimizerSettings): Optimizer {
  if (!(settings.learningRate > 0 && Number.isFinite(settings.learningRate))) {
    throw invalidArgument('learningRate', 'a positive number', settings.learningRate);
  }
  switch (settings.type) {
    case 'adam': {
      const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = settings;
      return adam(learningRate, checkShare('beta1', beta1), checkShare('beta2', beta2), epsilon);
    }
    case 'sgd':
      return sgd(settings.learningRate, checkShare('momentum', settings.momentum ?? 0));
    default:
      throw invalidArgument('optimizer', 'adam or sgd', (settings as { type: unknown }).type);
  }
}

/**
 * Adam (Kingma & Ba 2015): m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − η·m̂/(√v̂ + ε), where m̂ = m/(1−β₁ᵗ) and
 * v̂ = v/(1−β₂ᵗ).
 *
 * Kept are n = m/(1−β₁) and u = v/(1−β₂), so that n ← β₁n + g, u ← β₂u + g² and θ ← θ − a·n/(√u + e) with the scalars
 * a = η·(1−β₁)/(1−β₁ᵗ)/r, e = ε/r, r = √((1−β₂)/(1−β₂ᵗ)): the same numbers with fewer passes over the arrays.
 */
function adam(learningRate: number, beta1: number, beta2: number, epsilon: number): Optimizer {
  return {
    learningRate,
    slots: ['n', 'u'],
    scalars: ['step_size', 'epsilon'],
    scalarValues: (step, rate) => {
      const r = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
      return [(rate * (1 - beta1)) / (1 - beta1 ** step) / r, epsilon / r];
    },
    update: (graph, parameter, gradient, [n, u], [stepSize, smallest]) => {
      if (!n || !u || !stepSize || !smallest) throw new TypeError('Adam takes two state arrays and two scalars');
      const mean = graph.add(graph.mul(n, graph.scalar(beta1)), gradient);
      const square = graph.add(graph.mul(u, graph.scalar(beta2)), graph.mul(gradient, gradient));
      const direction = graph.div(mean, graph.add(graph.sqrt(square), smallest));
      return { parameter: graph.sub(parameter, graph.mul(direction, stepSize)), state: [mean, square] };
    },
  };
}

/** v ← μv + g, θ ← θ − η·v. */
function sgd(learningRate: number, momentum: number): Optimizer {
  return {
    learningRate,
    slots: momentum === 0 ? [] : ['velocity'],
    scalars: ['learning_rate'],
    scalarValues: (_step, rate) => [rate],
    update: (graph, parameter, gradient, [velocity], [rate]) => {
      if (!rate) throw new TypeError('SGD takes the learning rate');
      const direction = velocity ? graph.add(graph.mul(velocity, graph.scalar(momentum)), gradient) : gradient;
      return { parameter: graph.sub(parameter, graph.mul(direction, rate)), state: velocity ? [direction] : [] };
    },
  };
}

function checkShare(name: string, value: number): number {
  if (!(value >= 0 && value < 1)) throw invalidArgument(name, 'a number in [0, 1)', value);
  return value;
}
