import { expect, test } from 'vitest';
import { Random } from '../ts/base/random.ts';
import type { ImageSet } from '../ts/data/image_set.ts';
import { evaluate } from '../ts/nn/evaluate.ts';
import { contrastNorm, dense, flatten, l2Pool, localFilter } from '../ts/nn/layers.ts';
import { createSession } from '../ts/runtime/node_session.ts';
import { QUOCNET_RECIPE, trainQuocnet } from './quocnet.ts';

const SMALL = {
  name: 'small quocnet',
  inputShape: [3, 12, 12],
  layers: [
    ...[contrastNorm(5, 0.05), localFilter(6, 4, 2), l2Pool(2), contrastNorm(3)],
    ...[localFilter(8, 3), l2Pool(2), contrastNorm(3)],
    ...[flatten, dense(2, { initializer: { kind: 'zeros' } })],
  ],
};

/** Stripes: across the image, or down. */
function stripes(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const images = new Float32Array(count * 432);
  for (const [index, label] of labels.entries()) {
    const phase = random.below(4);
    for (let i = 0; i < 432; i++) {
      const at = label === 1 ? i % 12 : Math.floor(i / 12) % 12;
      images[index * 432 + i] = 0.5 + (Math.floor((at + phase) / 2) % 2 === 0 ? 0.3 : -0.3) + 0.05 * random.normal();
    }
  }
  return {
    images: images.map((pixel) => Math.min(1, Math.max(0, pixel))),
    shape: [3, 12, 12],
    count,
    labels,
    source: 'stripes',
  };
}

test('stages learn without labels, and what they answer tells classes apart', async () => {
  const train = stripes(200, 0);
  const stage = { ...QUOCNET_RECIPE.stage, epochs: 5, batchSize: 20 };
  const options = {
    unlabelled: train,
    labelled: train,
    heldOut: stripes(50, 1),
    recipe: { stage, classifier: { ...QUOCNET_RECIPE.classifier, epochs: 20 } },
    seed: 0,
    createSession,
  };
  const trained = await trainQuocnet(SMALL, options);
  for (const { history } of trained.stages) {
    expect(history).toHaveLength(5);
    expect(history.at(-1)?.loss).toBeLessThan(0.8 * (history[0]?.loss ?? 0));
  }
  expect(trained.stages.map(({ explained }) => explained > 0.5)).toEqual([true, true]);
  expect((await evaluate(trained.bytes, stripes(100, 2), { createSession })).error).toBeLessThan(0.1);
  const again = await trainQuocnet(SMALL, options);
  expect(again.bytes).toEqual(trained.bytes);
});
