/**
 * One step of training as one graph: forward, backward and update. Parameters and the optimiser's state go in as
 * inputs and come out as outputs, between two sets of buffers that change places, so that nothing is copied and no
 * array is read and written in the same run.
 */
import { BlindspotError, invalidArgument } from '../errors.ts';
import { gradients } from '../onnx/gradients.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import type { GraphTarget } from '../onnx/op_rule.ts';
import type { Shape } from '../onnx/shape.ts';
import type { Value } from '../onnx/value.ts';
import type { Session, SessionFactory, SessionOptions, Tensor } from '../runtime/session.ts';
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
const next = (name: string) => `${name}.next`;
/** The input that says how much of the running average is new at this step. */
const AVERAGE_SHARE = 'average_share';
const averageName = (parameter: string) => `${parameter}.average`;
const slotName = (parameter: string, slot: string) => `${parameter}.${slot}`;

/** @param target decides between operators that not every provider has. */
export function buildTrainGraph(plan: TrainGraph, target: GraphTarget = 'cpu', turn = 0): Uint8Array<ArrayBuffer> {
  const optimizer = makeOptimizer(plan.optimizer);
  const graph = new GraphBuilder({ name: 'training step' });
  const input = (name: string, shape: Shape): [string, Value] => [name, graph.input(name, 'float32', shape)];
  const inputs = new Map(plan.inputs.map(({ name, shape }) => input(name, shape)));
  const parameters = new Map(plan.parameters.map(({ name, shape }) => input(name, shape)));
  const scalars = optimizer.scalars.map((name) => graph.input(name, 'float32', []));
  const share = plan.averageDecay === undefined ? undefined : graph.input(AVERAGE_SHARE, 'float32', []);
  const { loss, reports, held = [], running } = plan.forward(graph, inputs, parameters, turn, target);
  for (const { name } of plan.parameters.filter((parameter) => parameter.running === true)) {
    const following = running?.get(name);
    if (following === undefined) throw new TypeError(`the forward pass hands on no value of ${name}`);
    graph.output(following, next(name));
  }
  const learnt = plan.parameters.filter((parameter) => parameter.running !== true);
  const wanted = learnt.map(({ name }) => parameters.get(name) as Value);
  const lossGradients = gradients(graph, loss, wanted, undefined, { target, held });
  for (const [i, { name, shape, decay }] of learnt.entries()) {
    const parameter = parameters.get(name) as Value;
    const gradient = withDecay(graph, lossGradients[i] as Value, parameter, decay);
    const slots = optimizer.slots.map((slot) => slotName(name, slot));
    const state = slots.map((slot) => graph.input(slot, 'float32', shape));
    const update = optimizer.update(graph, parameter, gradient, state, scalars);
    graph.output(update.parameter, next(name));
    if (share !== undefined) {
      const average = graph.input(averageName(name), 'float32', shape);
      const moved = graph.mul(graph.sub(update.parameter, average), share);
      graph.output(graph.add(average, moved), next(averageName(name)));
    }
    for (const [slot, value] of update.state.entries()) graph.output(value, next(slots[slot] as string));
  }
  for (const [name, value] of Object.entries({ loss, ...reports })) graph.output(value, name);
  return graph.toBytes();
}

/** The gradient of decay·Σw² is 2·decay·w: two passes over the weights, where the general rules would take more. */
function withDecay(graph: GraphBuilder, gradient: Value, parameter: Value, decay: number): Value {
  return decay === 0 ? gradient : graph.add(gradient, graph.mul(parameter, graph.scalar(2 * decay)));
}

interface Buffers {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly fetches: Readonly<Record<string, Tensor | null>>;
}

/**
 * How much of an average is new at step t (1, 2, …): 1 − min(d, (1 + t)/(10 + t)). So the first weights, which the
 * average begins with, are soon forgotten, also where training is short.
 */
export function averageShare(decay: number, step: number): number {
  return 1 - Math.min(decay, (1 + step) / (10 + step));
}

export class TrainStep {
  /** One a turn. */
  readonly #sessions: readonly Session[];
  readonly #share: Tensor = { data: new Float32Array(1), dims: [] };
  readonly #optimizer: Optimizer;
  readonly #plan: TrainGraph;
  readonly #scalars: Tensor[];
  /** Current first; the other is written by the next run. */
  readonly #state: [Map<string, Tensor>, Map<string, Tensor>];
  readonly #buffers: [Buffers, Buffers];
  #current: 0 | 1 = 0;
  #steps = 0;

  private constructor(
    sessions: readonly Session[],
    plan: TrainGraph,
    initial: readonly Float32Array[],
    reports: readonly string[],
  ) {
    this.#sessions = sessions;
    this.#plan = plan;
    this.#optimizer = makeOptimizer(plan.optimizer);
    this.#scalars = this.#optimizer.scalars.map(() => ({ data: new Float32Array(1), dims: [] }));
    const scalarFeeds: (readonly [string, Tensor])[] = this.#optimizer.scalars.map((name, i) => [
      name,
      this.#scalars[i] as Tensor,
    ]);
    if (plan.averageDecay !== undefined) scalarFeeds.push([AVERAGE_SHARE, this.#share]);
    this.#state = [this.#allocate(initial), this.#allocate(initial)];
    const buffers = (from: 0 | 1, to: 0 | 1): Buffers => ({
      feeds: Object.fromEntries([...this.#state[from], ...scalarFeeds]),
      fetches: Object.fromEntries([
        ...[...this.#state[to]].map(([name, tensor]) => [next(name), tensor] as const),
        ...reports.map((name) => [name, null] as const),
      ]),
    });
    this.#buffers = [buffers(0, 1), buffers(1, 0)];
  }

  /**
   * @param initial first values, in the order of `plan.parameters`; copied.
   * @throws what createSession throws.
   */
  static async create(
    plan: TrainGraph,
    initial: readonly Float32Array[],
    createSession: SessionFactory,
    options: SessionOptions = {},
  ): Promise<TrainStep> {
    checkDecay(plan.averageDecay);
    const target = options.provider === 'webgpu' ? 'webgpu' : 'cpu';
    const sessions: Session[] = [];
    try {
      for (let turn = 0; turn < (plan.turns ?? 1); turn++) {
        sessions.push(await createSession(buildTrainGraph(plan, target, turn), options));
      }
    } catch (error) {
      await Promise.all(sessions.map((session) => session.release()));
      throw error;
    }
    const state = new Set(plan.parameters.flatMap((parameter) => stateNames(parameter, plan).map(next)));
    const outputs = sessions[0]?.outputs ?? [];
    const reports = outputs.map((output) => output.name).filter((name) => !state.has(name));
    return new TrainStep(sessions, plan, initial, reports);
  }

  get provider(): Session['provider'] {
    return (this.#sessions[0] as Session).provider;
  }

  /** Steps made. */
  get steps(): number {
    return this.#steps;
  }

  /** Parameters by name: views, overwritten from the second run from now on. */
  get parameters(): ReadonlyMap<string, Tensor> {
    const state = this.#state[this.#current];
    return new Map(this.#plan.parameters.map(({ name }) => [name, state.get(name) as Tensor]));
  }

  /** Running averages of the parameters, by the parameters' names: views, as above. The parameters when there are none. */
  get averages(): ReadonlyMap<string, Tensor> {
    if (this.#plan.averageDecay === undefined) return this.parameters;
    const state = this.#state[this.#current];
    return new Map(
      this.#plan.parameters.map(({ name, running }) => [
        name,
        state.get(running === true ? name : averageName(name)) as Tensor,
      ]),
    );
  }

  /** Parameters, their averages and the optimiser's arrays, by name: views, as above. */
  get state(): ReadonlyMap<string, Tensor> {
    return this.#state[this.#current];
  }

  /** Goes on from a saved state. @throws INVALID_DATA when it is another model's or another optimiser's. */
  restore(steps: number, saved: ReadonlyMap<string, Float32Array>): void {
    for (const [name, tensor] of this.#state[this.#current]) {
      const values = saved.get(name);
      if (values?.length !== tensor.data.length) {
        const received = values === undefined ? 'none' : `${values.length}`;
        throw new BlindspotError(
          'INVALID_DATA',
          `The checkpoint does not fit: expected ${tensor.data.length} values for ${name} but received ${received}`,
        );
      }
      tensor.data.set(values);
    }
    this.#steps = steps;
  }

  /**
   * One step.
   * @param batch tensors of `plan.inputs`.
   * @param rate learning rate.
   * @returns the reports.
   */
  async run(batch: Readonly<Record<string, Tensor>>, rate: number): Promise<Record<string, Tensor>> {
    this.#steps += 1;
    const values = this.#optimizer.scalarValues(this.#steps, rate);
    for (const [i, tensor] of this.#scalars.entries()) tensor.data[0] = values[i] as number;
    const { averageDecay } = this.#plan;
    if (averageDecay !== undefined) this.#share.data[0] = averageShare(averageDecay, this.#steps);
    const { feeds, fetches } = this.#buffers[this.#current];
    const session = this.#sessions[(this.#steps - 1) % this.#sessions.length] as Session;
    const results = await session.run({ ...feeds, ...batch }, fetches);
    this.#current = this.#current === 0 ? 1 : 0;
    return results;
  }

  async release(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.release()));
  }

  #allocate(initial: readonly Float32Array[]): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const [i, { name, shape, running }] of this.#plan.parameters.entries()) {
      tensors.set(name, { data: Float32Array.from(initial[i] ?? []), dims: shape });
      if (running !== true && this.#plan.averageDecay !== undefined) {
        tensors.set(averageName(name), { data: Float32Array.from(initial[i] ?? []), dims: shape });
      }
      for (const slot of running === true ? [] : this.#optimizer.slots) {
        const size = shape.reduce((product, dim) => product * dim, 1);
        tensors.set(slotName(name, slot), { data: new Float32Array(size), dims: shape });
      }
    }
    return tensors;
  }
}

function stateNames({ name, running }: TrainParameter, plan: TrainGraph): string[] {
  if (running === true) return [name];
  const averages = plan.averageDecay === undefined ? [] : [averageName(name)];
  return [name, ...averages, ...makeOptimizer(plan.optimizer).slots.map((slot) => slotName(name, slot))];
}

function checkDecay(decay: number | undefined): void {
  if (decay !== undefined && !(decay > 0 && decay < 1))
    throw invalidArgument('averageDecay', 'a number in (0, 1)', decay);
}
