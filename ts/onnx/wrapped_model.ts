/**
 * A model's file with its preprocessing in front, as a file of its own: `pixels` [N, …], float32 in [0, 1], red first, to
 * `scores` [N, K], float32. What stands between is the file's own graph, in its own precision and operators.
 */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import type { PixelMap } from './preprocessing.ts';
import type { Classifier } from './read_classifier.ts';
import { decodeModel } from './read_model.ts';
import type { Dim } from './shape.ts';

const [FLOAT, INT64] = [1, 7];
/** uint8, int8: a caller's pixels are rounded to them. */
const BYTES: ReadonlySet<number> = new Set([2, 3]);

/**
 * @param bytes the file, with its weights.
 * @param classifier what readClassifier made of it.
 * @returns an ONNX file. The scores are as the file gives them, logits or probabilities; of one number an image, two: 0 and
 *   the logit, or 1 - p and p. Its batch is the file's: one that takes one image at a time still does.
 */
export function wrapModel(bytes: Uint8Array, { source, model }: Classifier): Uint8Array<ArrayBuffer> {
  const proto = decodeModel(bytes);
  const graph = proto.graph as GraphProto;
  const input = graph.input.find(({ name }) => name === source.input.name);
  const type = input?.type?.value.case === 'tensorType' ? input.type.value.value.elemType : FLOAT;
  const [batch = 'N', ...image] = source.input.shape;
  const added = new AddedNodes(graph);
  const [pixels, scores] = [added.name('pixels'), added.name('scores')];
  const before = added.pixels(pixels, source.input.name, source.pixels, image, type);
  const after = added.scores(source.output, scores, source.kind);
  const classes = Number(model.outputs[0]?.shape[1]);
  const extended = create(GraphProtoSchema, { node: [...before, ...after], initializer: added.initializers });
  const [first, last] = [extended.node.slice(0, before.length), extended.node.slice(before.length)];
  graph.node = [...first, ...graph.node, ...last];
  graph.initializer = [...graph.initializer, ...extended.initializer];
  graph.input = graph.input.map((value) => (value === input ? valueInfo(pixels, [batch, ...image]) : value));
  graph.output = [valueInfo(scores, [batch, classes])];
  return toBinary(ModelProtoSchema, proto) as Uint8Array<ArrayBuffer>;
}

type NodeInit = MessageInitShape<typeof NodeProtoSchema>;

class AddedNodes {
  readonly initializers: MessageInitShape<typeof TensorProtoSchema>[] = [];
  readonly #taken: Set<string>;

  constructor({ node, input, output, initializer }: GraphProto) {
    this.#taken = new Set([
      ...node.flatMap((each) => [each.name, ...each.input, ...each.output]),
      ...[...input, ...output, ...initializer].map(({ name }) => name),
    ]);
  }

  name(stem: string): string {
    let name = stem;
    while (this.#taken.has(name)) name = `${name}_`;
    this.#taken.add(name);
    return name;
  }

  /** y = x[flipped]·scale + offset, as the type that the file takes. */
  pixels(from: string, to: string, map: PixelMap, image: readonly Dim[], type: number): NodeInit[] {
    const { scale, offset, flipped, stride } = map;
    // The axis of the channels is the one behind which there are `stride` numbers; grey images need none.
    const axis = image.findIndex(
      (_, at) => image.slice(at + 1).reduce<number>((n, dim) => n * Number(dim), 1) === stride,
    );
    const shape = [scale.length, ...new Array<number>(scale.length === 1 ? 0 : image.length - 1 - axis).fill(1)];
    const steps: [string, ((from: string) => string[])?, NodeInit['attribute']?][] = [];
    const constant = (stem: string, values: readonly number[]) => this.#floats(stem, values, shape);
    if (flipped) steps.push(['Gather', (x) => [x, this.#ints('blue_first', [2, 1, 0])], [int('axis', axis + 1)]]);
    if (scale.some((value) => value !== 1)) steps.push(['Mul', (x) => [x, constant('pixel_scale', scale)]]);
    if (offset.some((value) => value !== 0)) steps.push(['Add', (x) => [x, constant('pixel_offset', offset)]]);
    if (BYTES.has(type)) {
      steps.push(['Add', (x) => [x, this.#floats('half', [0.5], [1])]], ['Floor']);
    }
    if (type !== FLOAT) steps.push(['Cast', (x) => [x], [int('to', type)]]);
    if (steps.length === 0) steps.push(['Identity']);
    return this.#chain(from, to, steps);
  }

  /** One row of class scores an image, in float32. */
  scores(from: string, to: string, kind: Classifier['source']['kind']): NodeInit[] {
    const float = this.name('float_scores');
    const cast = this.#node('Cast', [from], float, [int('to', FLOAT)]);
    const column = kind === 'scores' || kind === 'probabilities' ? undefined : this.name('score_column');
    if (column === undefined) {
      // [N, K, 1, 1] is a row, too.
      return [cast, this.#node('Flatten', [float], to, [int('axis', 1)])];
    }
    const reshape = this.#node('Reshape', [float, this.#ints('column_shape', [-1, 1])], column);
    if (kind === 'one-score') {
      return [cast, reshape, this.#node('Mul', [column, this.#floats('two_classes', [0, 1], [1, 2])], to)];
    }
    const other = this.name('other_class');
    const rest = this.#node('Sub', [this.#floats('whole', [1], [1]), column], other);
    return [cast, reshape, rest, this.#node('Concat', [other, column], to, [int('axis', 1)])];
  }

  #chain(
    from: string,
    to: string,
    steps: readonly [string, ((from: string) => string[])?, NodeInit['attribute']?][],
  ): NodeInit[] {
    let at = from;
    return steps.map(([op, inputs, attributes], i) => {
      const next = i === steps.length - 1 ? to : this.name(`pixels_${i + 1}`);
      const node = this.#node(op, inputs?.(at) ?? [at], next, attributes);
      at = next;
      return node;
    });
  }

  #node(opType: string, input: string[], output: string, attribute: NodeInit['attribute'] = []): NodeInit {
    return { opType, name: this.name(`wrapped_${opType}`), input, output: [output], attribute };
  }

  #floats(stem: string, values: readonly number[], dims: readonly number[]): string {
    const name = this.name(stem);
    this.initializers.push({ name, dims: dims.map(BigInt), dataType: FLOAT, floatData: [...values] });
    return name;
  }

  #ints(stem: string, values: readonly number[]): string {
    const name = this.name(stem);
    this.initializers.push({ name, dims: [BigInt(values.length)], dataType: INT64, int64Data: values.map(BigInt) });
    return name;
  }
}

function int(name: string, value: number) {
  return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
}

function valueInfo(name: string, shape: readonly Dim[]) {
  const dim = shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: FLOAT, shape: { dim } } } },
  });
}
