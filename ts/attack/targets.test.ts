import { describe, expect, test } from 'vitest';
import { checkTarget, chooseTargets } from './targets.ts';

const labels = Int32Array.from({ length: 3000 }, (_, index) => index % 10);
const data = { labels, classes: 10, source: 'The data' };
const leastLikely = labels.map((label) => (label + 5) % 10);

describe('random targets', () => {
  test('are the same for a seed, others for another', () => {
    const first = chooseTargets('random', data, leastLikely, 1);
    expect(chooseTargets('random', data, leastLikely, 1)).toEqual(first);
    expect(chooseTargets('random', data, leastLikely, 2)).not.toEqual(first);
  });

  test('of the first images do not depend on how many follow', () => {
    const few = chooseTargets('random', { ...data, labels: labels.subarray(0, 10) }, leastLikely, 1);
    expect(few).toEqual(chooseTargets('random', data, leastLikely, 1).subarray(0, 10));
  });

  test('are every class but the label, about equally often', () => {
    const counts = new Map<number, number>();
    for (const [index, target] of chooseTargets('random', data, leastLikely, 3).entries()) {
      expect(target).not.toBe(labels[index]);
      counts.set(target, (counts.get(target) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(Math.min(...counts.values())).toBeGreaterThan(230);
  });
});

test('the other choices', () => {
  const three = { ...data, labels: Int32Array.of(1, 2, 3), targets: Int32Array.of(4, 5, 6) };
  const least = Int32Array.of(7, 8, 9);
  expect([...chooseTargets('none', three, least, 0)]).toEqual([-1, -1, -1]);
  expect([...chooseTargets('labels', three, least, 0)]).toEqual([4, 5, 6]);
  expect([...chooseTargets('least-likely', three, least, 0)]).toEqual([7, 8, 9]);
  expect([...chooseTargets(0, three, least, 0)]).toEqual([0, 0, 0]);
});

describe('refusals', () => {
  test('targets of the data that are not there', () => {
    expect(() => checkTarget('labels', data)).toThrow(/The data has no targets, which target 'labels' needs/);
  });

  test('a class that is the label of an image, with the first one and their number', () => {
    expect(() => checkTarget(4, data)).toThrow(
      'The data has label 4 at image 4, which is the target (300 of 3000 images)',
    );
  });

  test('a class that the model does not have', () => {
    expect(() => checkTarget(10, data)).toThrow('Expected a class of the model, 0 to 9, for target but received 10');
  });
});
