/**
 * One step of training after the other, in ONNX Runtime. Parameters and the optimiser's state change places between two sets
 * of buffers, so that nothing is copied and no array is read and written in the same run. On a GPU, where all of it crosses to
 * the device and back, a run makes many steps.
 */
import { BlindspotError, invalidArgument } from '../errors.ts';
import type { Shape } from '../onnx/shape.ts';
import type { Session, SessionFactory, SessionOptions, Tensor } from '../runtime/session.ts';
import { makeOptimizer, type Optimizer } from './optimizers.ts';
import {
  AVERAGE_SHARE,
  averageName,
  buildTrainGraph,
  next,
  slotName,
  stateNames,
  type TrainGraph,
} from './train_graph.ts';

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

/** Steps in one run of a GPU: their crossing costs as much as one's. */
export const DEVICE_STEPS = 32;
/** What a run takes of batches, at most. */
const MOST_STACKED_BYTES = 2 ** 26;

/** How many steps are made at once. */
function stepsAtOnce(plan: TrainGraph, provider: Session['provider'] | undefined): number {
  if ((provider !== 'webgpu' && provider !== 'cuda') || (plan.turns ?? 1) > 1) return 1;
  const bytes = 4 * plan.inputs.reduce((sum, { shape }) => sum + valuesOf(shape), 0);
  return Math.max(1, Math.min(DEVICE_STEPS, Math.floor(MOST_STACKED_BYTES / bytes)));
}

function valuesOf(shape: Shape): number {
  return shape.reduce<number>((product, dim) => product * Number(dim), 1);
}

/** Many steps in one run: their inputs, stacked. */
interface LongRun {
  readonly steps: number;
  /** Made when as many steps are made for the first time: its graph is large. */
  readonly open: () => Promise<Session>;
  /** Batches, the optimiser's scalars and the share of the average, each [steps, …]. */
  readonly inputs: Readonly<Record<string, Tensor>>;
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
  readonly #long: LongRun | undefined;
  #longSession: Promise<Session> | undefined;
  readonly #reports: readonly string[];
  /** Steps that were staged and are yet to be made. */
  #staged: { readonly batch: Readonly<Record<string, Tensor>>; readonly rate: number }[] = [];
  #current: 0 | 1 = 0;
  #steps = 0;

  private constructor(
    sessions: readonly Session[],
    long: LongRun | undefined,
    plan: TrainGraph,
    initial: readonly Float32Array[],
    reports: readonly string[],
  ) {
    this.#sessions = sessions;
    this.#long = long;
    this.#reports = reports;
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
   * @param steps made at once; default: many on a GPU, else one.
   * @throws what createSession throws.
   */
  static async create(
    plan: TrainGraph,
    initial: readonly Float32Array[],
    createSession: SessionFactory,
    options: SessionOptions = {},
    steps = stepsAtOnce(plan, options.provider),
  ): Promise<TrainStep> {
    checkDecay(plan.averageDecay);
    const target = options.provider === 'webgpu' ? 'webgpu' : 'cpu';
    const sessions: Session[] = [];
    try {
      for (let turn = 0; turn < (plan.turns ?? 1); turn++) {
        sessions.push(await createSession(buildTrainGraph(plan, { target, turn }), options));
      }
    } catch (error) {
      await Promise.all(sessions.map((session) => session.release()));
      throw error;
    }
    const state = new Set(plan.parameters.flatMap((parameter) => stateNames(parameter, plan).map(next)));
    const outputs = sessions[0]?.outputs ?? [];
    const reports = outputs.map((output) => output.name).filter((name) => !state.has(name));
    const open = () => createSession(buildTrainGraph(plan, { target, steps }), options);
    const long = steps > 1 ? { steps, open, inputs: stackedInputs(plan, steps) } : undefined;
    return new TrainStep(sessions, long, plan, initial, reports);
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

  /** Whether the steps staged are as many as are made at once. */
  get full(): boolean {
    return this.#staged.length === (this.#long?.steps ?? 1);
  }

  /**
   * One more step to be made by `flush`.
   * @param batch tensors of `plan.inputs`: copied where steps are made many at once; else yours again after `flush`.
   */
  stage(batch: Readonly<Record<string, Tensor>>, rate: number): void {
    if (this.full) throw new TypeError('more steps than are made at once');
    const place = this.#staged.length;
    const own = this.#long === undefined ? batch : rowsOf(this.#long.inputs, this.#plan, place);
    if (own !== batch) for (const [name, { data }] of Object.entries(batch)) own[name]?.data.set(data);
    this.#staged.push({ batch: own, rate });
  }

  /** Makes the steps staged. @returns the reports of each. */
  async flush(): Promise<Record<string, Tensor>[]> {
    const staged = this.#staged;
    this.#staged = [];
    if (this.#long !== undefined && staged.length === this.#long.steps) {
      return await this.#runMany(
        this.#long,
        staged.map(({ rate }) => rate),
      );
    }
    const reports: Record<string, Tensor>[] = [];
    for (const { batch, rate } of staged) reports.push(await this.run(batch, rate));
    return reports;
  }

  async #runMany({ open, inputs, steps }: LongRun, rates: readonly number[]): Promise<Record<string, Tensor>[]> {
    const { averageDecay } = this.#plan;
    for (const [place, rate] of rates.entries()) {
      this.#steps += 1;
      const values = this.#optimizer.scalarValues(this.#steps, rate);
      for (const [i, name] of this.#optimizer.scalars.entries()) setValue(inputs, name, place, values[i] as number);
      if (averageDecay !== undefined) setValue(inputs, AVERAGE_SHARE, place, averageShare(averageDecay, this.#steps));
    }
    const { feeds, fetches } = this.#buffers[this.#current];
    this.#longSession ??= open();
    const session = await this.#longSession;
    const results = await session.run({ ...feeds, ...inputs }, fetches);
    this.#current = this.#current === 0 ? 1 : 0;
    return Array.from({ length: steps }, (_, place) => {
      const own = this.#reports.map((name): [string, Tensor] => {
        const { data, dims } = results[name] as Tensor;
        const size = data.length / steps;
        return [name, { data: data.subarray(place * size, (place + 1) * size), dims: dims.slice(1) }];
      });
      return Object.fromEntries(own);
    });
  }

  async release(): Promise<void> {
    const long = await this.#longSession?.catch(() => undefined);
    const sessions = long === undefined ? this.#sessions : [...this.#sessions, long];
    await Promise.all(sessions.map((session) => session.release()));
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

function stackedInputs(plan: TrainGraph, steps: number): Record<string, Tensor> {
  const tensor = (shape: Shape): Tensor => {
    const dims = [steps, ...shape.map(Number)];
    return { data: new Float32Array(steps * valuesOf(shape)), dims };
  };
  const scalars = [
    ...makeOptimizer(plan.optimizer).scalars,
    ...(plan.averageDecay === undefined ? [] : [AVERAGE_SHARE]),
  ];
  return Object.fromEntries([
    ...plan.inputs.map(({ name, shape }) => [name, tensor(shape)] as const),
    ...scalars.map((name) => [name, tensor([])] as const),
  ]);
}

/** The inputs of one step: views. */
function rowsOf(inputs: Readonly<Record<string, Tensor>>, plan: TrainGraph, step: number): Record<string, Tensor> {
  return Object.fromEntries(
    plan.inputs.map(({ name, shape }) => {
      const size = valuesOf(shape);
      const data = inputs[name]?.data.subarray(step * size, (step + 1) * size) ?? new Float32Array();
      return [name, { data, dims: shape.map(Number) }];
    }),
  );
}

function setValue(inputs: Readonly<Record<string, Tensor>>, name: string, place: number, value: number): void {
  const tensor = inputs[name];
  if (tensor !== undefined) tensor.data[place] = value;
}

function checkDecay(decay: number | undefined): void {
  if (decay !== undefined && !(decay > 0 && decay < 1))
    throw invalidArgument('averageDecay', 'a number in (0, 1)', decay);
}
