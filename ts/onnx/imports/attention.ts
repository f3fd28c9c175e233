/**
 * Attention, written out: softmax(scale·Q·Kᵀ + mask)·V for each head (Vaswani et al. 2017), and what stands around it in transformers.
 * Heads are [N, heads, L, size]; caches of earlier calls are not supported.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import { nodeError, numberAttribute, numbersAttribute, requireConstantNumbers, requireInput } from '../op_rule.ts';
import { tensorFromNumbers } from '../tensor.ts';
import type { Value } from '../value.ts';
import { type Import, type ImportContext, knownSize, named } from './import_context.ts';

/** Below every score, yet finite. */
const MASKED = -1e30;

interface AttentionOptions {
  readonly scale: number;
  readonly mask?: Value | undefined;
  /** Added to the scores, like a mask. */
  readonly bias?: Value | undefined;
  readonly causal?: boolean;
  readonly softcap?: number;
}

/** [N, L, heads·size] → [N, heads, L, size] */
function toHeads({ graph }: ImportContext, value: Value, heads: number): Value {
  const [batch = 1, length = 1, width] = value.shape;
  if (typeof width !== 'number') return value;
  return graph.transpose(reshapeTo(graph, value, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** [N, heads, L, size] → [N, L, heads·size] */
function fromHeads({ graph }: ImportContext, value: Value): Value {
  const [batch = 1, heads, length = 1, size] = value.shape;
  return reshapeTo(graph, graph.transpose(value, [0, 2, 1, 3]), [batch, length, Number(heads) * Number(size)]);
}

/** Each head of keys and values serves several of queries: repeated in place. */
function shared({ graph }: ImportContext, value: Value, heads: number): Value {
  const [batch = 1, own, length = 1, size = 1] = value.shape;
  if (typeof own !== 'number' || own === heads) return value;
  const times = heads / own;
  const opened = reshapeTo(graph, value, [batch, own, 1, length, size]);
  const repeated = graph.op('Concat', new Array<Value>(times).fill(opened), { axis: 2 });
  return reshapeTo(graph, repeated, [batch, heads, length, size]);
}

function attention(context: ImportContext, q: Value, k: Value, v: Value, options: AttentionOptions): Value {
  const { graph } = context;
  const { type } = q;
  let scores = graph.mul(graph.matmul(q, graph.transpose(k, [0, 1, 3, 2])), graph.scalar(options.scale, type));
  if (options.softcap) {
    const cap = graph.scalar(options.softcap, type);
    scores = graph.mul(graph.op('Tanh', [graph.div(scores, cap)]), cap);
  }
  if (options.bias) scores = graph.add(scores, options.bias);
  if (options.mask) {
    const { mask } = options;
    scores = mask.type === 'bool' ? graph.where(mask, scores, graph.scalar(MASKED, type)) : graph.add(scores, mask);
  }
  if (options.causal) {
    const [rows, columns] = [scores.shape[2], scores.shape[3]];
    if (typeof rows !== 'number' || typeof columns !== 'number') {
      throw nodeError(context, 'the lengths of a causal attention must be known');
    }
    const allowed = Array.from({ length: rows * columns }, (_, i) => Number(i % columns <= Math.floor(i / columns)));
    const mask = graph.tensor(tensorFromNumbers('bool', allowed, [rows, columns]));
    scores = graph.where(mask, scores, graph.scalar(MASKED, type));
  }
  return graph.matmul(graph.op('Softmax', [scores], { axis: -1 }), v);
}

function refuseCaches(context: ImportContext, ...inputs: number[]): void {
  const found = inputs.find((i) => context.inputs[i] !== undefined);
  if (found !== undefined) throw nodeError(context, `input ${found} (a cache or lengths) is not supported`);
  if (context.outputNames.slice(1).some((name) => name !== ''))
    throw nodeError(context, 'has only its first output here');
}

const KNOWN: ReadonlySet<string> = new Set([
  ...['is_causal', 'kv_num_heads', 'q_num_heads', 'qk_matmul_output_mode', 'scale', 'softcap', 'softmax_precision'],
]);

/** ai.onnx, opset 23 on: heads as a tensor of rank 4, or side by side in one of rank 3. */
const standard: Import = (context) => {
  refuseCaches(context, 4, 5, 6);
  const foreign = Object.keys(context.attributes).find((name) => !KNOWN.has(name));
  if (foreign) throw nodeError(context, `attribute "${foreign}" is not supported`);
  const [query, key, value] = [0, 1, 2].map((i) => requireInput(context, i)) as [Value, Value, Value];
  const wide = query.shape.length === 3;
  const heads = wide ? numberAttribute(context, 'q_num_heads', 1) : Number(query.shape[1]);
  const keyHeads = wide ? numberAttribute(context, 'kv_num_heads', heads) : Number(key.shape[1]);
  const q = wide ? toHeads(context, query, heads) : query;
  const k = wide ? toHeads(context, key, keyHeads) : key;
  const v = wide ? toHeads(context, value, keyHeads) : value;
  const scale = numberAttribute(context, 'scale', 1 / Math.sqrt(Number(q.shape[3])));
  const made = attention(context, q, shared(context, k, heads), shared(context, v, heads), {
    scale,
    mask: context.inputs[3],
    causal: numberAttribute(context, 'is_causal', 0) !== 0,
    softcap: numberAttribute(context, 'softcap', 0),
  });
  return named(context, wide ? fromHeads(context, made) : made);
};

/** com.microsoft: one product makes queries, keys and values. Input, weights [D, 3·D], bias, mask, cache, added scores. */
const fused: Import = (context) => {
  refuseCaches(context, 4, 6);
  const { graph } = context;
  const x = requireInput(context, 0);
  const heads = numberAttribute(context, 'num_heads', 1);
  const product = graph.matmul(x, requireInput(context, 1));
  const bias = context.inputs[2];
  const all = bias ? graph.add(product, bias) : product;
  const width = Number(all.shape[2]);
  const sizes = numbersAttribute(context, 'qkv_hidden_sizes') ?? [width / 3, width / 3, width / 3];
  const parts = graph.ops('Split', [all, graph.ints(sizes)], 3, { axis: 2 });
  const [q, k, v] = parts.map((part) => toHeads(context, part, heads)) as [Value, Value, Value];
  const made = attention(context, q, k, v, {
    scale: numberAttribute(context, 'scale', 0) || 1 / Math.sqrt(Number(q.shape[3])),
    bias: context.inputs[5],
    mask: paddingMask(context, 3),
    causal: numberAttribute(context, 'unidirectional', 0) !== 0,
  });
  return named(context, fromHeads(context, made));
};

/** com.microsoft: queries, keys and values side by side, [N, L, heads·size]; bias, padding, added scores. */
const multiHead: Import = (context) => {
  refuseCaches(context, 6, 7, 8);
  const { graph } = context;
  const heads = numberAttribute(context, 'num_heads', 1);
  const query = requireInput(context, 0);
  if (!context.inputs[1] || !context.inputs[2])
    throw nodeError(context, 'packed queries, keys and values are not supported');
  const bias = context.inputs[3];
  const widths = [0, 1, 2].map((i) => knownSize(context, 2, i));
  const biases = bias ? graph.ops('Split', [bias, graph.ints(widths)], 3, { axis: 0 }) : [];
  const [q, k, v] = [0, 1, 2].map((i) => {
    const value = requireInput(context, i);
    const shift = biases[i];
    return toHeads(context, shift ? graph.add(value, shift) : value, heads);
  }) as [Value, Value, Value];
  const made = attention(context, q, k, v, {
    scale: numberAttribute(context, 'scale', 0) || 1 / Math.sqrt(Number(query.shape[2]) / heads),
    mask: paddingMask(context, 4),
    bias: context.inputs[5],
    causal: numberAttribute(context, 'unidirectional', 0) !== 0,
  });
  return named(context, fromHeads(context, made));
};

/** 1 where a key counts, [N, L]: as bool for all heads and queries. */
function paddingMask(context: ImportContext, input: number): Value | undefined {
  const { graph } = context;
  const mask = context.inputs[input];
  if (!mask) return undefined;
  const [batch = 1, length = 1] = mask.shape;
  if (mask.shape.length !== 2) throw nodeError(context, 'only a mask of [batch, length] is supported');
  return reshapeTo(graph, graph.op('Cast', [mask], { to: 9 }), [batch, 1, 1, length]);
}

/** Pairs of elements turned by an angle of their position (Su et al. 2021), ai.onnx opset 23: x, cos, sin, positions. */
const rotaryEmbedding: Import = (context) => {
  const microsoft = context.op.startsWith('com.microsoft');
  const x = requireInput(context, 0);
  // com.microsoft has the positions before the tables.
  const [positions, cosines, sines] = microsoft
    ? [context.inputs[1], requireInput(context, 2), requireInput(context, 3)]
    : [context.inputs[3], requireInput(context, 1), requireInput(context, 2)];
  const { graph } = context;
  const wide = x.shape.length === 3;
  const given = numberAttribute(context, 'num_heads', 0);
  const half = Number(cosines.shape[cosines.shape.length - 1]);
  const heads = given || (wide ? Number(x.shape[2]) / (2 * half) : 1);
  const values = wide ? toHeads(context, x, heads) : x;
  const [, , length = 1, size] = values.shape;
  const turned = numberAttribute(context, 'rotary_embedding_dim', 0) || Number(size);
  const table = (cache: Value): Value => {
    if (!positions) return reshapeTo(graph, cache, [cache.shape[0] ?? 1, 1, length, half]);
    // One offset: positions from there on.
    if (microsoft && positions.shape.length === 1 && positions.shape[0] === 1) {
      const [offset = 0] = requireConstantNumbers(context, 1, 'the offset of positions');
      const rows = [[offset], [offset + Number(length)], [0]].map((ends) => graph.ints(ends));
      return graph.op('Unsqueeze', [graph.op('Slice', [cache, ...rows]), graph.ints([0, 1])]);
    }
    return graph.op('Unsqueeze', [graph.op('Gather', [cache, positions], { axis: 0 }), graph.ints([1])]);
  };
  const [cos, sin] = [table(cosines), table(sines)];
  const cut = (value: Value, from: number, to: number, step = 1): Value =>
    graph.op('Slice', [value, ...[[from], [to], [3], [step]].map((ends) => graph.ints(ends))]);
  const interleaved = numberAttribute(context, 'interleaved', 0) !== 0;
  const first = interleaved ? cut(values, 0, turned, 2) : cut(values, 0, turned / 2);
  const second = interleaved ? cut(values, 1, turned, 2) : cut(values, turned / 2, turned);
  const real = graph.sub(graph.mul(first, cos), graph.mul(second, sin));
  const imaginary = graph.add(graph.mul(first, sin), graph.mul(second, cos));
  const joined = interleaved
    ? reshapeTo(
        graph,
        graph.op(
          'Concat',
          [real, imaginary].map((value) => graph.op('Unsqueeze', [value, graph.ints([4])])),
          { axis: 4 },
        ),
        [...real.shape.slice(0, 3), turned],
      )
    : graph.op('Concat', [real, imaginary], { axis: 3 });
  const whole = turned === size ? joined : graph.op('Concat', [joined, cut(values, turned, Number(size))], { axis: 3 });
  return named(context, wide ? fromHeads(context, whole) : whole);
};

export const ATTENTION_IMPORTS: Readonly<Record<string, Import>> = {
  Attention: standard,
  RotaryEmbedding: rotaryEmbedding,
  'com.microsoft.Attention': fused,
  'com.microsoft.MultiHeadAttention': multiHead,
  'com.microsoft.RotaryEmbedding': rotaryEmbedding,
};
