/**
 * A classifier of pixels in [0, 1] from a file: its scores found, what it wants of its pixels made a part of it. What stands
 * in the file is kept beside: its own input and output, by which the file itself can be run.
 */
import { fromDoubles } from './double_precision.ts';
import { finalNormalization, finalSoftmax } from './endings.ts';
import { withHalfInput } from './half_input.ts';
import { couplesImages } from './imports/quantization.ts';
import type { Model, ModelValue } from './model.ts';
import { type InputOptions, type PixelMap, pixelMap, withPreprocessing } from './preprocessing.ts';
import { readModel } from './read_model.ts';
import { findScores, selectScores } from './scores.ts';

export interface ClassifierOptions {
  /** What the model wants of its pixels; default: pixels in [0, 1] as they are. */
  input?: InputOptions | undefined;
  /** Name of the output that holds the class scores; default: found by its shape. */
  output?: string | undefined;
}

/** What the numbers of the file's output are: logits or the like, probabilities of a softmax, one logit, one probability. */
export type ScoreKind = 'scores' | 'probabilities' | 'one-score' | 'one-probability';

export interface Classifier {
  /** Of pixels in [0, 1], with one row of at least two scores an image as its only output. */
  readonly model: Model;
  /** How to run the file itself. */
  readonly source: {
    readonly input: ModelValue;
    readonly pixels: PixelMap;
    readonly output: string;
    readonly kind: ScoreKind;
    /** Whether images have to be run one at a time: together they change one another's answers. */
    readonly alone: boolean;
  };
}

/**
 * @param bytes an ONNX file.
 * @throws INVALID_MODEL, UNSUPPORTED_OP, INVALID_ARGUMENT.
 */
export function readClassifier(bytes: Uint8Array, options: ClassifierOptions = {}): Classifier {
  const { size, defaultSize, layout } = options.input ?? {};
  const file = readModel(bytes, {
    ...(options.output === undefined ? {} : { output: options.output }),
    ...(size === undefined ? {} : { size }),
    ...(defaultSize === undefined ? {} : { defaultSize }),
    ...(layout === undefined ? {} : { layout }),
  });
  const singles = fromDoubles(file);
  const rounded = singles.halfInput === true ? withHalfInput(singles) : singles;
  const pixels: InputOptions = { ...(file.byteInput === true ? { range: [0, 255] } : {}), ...options.input };
  const prepared = withPreprocessing(rounded, pixels);
  // The rewrites keep the order of the outputs.
  const named = file.outputs.findIndex(({ name }) => name === options.output);
  const scores = findScores(prepared, prepared.outputs[named]?.name);
  const output = scores && file.outputs[prepared.outputs.indexOf(scores)];
  const [input] = file.inputs;
  return {
    model: selectScores(prepared, scores),
    source: {
      input: input ?? { name: '', type: 'float32', shape: [] },
      pixels: pixelMap(file, pixels),
      output: output?.name ?? '',
      kind: output === undefined ? 'scores' : scoreKind(file, output),
      alone: file.nodes.some(({ op }) => couplesImages(op)),
    },
  };
}

function scoreKind(model: Model, { name, shape }: ModelValue): ScoreKind {
  if (shape.slice(1).every((dim) => dim === 1)) {
    const ops = [...finalNormalization(model, name).keys()].map(({ op }) => op);
    return ops.includes('Sigmoid') ? 'one-probability' : 'one-score';
  }
  const ops = [...finalSoftmax(model, name).keys()].map(({ op }) => op);
  return ops.length === 1 && ops[0] === 'Softmax' ? 'probabilities' : 'scores';
}
