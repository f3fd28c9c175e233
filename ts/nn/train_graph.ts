/**
 * Steps of training as one graph: forward, backward and update. Parameters and the optimiser's state go in as inputs and come
 * out as outputs.
 */
import { gradients } from '../onnx/gradients.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import type { GraphTarget } from '../onnx/op_rule.ts';
import type { Shape } from '../onnx/shape.ts';
import type { Value } from '../onnx/value.ts';
import { makeOptimizer, type Optimizer, type OptimizerSettings } from './optimizers.ts';

export interface TrainGraph {
  readonly optimizer: OptimizerSettings;
  /** How much of it the running average of the weights keeps at a step, in (0, 1); default: no average. */
  readonly averageDecay?: number | undefined;
  /** Forms of the step that take turns, one graph each with the same inputs and state; default 1. */
  readonly turns?: number;
  /** `decay` is the factor of Σw² in the objective; `running` ones are handed on by the forward pass, not optimised. */
  readonly parameters: readonly TrainParameter[];
  /** What changes from batch to batch. */
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  /**
   * Appends the forward pass.
   * @param turn from 0, before `turns`.
   * @param target where the graph will run, for forward passes that differentiate.
   */
  forward(
    graph: GraphBuilder,
    inputs: ReadonlyMap<string, Value>,
    parameters: ReadonlyMap<string, Value>,
    turn: number,
    target: GraphTarget,
  ): ForwardPass;
}

export interface TrainParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly decay: number;
  readonly running?: true;
}

export interface ForwardPass {
  /** A scalar, to which weight decay is added. */
  readonly loss: Value;
  /** More values to be told about, by name. */
  readonly reports?: Readonly<Record<string, Value>>;
  /** Values that the loss is not differentiated through. */
  readonly held?: readonly Value[];
  /** The next values of `running` parameters, by name. */
  readonly running?: ReadonlyMap<string, Value>;
}

/** The name under which a parameter or a state array comes out. */
export const next = (name: string) => `${name}.next`;
/** The input that says how much of the running average is new at this step. */
export const AVERAGE_SHARE = 'average_share';
export const averageName = (parameter: string) => `${parameter}.average`;
export const slotName = (parameter: string, slot: string) => `${parameter}.${slot}`;

export interface TrainGraphOptions {
  /** Decides between operators that not every provider has; default cpu. */
  readonly target?: GraphTarget;
  /** Which form of the step, from 0. */
  readonly turn?: number;
  /** Steps one after the other in one graph; default 1. */
  readonly steps?: number;
}

/**
 * The step as an ONNX graph. Of several steps, whatever differs between them (batches, the optimiser's scalars, reports) has
 * a first axis for them, and parameters and state go in before the first and come out after the last.
 */
export function buildTrainGraph(
  plan: TrainGraph,
  { target = 'cpu', turn = 0, steps = 1 }: TrainGraphOptions = {},
): Uint8Array<ArrayBuffer> {
  const optimizer = makeOptimizer(plan.optimizer);
  const graph = new GraphBuilder({ name: steps === 1 ? 'training step' : `${steps} training steps` });
  const perStep = (name: string, shape: Shape): ((step: number) => Value) => {
    if (steps === 1) {
      const whole = graph.input(name, 'float32', shape);
      return () => whole;
    }
    const stacked = graph.input(name, 'float32', [steps, ...shape]);
    return (step) => {
      const own = graph.op('Slice', [stacked, graph.ints([step]), graph.ints([step + 1]), graph.ints([0])]);
      return graph.reshape(own, shape.map(Number));
    };
  };
  const inputs = plan.inputs.map(({ name, shape }) => [name, perStep(name, shape)] as const);
  const state = new Map<string, Value>();
  for (const { name, shape } of plan.parameters) state.set(name, graph.input(name, 'float32', shape));
  const scalars = optimizer.scalars.map((name) => perStep(name, []));
  const share = plan.averageDecay === undefined ? undefined : perStep(AVERAGE_SHARE, []);
  for (const parameter of plan.parameters) {
    for (const name of stateNames(parameter, plan)) {
      if (!state.has(name)) state.set(name, graph.input(name, 'float32', parameter.shape));
    }
  }
  const reported = new Map<string, Value[]>();
  for (let step = 0; step < steps; step++) {
    const own = new Map(inputs.map(([name, at]) => [name, at(step)]));
    const reports = appendStep({ graph, plan, optimizer, target, turn }, own, state, {
      scalars: scalars.map((at) => at(step)),
      share: share?.(step),
    });
    for (const [name, value] of Object.entries(reports)) reported.set(name, [...(reported.get(name) ?? []), value]);
  }
  for (const [name, value] of state) graph.output(value, next(name));
  for (const [name, values] of reported) graph.output(stack(graph, values), name);
  return graph.toBytes();
}

interface StepContext {
  readonly graph: GraphBuilder;
  readonly plan: TrainGraph;
  readonly optimizer: Optimizer;
  readonly target: GraphTarget;
  readonly turn: number;
}

/**
 * Appends one step.
 * @param state parameters, their averages and the optimiser's arrays by name: replaced by what they are after it.
 * @returns the reports, `loss` among them.
 */
function appendStep(
  { graph, plan, optimizer, target, turn }: StepContext,
  inputs: ReadonlyMap<string, Value>,
  state: Map<string, Value>,
  { scalars, share }: { scalars: readonly Value[]; share: Value | undefined },
): Readonly<Record<string, Value>> {
  const parameters = new Map(plan.parameters.map(({ name }) => [name, state.get(name) as Value]));
  const { loss, reports, held = [], running } = plan.forward(graph, inputs, parameters, turn, target);
  for (const { name } of plan.parameters.filter((parameter) => parameter.running === true)) {
    const following = running?.get(name);
    if (following === undefined) throw new TypeError(`the forward pass hands on no value of ${name}`);
    state.set(name, following);
  }
  const learnt = plan.parameters.filter((parameter) => parameter.running !== true);
  const wanted = learnt.map(({ name }) => parameters.get(name) as Value);
  const lossGradients = gradients(graph, loss, wanted, undefined, { target, held });
  for (const [i, { name, decay }] of learnt.entries()) {
    const parameter = parameters.get(name) as Value;
    const gradient = withDecay(graph, lossGradients[i] as Value, parameter, decay);
    const slots = optimizer.slots.map((slot) => slotName(name, slot));
    const before = slots.map((slot) => state.get(slot) as Value);
    const update = optimizer.update(graph, parameter, gradient, before, scalars);
    state.set(name, update.parameter);
    if (share !== undefined) {
      const average = state.get(averageName(name)) as Value;
      const moved = graph.mul(graph.sub(update.parameter, average), share);
      state.set(averageName(name), graph.add(average, moved));
    }
    for (const [slot, value] of update.state.entries()) state.set(slots[slot] as string, value);
  }
  return { loss, ...reports };
}

/** [steps, …], or the only one as it is. */
function stack(graph: GraphBuilder, values: readonly Value[]): Value {
  const [only] = values;
  if (values.length === 1 && only !== undefined) return only;
  const rows = values.map((value) => graph.reshape(value, [1, ...value.shape.map(Number)]));
  return graph.op('Concat', rows, { axis: 0 });
}

/** The gradient of decay·Σw² is 2·decay·w: two passes over the weights, where the general rules would take more. */
function withDecay(graph: GraphBuilder, gradient: Value, parameter: Value, decay: number): Value {
  return decay === 0 ? gradient : graph.add(gradient, graph.mul(parameter, graph.scalar(2 * decay)));
}

/** A parameter, its average and the optimiser's arrays. */
export function stateNames({ name, running }: TrainParameter, plan: TrainGraph): string[] {
  if (running === true) return [name];
  const averages = plan.averageDecay === undefined ? [] : [averageName(name)];
  return [name, ...averages, ...makeOptimizer(plan.optimizer).slots.map((slot) => slotName(name, slot))];
}
