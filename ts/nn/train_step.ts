/**
 * One step of training as one graph: forward, backward and update. Parameters and the optimiser's state go in as
 * inputs and come out as outputs, between two sets of buffers that change places, so that nothing is copied and no
 * array is read and written in the same run.
 */
import { BlindspotError } from '../errors.ts';
import { gradients } from '../onnx/gradients.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Shape } from '../onnx/shape.ts';
import type { Value } from '../onnx/value.ts';
import type { Session, SessionFactory, SessionOptions, Tensor } from '../runtime/session.ts';
import { makeOptimizer, type Optimizer, type OptimizerSettings } from './optimizers.ts';

export interface TrainGraph {
  readonly optimizer: OptimizerSettings;
  /** `decay` is the factor of Σw² in the objective; `running` ones are handed on by the forward pass, not optimised. */
  readonly parameters: readonly TrainParameter[];
  /** What changes from batch to batch. */
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  /**
   * Appends the forward pass.
   * @returns the loss, a scalar, to which weight decay is added; more values to be told about, and the next values of
   *   `running` parameters, both by name.
   */
  forward(
    graph: GraphBuilder,
    inputs: ReadonlyMap<string, Value>,
    parameters: ReadonlyMap<string, Value>,
  ): {
    readonly loss: Value;
    readonly reports?: Readonly<Record<string, Value>>;
    readonly running?: ReadonlyMap<string, Value>;
  };
}

export interface TrainParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly decay: number;
  readonly running?: true;
}

/** The name under which a parameter or a state array comes out. */
const next = (name: string) => `${name}.next`;
const slotName = (parameter: string, slot: string) => `${parameter}.${slot}`;

/** @param target decides between operators that not every provider has. */
export function buildTrainGraph(plan: TrainGraph, target: 'cpu' | 'webgpu' = 'cpu'): Uint8Array<ArrayBuffer> {
  const optimizer = makeOptimizer(plan.optimizer);
  const graph = new GraphBuilder({ name: 'training step' });
  const input = (name: string, shape: Shape): [string, Value] => [name, graph.input(name, 'float32', shape)];
  const inputs = new Map(plan.inputs.map(({ name, shape }) => input(name, shape)));
  const parameters = new Map(plan.parameters.map(({ name, shape }) => input(name, shape)));
  const scalars = optimizer.scalars.map((name) => graph.input(name, 'float32', []));
  const { loss, reports, running } = plan.forward(graph, inputs, parameters);
  for (const { name } of plan.parameters.filter((parameter) => parameter.running === true)) {
    const following = running?.get(name);
    if (following === undefined) throw new TypeError(`the forward pass hands on no value of ${name}`);
    graph.output(following, next(name));
  }
  const learnt = plan.parameters.filter((parameter) => parameter.running !== true);
  const wanted = learnt.map(({ name }) => parameters.get(name) as Value);
  const lossGradients = gradients(graph, loss, wanted, undefined, { target });
  for (const [i, { name, shape, decay }] of learnt.entries()) {
    const parameter = parameters.get(name) as Value;
    const gradient = withDecay(graph, lossGradients[i] as Value, parameter, decay);
    const slots = optimizer.slots.map((slot) => slotName(name, slot));
    const state = slots.map((slot) => graph.input(slot, 'float32', shape));
    const update = optimizer.update(graph, parameter, gradient, state, scalars);
    graph.output(update.parameter, next(name));
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

export class TrainStep {
  readonly #session: Session;
  readonly #optimizer: Optimizer;
  readonly #plan: TrainGraph;
  readonly #scalars: Tensor[];
  /** Current first; the other is written by the next run. */
  readonly #state: [Map<string, Tensor>, Map<string, Tensor>];
  readonly #buffers: [Buffers, Buffers];
  #current: 0 | 1 = 0;
  #steps = 0;

  private constructor(
    session: Session,
    plan: TrainGraph,
    initial: readonly Float32Array[],
    reports: readonly string[],
  ) {
    this.#session = session;
    this.#plan = plan;
    this.#optimizer = makeOptimizer(plan.optimizer);
    this.#scalars = this.#optimizer.scalars.map(() => ({ data: new Float32Array(1), dims: [] }));
    const scalarFeeds = this.#optimizer.scalars.map((name, i) => [name, this.#scalars[i] as Tensor] as const);
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
    const bytes = buildTrainGraph(plan, options.provider === 'webgpu' ? 'webgpu' : 'cpu');
    const session = await createSession(bytes, options);
    const state = new Set(plan.parameters.flatMap((parameter) => stateNames(parameter, plan).map(next)));
    const reports = session.outputs.map((output) => output.name).filter((name) => !state.has(name));
    return new TrainStep(session, plan, initial, reports);
  }

  get provider(): Session['provider'] {
    return this.#session.provider;
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

  /** Parameters and the optimiser's arrays, by name: views, as above. */
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
    const { feeds, fetches } = this.#buffers[this.#current];
    const results = await this.#session.run({ ...feeds, ...batch }, fetches);
    this.#current = this.#current === 0 ? 1 : 0;
    return results;
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  #allocate(initial: readonly Float32Array[]): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const [i, { name, shape, running }] of this.#plan.parameters.entries()) {
      tensors.set(name, { data: Float32Array.from(initial[i] ?? []), dims: shape });
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
  return [name, ...makeOptimizer(plan.optimizer).slots.map((slot) => slotName(name, slot))];
}
