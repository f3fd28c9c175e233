/** Operators that ONNX Runtime's optimiser fuses (domain com.microsoft), taken apart again. */
import { nodeError, numberAttribute, numbersAttribute, requireInput, stringAttribute } from '../op_rule.ts';
import type { Value } from '../value.ts';
import { emit, type Import, type ImportContext, named, without } from './import_context.ts';

/** An activation by name, with the parameters that stand beside it. */
function activated(context: ImportContext, x: Value): Value {
  const { graph } = context;
  const name = stringAttribute(context, 'activation', '');
  const [first, second] = numbersAttribute(context, 'activation_params') ?? [];
  const alpha = first ?? numberAttribute(context, 'activation_alpha', 0.01);
  const beta = second ?? numberAttribute(context, 'activation_beta', 0.5);
  switch (name) {
    case '':
      return x;
    case 'Relu':
    case 'Tanh':
    case 'Sigmoid':
    case 'HardSwish':
      return graph.op(name, [x]);
    case 'LeakyRelu':
      return graph.op('LeakyRelu', [x], { alpha });
    case 'HardSigmoid':
      return graph.op('HardSigmoid', [x], { alpha, beta });
    case 'Clip':
      return graph.op('Clip', [x, graph.scalar(alpha, x.type), graph.scalar(beta, x.type)]);
    default:
      throw nodeError(context, `activation "${name}" is not supported`);
  }
}

const PARAMETERS = ['activation', 'activation_params', 'activation_alpha', 'activation_beta', 'activation_gamma'];

/** x, w, bias, and z, which is added before the activation. */
const fusedConv: Import = (context) => {
  const sum = context.graph.op('Conv', context.inputs.slice(0, 3), without(context.attributes, ...PARAMETERS));
  const z = context.inputs[3];
  return named(context, activated(context, z ? context.graph.add(sum, z) : sum));
};

const fusedGemm: Import = (context) => {
  const sum = context.graph.op('Gemm', context.inputs, without(context.attributes, ...PARAMETERS));
  return named(context, activated(context, sum));
};

/** alpha·a·b, either of them transposed in its last two axes. */
const fusedMatMul: Import = (context) => {
  const { graph } = context;
  if (numberAttribute(context, 'transBatchA', 0) + numberAttribute(context, 'transBatchB', 0) > 0) {
    throw nodeError(context, 'transBatchA and transBatchB are not supported');
  }
  const turned = (i: number, attribute: string): Value => {
    const value = requireInput(context, i);
    if (numberAttribute(context, attribute, 0) === 0) return value;
    const order = [...value.shape.keys()];
    order.push(...order.splice(-2).reverse());
    return graph.transpose(value, order);
  };
  const product = graph.matmul(turned(0, 'transA'), turned(1, 'transB'));
  const alpha = numberAttribute(context, 'alpha', 1);
  return alpha === 1 ? named(context, product) : emit(context, 'Mul', [product, graph.scalar(alpha, product.type)], {});
};

/** Layer normalisation of x + skip (+ bias); the sum is the fourth output. */
const skipLayerNormalization =
  (centred: boolean): Import =>
  (context) => {
    const { graph, outputNames } = context;
    const [x, skip] = [requireInput(context, 0), requireInput(context, 1)];
    const bias = context.inputs[centred ? 4 : 3];
    const plain = graph.add(x, skip);
    const sum = bias ? graph.add(plain, bias) : plain;
    const axes = [sum.shape.length - 1];
    const middle = centred ? graph.sub(sum, graph.reduceMean(sum, axes)) : sum;
    const variance = graph.reduceMean(graph.mul(middle, middle), axes);
    const epsilon = graph.scalar(numberAttribute(context, 'epsilon', 1e-12), sum.type);
    const scaled = graph.mul(graph.div(middle, graph.sqrt(graph.add(variance, epsilon))), requireInput(context, 2));
    const beta = centred ? context.inputs[3] : undefined;
    const result = beta ? graph.add(scaled, beta) : scaled;
    const outputs = [result, undefined, undefined, sum];
    return outputs.slice(0, outputNames.length).map((value, i) => {
      if (value === undefined && outputNames[i])
        throw nodeError(context, 'mean and deviation as outputs are not supported');
      return graph.op('Identity', [value ?? result], {}, { outputs: [outputNames[i] ?? ''] });
    });
  };

export const FUSED_IMPORTS: Readonly<Record<string, Import>> = {
  'com.microsoft.FusedConv': fusedConv,
  'com.microsoft.FusedGemm': fusedGemm,
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.SkipLayerNormalization': skipLayerNormalization(true),
  'com.microsoft.SkipSimplifiedLayerNormalization': skipLayerNormalization(false),
};
