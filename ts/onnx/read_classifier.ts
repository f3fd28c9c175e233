/**
 * A classifier of pixels in [0, 1] from a file: its scores found, what it wants of its pixels made a part of it. What stands
 * in the file is kept beside: its own input and output, by which the file itself can be run.
 */
import { finalNormalization, finalSoftmax } from './endings.ts';
import { withHalfInput } from './half_input.ts';
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
  };
}

/**
 * @param bytes an ONNX file.
 * @throws INVALID_MODEL, UNSUPPORTED_OP, INVALID_ARGUMENT.
 */
export function readClassifier(bytes: Uint8Array, options: ClassifierOptions = {}): Classifier {
  const { size, layout } = options.input ?? {};
  const file = readModel(bytes, {
    ...(options.output === undefined ? {} : { output: options.output }),
    ...(size === undefined ? {} : { size }),
    ...(layout === undefined ? {} : { layout }),
  });
  const scores = findScores(file, options.output);
  const rounded = file.halfInput === true ? withHalfInput(file) : file;
  const prepared = options.input === undefined ? rounded : withPreprocessing(rounded, options.input);
  const [input] = file.inputs;
  return {
    model: selectScores(prepared, scores),
    source: {
      input: input ?? { name: '', type: 'float32', shape: [] },
      pixels: pixelMap(file, options.input ?? {}),
      output: scores?.name ?? '',
      kind: scores === undefined ? 'scores' : scoreKind(file, scores),
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
