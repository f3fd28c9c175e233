/** Operators of ai.onnx.ml, which scikit-learn's models become: those whose scores have a derivative. */
import { nodeError, numberAttribute, numbersAttribute, requireInput, stringAttribute } from '../op_rule.ts';
import { tensorFromNumbers } from '../tensor.ts';
import type { Value } from '../value.ts';
import { emit, type Import, type ImportContext, named } from './import_context.ts';

/** Of features, or one for all. */
function vector(context: ImportContext, name: string, fallback: number): Value {
  const values = numbersAttribute(context, name) ?? [fallback];
  return context.graph.tensor(tensorFromNumbers('float32', values, [values.length]));
}

/** (x − offset)·scale */
const scaler: Import = (context) => {
  const { graph } = context;
  const x = asFloat(context, requireInput(context, 0));
  return emit(context, 'Mul', [graph.sub(x, vector(context, 'offset', 0)), vector(context, 'scale', 1)], {});
};

function asFloat({ graph }: ImportContext, x: Value): Value {
  return x.type === 'float32' ? x : graph.op('Cast', [x], { to: 1 });
}

/** x over its largest magnitude, L1 or L2 norm, a row each; rows of zeros stay. */
const normalizer: Import = (context) => {
  const { graph } = context;
  const x = asFloat(context, requireInput(context, 0));
  const axes = [x.shape.length - 1];
  const kind = stringAttribute(context, 'norm', 'MAX');
  const absolute = graph.op('Abs', [x]);
  const norm =
    kind === 'L2'
      ? graph.op('ReduceL2', [x], { axes, keepdims: 1 })
      : kind === 'L1'
        ? graph.reduceSum(absolute, axes)
        : graph.reduceMax(x, axes);
  const zero = graph.op('Equal', [norm, graph.scalar(0, x.type)]);
  return emit(context, 'Div', [x, graph.where(zero, graph.scalar(1, x.type), norm)], {});
};

/** Probabilities, or the like, of scores. */
function transformed(context: ImportContext, scores: Value): Value {
  const { graph } = context;
  const kind = stringAttribute(context, 'post_transform', 'NONE');
  if (kind === 'NONE') return scores;
  if (kind === 'LOGISTIC') return graph.op('Sigmoid', [scores]);
  if (kind === 'SOFTMAX') return graph.op('Softmax', [scores], { axis: -1 });
  throw nodeError(context, `post_transform "${kind}" is not supported`);
}

/** x·coefficientsᵀ + intercepts; the label, its first output, is the index of the largest score. */
const linearClassifier: Import = (context) => {
  const { graph, outputNames } = context;
  const x = asFloat(context, requireInput(context, 0));
  const features = Number(x.shape[x.shape.length - 1]);
  const coefficients = numbersAttribute(context, 'coefficients') ?? [];
  const rows = coefficients.length / features;
  if (!Number.isInteger(rows) || rows === 0) throw nodeError(context, 'the coefficients do not suit the features');
  const weights = graph.tensor(tensorFromNumbers('float32', coefficients, [rows, features]));
  const intercepts = numbersAttribute(context, 'intercepts') ?? new Array<number>(rows).fill(0);
  const sums = graph.op('Gemm', [x, weights, vectorOf(context, intercepts)], { transB: 1 });
  let scores: Value;
  if (rows > 1) scores = transformed(context, sums);
  else {
    // One score z is two: of the first class 1 − p or −z, of the second p or z.
    const single = transformed(context, sums);
    const kind = stringAttribute(context, 'post_transform', 'NONE');
    const other = kind === 'LOGISTIC' ? graph.sub(graph.scalar(1), single) : graph.neg(single);
    scores = graph.op('Concat', [other, single], { axis: -1 });
  }
  const label = graph.op('ArgMax', [scores], { axis: -1, keepdims: 0 });
  return [label, scores].map((value, i) =>
    graph.op('Identity', [value], {}, { name: `${context.name}_${i}`, outputs: [outputNames[i] ?? ''] }),
  );
};

function vectorOf({ graph }: ImportContext, values: readonly number[]): Value {
  return graph.tensor(tensorFromNumbers('float32', values, [values.length]));
}

const linearRegressor: Import = (context) => {
  const { graph } = context;
  const x = asFloat(context, requireInput(context, 0));
  const targets = numberAttribute(context, 'targets', 1);
  const coefficients = numbersAttribute(context, 'coefficients') ?? [];
  const weights = graph.tensor(tensorFromNumbers('float32', coefficients, [targets, coefficients.length / targets]));
  const intercepts = numbersAttribute(context, 'intercepts') ?? new Array<number>(targets).fill(0);
  const sums = graph.op('Gemm', [x, weights, vectorOf(context, intercepts)], { transB: 1 });
  return named(context, transformed(context, sums));
};

/** Columns of the last axis; of a vector, as one row. */
const arrayFeatureExtractor: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const columns = graph.reshape(requireInput(context, 1), [-1]);
  const taken = graph.op('Gather', [x, columns], { axis: x.shape.length - 1 });
  return named(context, x.shape.length === 1 ? graph.op('Unsqueeze', [taken, graph.ints([0])]) : taken);
};

/** 1 above a threshold. */
const binarizer: Import = (context) => {
  const { graph } = context;
  const x = asFloat(context, requireInput(context, 0));
  const above = graph.greater(x, graph.scalar(numberAttribute(context, 'threshold', 0), x.type));
  return named(context, graph.where(above, graph.scalar(1, x.type), graph.scalar(0, x.type)));
};

export const CLASSICAL_IMPORTS: Readonly<Record<string, Import>> = {
  'ai.onnx.ml.ArrayFeatureExtractor': arrayFeatureExtractor,
  'ai.onnx.ml.Binarizer': binarizer,
  'ai.onnx.ml.LinearClassifier': linearClassifier,
  'ai.onnx.ml.LinearRegressor': linearRegressor,
  'ai.onnx.ml.Normalizer': normalizer,
  'ai.onnx.ml.Scaler': scaler,
  // A row of scores as a map from class to score: the row.
  'ai.onnx.ml.ZipMap': (context) => named(context, requireInput(context, 0)),
};
