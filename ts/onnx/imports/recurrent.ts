/**
 * Recurrent layers, unrolled over their steps, which have to be known. Weights W [directions, gates·H, I], R [directions,
 * gates·H, H], biases B [directions, 2·gates·H], sequences X [steps, N, I] (or [N, steps, I] with layout 1).
 */
import { filledLike } from '../cotangent_shape.ts';
import { nodeError, numberAttribute, requireConstantNumbers, requireInput, stringAttribute } from '../op_rule.ts';
import type { Value } from '../value.ts';
import type { Import, ImportContext } from './import_context.ts';

/** Beyond, the graph would be too long to be of use. */
const MOST_STEPS = 1024;

type Activation = (x: Value) => Value;

function activations(context: ImportContext, count: number, fallback: readonly string[]): Activation[] {
  const { graph } = context;
  const given = context.attributes['activations'];
  const names = Array.isArray(given) ? (given as readonly string[]) : [];
  if (context.attributes['activation_alpha'] !== undefined || context.attributes['activation_beta'] !== undefined) {
    throw nodeError(context, 'activation_alpha and activation_beta are not supported');
  }
  return Array.from({ length: count }, (_, i): Activation => {
    const name = (names[i] ?? fallback[i % fallback.length] ?? 'Tanh').toLowerCase();
    if (name === 'sigmoid') return (x) => graph.op('Sigmoid', [x]);
    if (name === 'tanh') return (x) => graph.op('Tanh', [x]);
    if (name === 'relu') return (x) => graph.op('Relu', [x]);
    if (name === 'softsign') return (x) => graph.div(x, graph.add(graph.op('Abs', [x]), graph.scalar(1, x.type)));
    if (name === 'softplus') return (x) => graph.op('Softplus', [x]);
    throw nodeError(context, `activation "${names[i]}" is not supported`);
  });
}

/** What a kind of layer does with one direction's weights. */
interface Cell {
  readonly gates: number;
  readonly fallback: readonly string[];
  /** One step. @param parts the input's share of each gate, [N, H]. @returns hidden state and cell. */
  step(direction: Direction, parts: Value[], hidden: Value, cell: Value | undefined): [Value, Value | undefined];
}

interface Direction {
  readonly context: ImportContext;
  readonly f: readonly Activation[];
  /** Rᵀ, [H, gates·H]. */
  readonly recurrence: Value;
  /** Biases of the recurrence, one a gate, [H]. */
  readonly bias: readonly (Value | undefined)[];
  readonly peepholes: readonly Value[];
  readonly size: number;
}

function gatesOf({ context, recurrence, size }: Direction, hidden: Value, gates: number): Value[] {
  const product = context.graph.matmul(hidden, recurrence);
  return gates === 1
    ? [product]
    : context.graph.ops('Split', [product, context.graph.ints(new Array<number>(gates).fill(size))], gates, {
        axis: -1,
      });
}

const sum = (context: ImportContext, ...terms: (Value | undefined)[]): Value =>
  terms.filter((term) => term !== undefined).reduce((total, term) => context.graph.add(total, term));

/** h' = f(W x + R h + b) */
const ELMAN: Cell = {
  gates: 1,
  fallback: ['Tanh'],
  step: (direction, [x], hidden) => {
    const [product] = gatesOf(direction, hidden, 1);
    const [f] = direction.f as [Activation];
    return [f(sum(direction.context, x, product, direction.bias[0])), undefined];
  },
};

/** Gates i, o, f, c; peepholes i, o, f (Hochreiter & Schmidhuber 1997; Gers et al. 2002). */
const LSTM: Cell = {
  gates: 4,
  fallback: ['Sigmoid', 'Tanh', 'Tanh'],
  step: (direction, parts, hidden, cell) => {
    const { context, bias, peepholes, f } = direction;
    const { graph } = context;
    if (!cell) throw nodeError(context, 'has no cell state');
    const products = gatesOf(direction, hidden, 4);
    const [sigma, candidate, out] = f as [Activation, Activation, Activation];
    const through = (gate: number, state: Value, peephole: number): Value => {
      const weight = peepholes[peephole];
      return sum(context, parts[gate], products[gate], bias[gate], weight && graph.mul(state, weight));
    };
    const input = sigma(through(0, cell, 0));
    const forget =
      numberAttribute(context, 'input_forget', 0) === 0
        ? sigma(through(2, cell, 2))
        : graph.sub(graph.scalar(1, cell.type), input);
    const fresh = candidate(sum(context, parts[3], products[3], bias[3]));
    const next = graph.add(graph.mul(forget, cell), graph.mul(input, fresh));
    return [graph.mul(sigma(through(1, next, 1)), out(next)), next];
  },
};

/** Gates z, r, h (Cho et al. 2014); the bias of h is inside the reset with linear_before_reset, as PyTorch has it. */
const GRU: Cell = {
  gates: 3,
  fallback: ['Sigmoid', 'Tanh'],
  step: (direction, parts, hidden) => {
    const { context, bias, f, recurrence, size } = direction;
    const { graph } = context;
    const [sigma, candidate] = f as [Activation, Activation];
    const [update = hidden, reset = hidden, last = hidden] = gatesOf(direction, hidden, 3);
    const z = sigma(sum(context, parts[0], update, bias[0]));
    const r = sigma(sum(context, parts[1], reset, bias[1]));
    let inner: Value;
    if (numberAttribute(context, 'linear_before_reset', 0) !== 0) {
      inner = sum(context, parts[2], graph.mul(r, sum(context, last, bias[2])));
    } else {
      const columns = [[2 * size], [3 * size], [1]].map((values) => graph.ints(values));
      const own = graph.op('Slice', [recurrence, ...columns]);
      inner = sum(context, parts[2], graph.matmul(graph.mul(r, hidden), own), bias[2]);
    }
    const fresh = candidate(inner);
    return [graph.add(fresh, graph.mul(z, graph.sub(hidden, fresh))), undefined];
  },
};

const recurrent =
  ({ gates, fallback, step }: Cell): Import =>
  (context) => {
    const { graph, outputNames } = context;
    const first = numberAttribute(context, 'layout', 0) === 0;
    const given = requireInput(context, 0);
    const x = first ? given : graph.transpose(given, [1, 0, 2]);
    const [steps, batch = 1] = x.shape;
    const weights = requireInput(context, 1);
    const recurrences = requireInput(context, 2);
    const size = Number(recurrences.shape[2]);
    if (typeof steps !== 'number' || steps > MOST_STEPS) throw nodeError(context, `${steps} steps cannot be unrolled`);
    if (numberAttribute(context, 'clip', 0) !== 0) throw nodeError(context, 'clip is not supported');
    if (context.inputs[4]) {
      const lengths = requireConstantNumbers(context, 4, 'the lengths of the sequences');
      if (lengths.some((length) => length !== steps)) throw nodeError(context, 'sequences must be of one length');
    }
    const way = stringAttribute(context, 'direction', 'forward');
    const directions = way === 'bidirectional' ? 2 : 1;
    const f = activations(context, directions * fallback.length, fallback);
    const one = (value: Value | undefined, at: number): Value | undefined =>
      value && graph.op('Gather', [value, graph.scalar(at, 'int64')], { axis: 0 });
    const state = (input: number, at: number): Value => {
      const initial = context.inputs[input];
      const stacked = initial && !first ? graph.transpose(initial, [1, 0, 2]) : initial;
      const known = one(stacked, at);
      if (known) return known;
      if (typeof batch === 'number') return graph.filled(0, [batch, size], x.type);
      // As many rows as there are images.
      const row = graph.op('Gather', [x, graph.scalar(0, 'int64')], { axis: 0 });
      return graph.add(filledLike(graph, graph.reduceSum(row, [1]), 0), graph.filled(0, [1, size], x.type));
    };
    const outputs: Value[][] = [];
    const [lastHidden, lastCell]: [Value[], Value[]] = [[], []];
    for (let at = 0; at < directions; at++) {
      const backward = way === 'reverse' || at === 1;
      const [w, r] = [one(weights, at), one(recurrences, at)] as [Value, Value];
      const biases = one(context.inputs[3], at);
      const split = (value: Value, parts: number): Value[] =>
        graph.ops('Split', [value, graph.ints(new Array<number>(parts).fill(size))], parts, { axis: 0 });
      const bias = biases ? split(biases, 2 * gates) : [];
      const peephole = one(context.inputs[7], at);
      const direction: Direction = {
        context,
        f: f.slice(at * fallback.length, (at + 1) * fallback.length),
        recurrence: graph.transpose(r, [1, 0]),
        bias: bias.slice(gates),
        peepholes: peephole ? split(peephole, 3) : [],
        size,
      };
      // The input's share of all steps at once.
      const products = graph.matmul(x, graph.transpose(w, [1, 0]));
      let hidden = state(5, at);
      let cell = gates === 4 ? state(6, at) : undefined;
      const made: Value[] = [];
      for (let t = 0; t < steps; t++) {
        const index = backward ? steps - 1 - t : t;
        const product = graph.op('Gather', [products, graph.scalar(index, 'int64')], { axis: 0 });
        const parts =
          gates === 1
            ? [product]
            : graph.ops('Split', [product, graph.ints(new Array<number>(gates).fill(size))], gates, { axis: -1 });
        const biased = parts.map((part, i) => sum(context, part, bias[i]));
        [hidden, cell] = step(direction, biased, hidden, cell);
        made[index] = hidden;
      }
      outputs.push(made);
      lastHidden.push(hidden);
      if (cell) lastCell.push(cell);
    }
    const stack = (values: readonly Value[], axis: number): Value => {
      const rows = values.map((value) => graph.op('Unsqueeze', [value, graph.ints([axis])]));
      return rows.length === 1 && rows[0] ? rows[0] : graph.op('Concat', rows, { axis });
    };
    // Y: [steps, directions, N, H]; with layout 1 [N, steps, directions, H].
    const byStep = Array.from({ length: steps }, (_, t) =>
      stack(
        outputs.map((made) => made[t] as Value),
        first ? 0 : 1,
      ),
    );
    const results = [
      outputNames[0] ? stack(byStep, first ? 0 : 1) : undefined,
      outputNames[1] ? stack(lastHidden, first ? 0 : 1) : undefined,
      outputNames[2] ? stack(lastCell, first ? 0 : 1) : undefined,
    ];
    const [some] = lastHidden;
    return outputNames.map((name, i) => {
      const value = results[i] ?? some;
      if (!value) throw nodeError(context, 'has no output');
      return name === '' ? value : graph.op('Identity', [value], {}, { name: `${context.name}_${i}`, outputs: [name] });
    });
  };

export const RECURRENT_IMPORTS: Readonly<Record<string, Import>> = {
  GRU: recurrent(GRU),
  LSTM: recurrent(LSTM),
  RNN: recurrent(ELMAN),
};
