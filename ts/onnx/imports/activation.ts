/** Activations that opset 17 lacks or that are written out in simpler ones. */
import { isFloat } from '../element_type.ts';
import { numberAttribute, requireInput, stringAttribute } from '../op_rule.ts';
import type { Value } from '../value.ts';
import { emit, type Import, type ImportContext, named } from './import_context.ts';

/** x·Φ(x), exact or by tanh (Hendrycks & Gimpel 2016). */
function geluOf(context: ImportContext, x: Value, approximate: boolean): Value {
  const { graph } = context;
  const scalar = (value: number): Value => graph.scalar(value, x.type);
  const cubic = () => graph.mul(graph.mul(x, graph.mul(x, x)), scalar(0.044715));
  const inner = approximate
    ? graph.op('Tanh', [graph.mul(graph.add(x, cubic()), scalar(Math.sqrt(2 / Math.PI)))])
    : graph.op('Erf', [graph.mul(x, scalar(Math.SQRT1_2))]);
  return graph.mul(graph.mul(x, scalar(0.5)), graph.add(inner, scalar(1)));
}

const gelu: Import = (context) =>
  named(context, geluOf(context, requireInput(context, 0), stringAttribute(context, 'approximate', 'none') === 'tanh'));

/** Of x plus a bias, where one is given. */
const biased =
  (approximate: boolean): Import =>
  (context) => {
    const x = requireInput(context, 0);
    const bias = context.inputs[1];
    return named(context, geluOf(context, bias ? context.graph.add(x, bias) : x, approximate));
  };

/** x·σ(αx) */
function swishOf(context: ImportContext, alpha: number): Value[] {
  const { graph } = context;
  const x = requireInput(context, 0);
  const scaled = alpha === 1 ? x : graph.mul(x, graph.scalar(alpha, x.type));
  return emit(context, 'Mul', [x, graph.op('Sigmoid', [scaled])], {});
}

/** x·tanh(log(1+eˣ)) (Misra 2019). */
const mish: Import = (context) => {
  const x = requireInput(context, 0);
  return emit(context, 'Mul', [x, context.graph.op('Tanh', [context.graph.op('Softplus', [x])])], {});
};

/** γ·(x > 0 ? x : α(eˣ-1)) (Klambauer et al. 2017). */
const selu: Import = (context) => {
  const x = requireInput(context, 0);
  const elu = context.graph.op('Elu', [x], { alpha: numberAttribute(context, 'alpha', 1.6732631921768188) });
  const gamma = numberAttribute(context, 'gamma', 1.0507010221481323);
  return emit(context, 'Mul', [elu, context.graph.scalar(gamma, x.type)], {});
};

/** α·elu(x/α) (Barron 2017). */
const celu: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const alpha = graph.scalar(numberAttribute(context, 'alpha', 1), x.type);
  return emit(context, 'Mul', [graph.op('Elu', [graph.div(x, alpha)], { alpha: 1 }), alpha], {});
};

/** x / (1+|x|) */
const softsign: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  return emit(context, 'Div', [x, graph.add(graph.op('Abs', [x]), graph.scalar(1, x.type))], {});
};

/** x where it is above α, else 0. */
const thresholdedRelu: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const above = graph.greater(x, graph.scalar(numberAttribute(context, 'alpha', 1), x.type));
  return emit(context, 'Where', [above, x, graph.scalar(0, x.type)], {});
};

/** x where |x| is above λ, moved towards 0 by the bias, else 0. */
const shrink: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const bias = graph.scalar(numberAttribute(context, 'bias', 0), x.type);
  const lambda = numberAttribute(context, 'lambd', 0.5);
  const zero = graph.scalar(0, x.type);
  const low = graph.where(graph.op('Less', [x, graph.scalar(-lambda, x.type)]), graph.add(x, bias), zero);
  return emit(context, 'Where', [graph.greater(x, graph.scalar(lambda, x.type)), graph.sub(x, bias), low], {});
};

/** x − y·⌊x/y⌋, of the sign of y, or by truncation with fmod = 1, of the sign of x. */
const mod: Import = (context) => {
  const { graph } = context;
  const [x, y] = [requireInput(context, 0), requireInput(context, 1)];
  if (!isFloat(x.type)) {
    // Division of integers drops the fraction; the sign is to be the divisor's.
    const rest = graph.sub(x, graph.mul(graph.div(x, y), y));
    if (numberAttribute(context, 'fmod', 0) !== 0) return named(context, rest);
    const other = graph.op('Less', [graph.mul(rest, y), graph.scalar(0, x.type)]);
    return named(context, graph.where(other, graph.add(rest, y), rest));
  }
  const quotient = graph.div(x, y);
  const floor = graph.op('Floor', [quotient]);
  const whole =
    numberAttribute(context, 'fmod', 0) === 0
      ? floor
      : graph.where(graph.greater(graph.scalar(0, x.type), quotient), graph.op('Ceil', [quotient]), floor);
  return emit(context, 'Sub', [x, graph.mul(y, whole)], {});
};

export const ACTIVATION_IMPORTS: Readonly<Record<string, Import>> = {
  Celu: celu,
  Gelu: gelu,
  Mish: mish,
  Mod: mod,
  Selu: selu,
  Shrink: shrink,
  Softsign: softsign,
  Swish: (context) => swishOf(context, numberAttribute(context, 'alpha', 1)),
  ThresholdedRelu: thresholdedRelu,
  'com.microsoft.BiasGelu': biased(false),
  'com.microsoft.FastGelu': biased(true),
  'com.microsoft.Gelu': biased(false),
  'com.microsoft.QuickGelu': (context) => swishOf(context, numberAttribute(context, 'alpha', 1.702)),
};
