/**
 * The end of a classifier: nodes after the logits that keep the order of an image's own classes. They change no answer,
 * but hide how far away another one is: a softmax is flat where a model is sure. So the search runs on what goes into them.
 *
 *     softmax, log, exp, sigmoid, tanh, …        increasing, the same function for every class
 *     + or − a number for each image              a softmax written out, or a shift
 *     · or ÷ a positive number for each image     a temperature, a normalisation
 *     Clip after a softmax                        against Log(0)
 */
import type { Model, ModelNode } from './model.ts';
import { type Dim, isStatic, normalizeAxis, type Shape, sameShape } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** Nodes that only rename, reshape or convert. */
const TRANSPARENT: ReadonlySet<string> = new Set([
  'Identity',
  'Dropout',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Cast',
]);

/** Strictly increasing functions of one number; Relu, Clip and the like make ties, which are answers of their own. */
const INCREASING: ReadonlySet<string> = new Set([
  'Log',
  'Exp',
  'Sigmoid',
  'Tanh',
  'Softplus',
  'Softsign',
  'Erf',
  'Sqrt',
]);

/** Positive whatever comes in. */
const POSITIVE: ReadonlySet<string> = new Set(['Exp', 'Softmax', 'Sigmoid', 'Softplus']);
/** Positive where what comes in is. */
const KEEPS_SIGN: ReadonlySet<string> = new Set([
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'Sqrt',
  'Reciprocal',
  'Identity',
  'Cast',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
]);
/** Not negative, and zero for images without any score alone. */
const NORMS: ReadonlySet<string> = new Set(['ReduceL1', 'ReduceL2']);

/** How far back a factor is looked at for its sign. */
const DEPTH = 6;

/**
 * The nodes to leave out, each with the name of its input that goes on in place of its output. Empty when the scores
 * are logits already.
 */
export function finalNormalization(model: Model, outputName: string): ReadonlyMap<ModelNode, string> {
  const makers = new Map(model.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const ending = new Ending(model, makers);
  const left = new Map<ModelNode, string>();
  let pending: ModelNode[] = [];
  for (let node = makers.get(outputName); node; ) {
    const through = ending.through(node);
    if (through === undefined) break;
    if (node.op === 'Clip') {
      // Its ties are those of a softmax, at 0 and 1, or answers of their own.
      pending = [node];
    } else if (!TRANSPARENT.has(node.op)) {
      for (const clip of pending) left.set(clip, clip.inputs[0] ?? '');
      pending = [];
      left.set(node, through);
    }
    node = makers.get(through);
    if (pending.length > 0 && node && !TRANSPARENT.has(node.op) && node.op !== 'Softmax') break;
  }
  return left;
}

const SOFTMAX: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax']);

/** The same of a softmax or its logarithm alone: what a bound on logits leaves out. */
export function finalSoftmax(model: Model, outputName: string): ReadonlyMap<ModelNode, string> {
  const left = finalNormalization(model, outputName);
  const ops = [...left.keys()].map(({ op }) => op);
  return ops.some((op) => SOFTMAX.has(op)) && ops.every((op) => SOFTMAX.has(op) || op === 'Log') ? left : new Map();
}

class Ending {
  readonly #model: Model;
  readonly #makers: ReadonlyMap<string, ModelNode>;

  constructor(model: Model, makers: ReadonlyMap<string, ModelNode>) {
    this.#model = model;
    this.#makers = makers;
  }

  /** The input whose classes have the same order as those of the output; undefined where none is known to. */
  through(node: ModelNode): string | undefined {
    const [first = '', second = ''] = node.inputs;
    if (TRANSPARENT.has(node.op)) return first;
    if (node.op === 'Clip') return first;
    if (node.op === 'Softmax' || node.op === 'LogSoftmax') return this.#runsOverClasses(node) ? first : undefined;
    if (INCREASING.has(node.op)) return first;
    if (node.op === 'Add')
      return this.#perImage(node, second) ? first : this.#perImage(node, first) ? second : undefined;
    if (node.op === 'Sub') return this.#perImage(node, second) ? first : undefined;
    if (node.op === 'Div') return this.#perImage(node, second) && this.#positive(second) ? first : undefined;
    if (node.op !== 'Mul') return undefined;
    if (this.#perImage(node, second) && this.#positive(second)) return first;
    return this.#perImage(node, first) && this.#positive(first) ? second : undefined;
  }

  #shape(name: string): Shape | undefined {
    const { values, initializers, inputs } = this.#model;
    return (values.get(name) ?? initializers.get(name) ?? inputs.find((input) => input.name === name))?.shape;
  }

  /** Is `name` one number for all classes of an image, in a node whose other input has the shape of the output? */
  #perImage(node: ModelNode, name: string): boolean {
    const whole = this.#shape(node.outputs[0] ?? '');
    const other = this.#shape(node.inputs.find((input) => input !== name) ?? name);
    const shape = this.#shape(name);
    if (!whole || !other || !shape || !sameShape(whole, other)) return false;
    const padded: Dim[] = [...new Array<Dim>(Math.max(0, whole.length - shape.length)).fill(1), ...shape];
    return padded.slice(1).every((dim) => dim === 1) && (padded[0] === 1 || padded[0] === whole[0]);
  }

  #constant(name: string): Tensor | undefined {
    const known = this.#model.initializers.get(name);
    if (known) return known;
    const maker = this.#makers.get(name);
    const value = maker?.op === 'Constant' ? maker.attributes['value'] : undefined;
    return typeof value === 'object' && 'data' in value ? value : undefined;
  }

  #positive(name: string, depth = DEPTH): boolean {
    const constant = this.#constant(name);
    if (constant) return Array.from(constant.data as ArrayLike<number | bigint>).every((value) => value > 0);
    const node = this.#makers.get(name);
    if (!node || depth === 0) return false;
    const [first = '', second = ''] = node.inputs;
    if (POSITIVE.has(node.op) || NORMS.has(node.op)) return true;
    if (KEEPS_SIGN.has(node.op)) return this.#positive(first, depth - 1);
    if (node.op === 'Clip') return this.#positive(second, depth - 1) || this.#positive(first, depth - 1);
    if (node.op === 'Max') return node.inputs.some((input) => this.#positive(input, depth - 1));
    if (node.op === 'Add' || node.op === 'Mul' || node.op === 'Div') {
      return node.inputs.every((input) => this.#positive(input, depth - 1));
    }
    return false;
  }

  #runsOverClasses(node: ModelNode): boolean {
    const shape: Shape = this.#shape(node.outputs[0] ?? '') ?? [];
    const given = node.attributes['axis'];
    const { opset } = this.#model;
    const axis = normalizeAxis(typeof given === 'number' ? given : opset >= 13 ? -1 : 1, shape.length);
    if (axis === undefined || axis === 0) return false;
    const single = (dim: Dim): boolean => dim === 1;
    // Before opset 13, all axes from `axis` on count as one. A softmax over an axis of length 1 answers 1 for every class.
    const rest = shape.slice(axis + 1).every(single) || opset < 13;
    const classes = shape.slice(axis);
    const some = !isStatic(classes) || classes.some((size) => (size as number) > 1);
    return some && shape.slice(1, axis).every(single) && rest;
  }
}
