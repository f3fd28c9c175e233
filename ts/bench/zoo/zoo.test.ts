import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { buildInferenceModel } from '../../nn/inference_model.ts';
import { drawParameters, parameterSpecs } from '../../nn/network.ts';
import type { BenchContext } from '../report.ts';
import { networkRuns } from './network_runs.ts';
import { HALVES, ZOO } from './networks.ts';
import { scaledScores } from './scaled_scores.ts';
import { subjects } from './subjects.ts';
import { zooModel } from './zoo_model.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'blindspot-zoo-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function context(options: Partial<BenchContext> = {}): BenchContext & { readonly tell: ReturnType<typeof vi.fn> } {
  return { quick: true, repeats: 1, folder, signal: new AbortController().signal, tell: vi.fn(), ...options } as never;
}

test('at least twelve networks a half, all with names of their own and layers that fit', () => {
  expect(new Set(ZOO.map(({ definition }) => definition.name)).size).toBe(ZOO.length);
  for (const half of HALVES) expect(ZOO.filter((network) => network.half === half).length).toBeGreaterThanOrEqual(12);
  for (const { definition } of ZOO) expect(parameterSpecs(definition).length).toBeGreaterThan(0);
});

test('scores of whatever ends with a dense layer can be scaled, others are left', () => {
  for (const { definition } of ZOO) {
    const specs = parameterSpecs(definition);
    const weights = new Map(drawParameters(specs, 1).map((values, i) => [specs[i]?.name ?? '', values]));
    expect(scaledScores(buildInferenceModel(definition, weights), 0.5)).toBeDefined();
  }
  const input = { name: 'm', inputShape: [2], layers: [{ type: 'sigmoid' }] } as const;
  expect(scaledScores(buildInferenceModel(input, new Map()), 0.5)).toBeUndefined();
});

test('a network is trained once; runs are made once, and the nearest of all stays the bar', async () => {
  const [network] = ZOO;
  if (network === undefined) throw new TypeError('an empty zoo');
  const first = context({ count: 2 });
  const bytes = await zooModel(network, first);
  expect(first.tell).toHaveBeenCalled();
  const second = context({ count: 2 });
  expect(await zooModel(network, second)).toEqual(bytes);
  expect(second.tell).not.toHaveBeenCalled();

  const [subject] = await subjects(second);
  const loaded = await subject?.load();
  expect(loaded?.images.count).toBe(2);
  if (loaded === undefined) return;
  const made = await networkRuns(loaded.bytes, loaded.images, second);
  expect(await networkRuns(loaded.bytes, loaded.images, second)).toEqual(made);
  for (const [i, nearest] of made.nearest.none.entries()) {
    expect(nearest).toBeGreaterThan(0);
    for (const [name, { l2 }] of made.runs) {
      if (!name.includes('targeted')) expect(l2[i]).toBeGreaterThanOrEqual(nearest);
    }
  }
});

test('files of a folder are judged, too, and what they cannot be is told', async () => {
  const models = path.join(folder, 'files');
  await expect(subjects(context({ models }))).rejects.toThrow('Cannot read the folder');
  await expect(subjects(context({ models: folder }))).rejects.toThrow('holds no .onnx files');
  const definition = { name: 'm', inputShape: [5], layers: [{ type: 'sigmoid' }] } as const;
  await writeFile(path.join(folder, 'small.onnx'), buildInferenceModel(definition, new Map()));
  const file = (await subjects(context({ models: folder, half: 'judge' }))).at(-1);
  expect(file).toMatchObject({ name: 'small', half: undefined });
  await expect(file?.load()).rejects.toThrow('it takes [5] to 5');
});
