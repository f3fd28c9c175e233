import { describe, expect, test } from 'vitest';
import { example, outcomeOf } from '../report/outcome.fixture.ts';
import { compareWithBaseline, judgeGates, junit, parseGate } from './gates.ts';

const outcome = outcomeOf(
  [
    example(0, { distortion: 0.01, l2: 0.3 }),
    example(1, { distortion: 0.03, l2: 0.9 }),
    example(2, { success: false, l2: null, distortion: null, status: 'failed' }),
    example(3, { status: 'already-misclassified', distortion: 0, l2: 0 }),
  ],
  [1],
  new Float32Array(4),
  new Float32Array(4),
);
const judged = (text: string) => judgeGates([parseGate(text)], outcome)[0];

describe('gates', () => {
  test.each([
    ['distortion=0.02', true, 'distortion=0.02: met, 0.02'],
    ['distortion=0.021', false, 'distortion=0.021: not met, 0.02'],
    ['l2=0.6', true, 'l2=0.6: met, 0.6'],
    ['l2=0.61', false, 'l2=0.61: not met, 0.6'],
    ['robust-accuracy@0.02=0.5', true, 'robust-accuracy@0.02=0.5: met, 0.5'],
    ['robust-accuracy@0.03=0.5', false, 'robust-accuracy@0.03=0.5: not met, 0.25'],
    ['robust-accuracy@0=0.75', true, 'robust-accuracy@0=0.75: met, 0.75'],
  ])('%s', (text, met, why) => {
    expect(judged(text)).toEqual({ text, met, why });
  });

  test('where no mistake was found, distances are as large as can be', () => {
    const none = outcomeOf(
      [example(0, { success: false, l2: null, distortion: null, status: 'failed' })],
      [1],
      new Float32Array(1),
      new Float32Array(1),
    );
    expect(judgeGates([parseGate('l2=100')], none)[0]).toMatchObject({
      met: true,
      why: 'l2=100: met, no mistake found',
    });
  });

  test.each(['distortion', 'l2=-1', 'l2@3=1', 'robust-accuracy=0.9', 'robust-accuracy@x=0.9', 'accuracy=1'])(
    '%s is refused',
    (text) => {
      expect(() => parseGate(text)).toThrow(
        'Expected distortion=0.01, l2=0.5 or robust-accuracy@0.02=0.9 for fail-under',
      );
    },
  );

  test('as JUnit', () => {
    const xml = junit(judgeGates(['l2=0.6', 'l2=0.61'].map(parseGate), outcome));
    expect(xml).toContain('<testsuite name="blindspot" tests="2" failures="1">');
    expect(xml).toContain('<failure message="l2=0.61: not met, 0.6"/>');
  });
});

describe('a baseline', () => {
  test('is compared image by image', () => {
    const before = JSON.stringify({
      examples: [
        { index: 0, success: true, l2: 0.6 },
        { index: 1, success: true, l2: 0.9001 },
        { index: 2, success: true, l2: 0.5 },
        { index: 9, success: true, l2: 1 },
      ],
    });
    expect(compareWithBaseline(before, 'old.json', outcome)).toEqual({ images: 3, nearer: [0], further: [2] });
  });

  test.each([
    ['not JSON', '{', 'old.json is not JSON'],
    ['no results', '{"a": 1}', 'old.json is no results.json of an attack'],
  ])('%s is refused', (_what, text, message) => {
    expect(() => compareWithBaseline(text, 'old.json', outcome)).toThrow(message);
  });
});
