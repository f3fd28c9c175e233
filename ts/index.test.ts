import { expect, test } from 'vitest';
import * as blindspot from './index.ts';

test('the public interface: what users import, and nothing that is ours alone', () => {
  expect(Object.keys(blindspot).sort()).toEqual([
    'BlindspotError',
    'LaneStatus',
    'MODEL_NAMES',
    'MinimizerStatus',
    'STOPPED_BY_CALLBACK',
    'attack',
    'certify',
    'check',
    'createSession',
    'evaluate',
    'loadData',
    'loadKernel',
    'minimize',
    'modelByName',
    'openModel',
    'renderReport',
    'robustAccuracy',
    'saveReport',
    'saveResults',
    'saveTraining',
    'saveWrappedModel',
    'trainClassifier',
  ]);
});

test('minimize is one call', async () => {
  const { x, fun } = await blindspot.minimize(([a = 0]) => ({ value: (a - 1) ** 2, gradient: [2 * (a - 1)] }), [0]);
  expect(x[0]).toBeCloseTo(1, 6);
  expect(fun).toBeCloseTo(0, 10);
});
