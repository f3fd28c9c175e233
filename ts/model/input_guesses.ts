/** What models commonly want of their pixels, tried one after the other on labelled images. */

import { type ImageSet, imageSize } from '../data/image_set.ts';
import { largest } from '../nn/evaluate.ts';
import type { Model } from '../onnx/model.ts';
import type { InputOptions } from '../onnx/preprocessing.ts';
import { pixelMap } from '../onnx/preprocessing.ts';
import type { Classifier } from '../onnx/read_classifier.ts';
import type { Session } from '../runtime/session.ts';
import { OriginalScorer } from './original_scorer.ts';

export interface InputGuess {
  readonly input: InputOptions;
  /** As options of the command line; '' for pixels as they are. */
  readonly flags: string;
  /** Share of the images answered right. */
  readonly accuracy: number;
}

const CAFFE_MEAN = [104, 117, 123];

/** One line a guess: pixels as they are first, so that they win a tie. */
function candidates(channels: number): { input: InputOptions; flags: string }[] {
  const grey: { input: InputOptions; flags: string }[] = [
    { input: {}, flags: '' },
    { input: { range: [-1, 1] }, flags: '--input-range -1..1' },
    { input: { range: [0, 255] }, flags: '--input-range 0..255' },
  ];
  if (channels === 1) {
    return [
      ...grey,
      { input: { mean: [0.1307], std: [0.3081] }, flags: '--mean 0.1307 --std 0.3081' },
      { input: { range: [1, 0] }, flags: '--input-range 1..0' },
    ];
  }
  if (channels !== 3) return grey;
  const named = (['imagenet', 'cifar10'] as const).map((name) => ({
    input: { mean: name, std: name },
    flags: `--mean ${name} --std ${name}`,
  }));
  const colours: { input: InputOptions; flags: string }[] = [
    ...grey,
    ...named,
    {
      input: { range: [0, 255], mean: 'imagenet', std: 'imagenet' },
      flags: '--input-range 0..255 --mean imagenet --std imagenet',
    },
    {
      input: { range: [0, 255], mean: [...CAFFE_MEAN].reverse() },
      flags: `--input-range 0..255 --mean ${[...CAFFE_MEAN].reverse().join(',')}`,
    },
  ];
  const swapped = colours.map(({ input, flags }) => {
    const mean = Array.isArray(input.mean) ? { mean: CAFFE_MEAN } : {};
    const text = Array.isArray(input.mean) ? `--input-range 0..255 --mean ${CAFFE_MEAN.join(',')}` : flags;
    return { input: { ...input, ...mean, channels: 'bgr' as const }, flags: `${text} --channels bgr`.trim() };
  });
  return [...colours, ...swapped];
}

/**
 * The usual ones with the accuracy of each, the best first.
 * @param session of the file itself.
 * @param file the model as it stands, before any preprocessing.
 */
export async function guessInputs(
  session: Session,
  classifier: Classifier,
  file: Model,
  set: ImageSet,
): Promise<InputGuess[]> {
  const size = imageSize(set.shape);
  const channels = pixelMap(file, {}).scale.length;
  const guesses: InputGuess[] = [];
  for (const { input, flags } of candidates(channels)) {
    const source = { ...classifier.source, pixels: pixelMap(file, input) };
    const scorer = new OriginalScorer(session, source);
    let right = 0;
    for (let start = 0; start < set.count; start += ROWS) {
      const rows = Math.min(ROWS, set.count - start);
      const scores = await scorer.score(set.images.subarray(start * size, (start + rows) * size), rows);
      const classes = scores.length / rows;
      for (let row = 0; row < rows; row++) {
        if (largest(scores, row * classes, classes) === set.labels[start + row]) right += 1;
      }
    }
    guesses.push({ input, flags, accuracy: right / set.count });
  }
  return guesses.sort((a, b) => b.accuracy - a.accuracy);
}

const ROWS = 16;
