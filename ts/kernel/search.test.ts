import { beforeAll, describe, expect, it } from 'vitest';
import { LaneStatus } from './abi.generated.ts';
import type { Kernel, Search, SearchOptions, SearchResult } from './kernel.ts';
import { loadKernel } from './load_kernel_node.ts';

/** Pseudo-random numbers in [0, 1) (Marsaglia 2003, xorshift32), so that every run tests the same. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const n = 16;
const classes = 4;
const lanes = 3;
const random = randomNumbers(20130621);
/** [classes, n] */
const weights = Float32Array.from({ length: classes * n }, () => 2 * random() - 1);
/** [images, n] */
const images = Array.from({ length: 11 }, () => Float32Array.from({ length: n }, () => 0.25 + random() / 2));

function logitsOf(image: ArrayLike<number>): number[] {
  return Array.from({ length: classes }, (_hole, k) => {
    let sum = 0;
    for (let i = 0; i < n; ++i) sum += (weights[k * n + i] ?? 0) * (image[i] ?? 0);
    return Math.fround(sum);
  });
}

const classOf = (image: ArrayLike<number>): number => {
  const logits = logitsOf(image);
  return logits.indexOf(Math.max(...logits));
};

/** z_k - max of the others, the untargeted hard margin of blindspot.h; targeted, its negative. */
function hardMargin(image: ArrayLike<number>, k: number): number {
  const logits = logitsOf(image);
  const others = logits.filter((_logit, j) => j !== k);
  return (logits[k] ?? Number.NaN) - Math.max(...others);
}

/** Logits and gradient of the smoothed margin s for the first `count` rows, as blindspot.h states them. */
function evaluate(search: Search, count: number): void {
  const { points, oneHot, sign, temperature, logits, gradients } = search;
  for (let row = 0; row < count; ++row) {
    const z = logitsOf(points.subarray(row * n, (row + 1) * n));
    const k = oneHot.subarray(row * classes, (row + 1) * classes).indexOf(1);
    const tau = temperature[row] ?? Number.NaN;
    const top = Math.max(...z.filter((_logit, j) => j !== k));
    const shares = z.map((logit, j) => (j === k ? 0 : Math.exp((logit - top) / tau)));
    const total = shares.reduce((sum, share) => sum + share, 0);
    for (let i = 0; i < n; ++i) {
      let slope = -(weights[k * n + i] ?? 0);
      for (let j = 0; j < classes; ++j) slope += ((shares[j] ?? 0) / total) * (weights[j * n + i] ?? 0);
      gradients[row * n + i] = (sign[row] ?? Number.NaN) * slope;
    }
    logits.set(z, row * classes);
  }
}

interface Run {
  results: SearchResult[];
  fullWhileImagesWait: boolean;
}

/** Searches every image, refilling lanes as they come free. */
function searchAll(kernel: Kernel, options: Partial<SearchOptions>, targetOf: (label: number) => number): Run {
  using search = kernel.createSearch({ n, classes, lanes, ...options });
  const results: SearchResult[] = [];
  let fullWhileImagesWait = true;
  let next = 0;
  for (;;) {
    for (; search.freeLanes > 0 && next < images.length; ++next) {
      const image = images[next] ?? new Float32Array(n);
      const label = classOf(image);
      search.submit(next, image, label, targetOf(label));
    }
    const count = search.ask();
    if (next < images.length) fullWhileImagesWait &&= count === lanes;
    if (count > 0) {
      evaluate(search, count);
      search.tell();
    }
    for (let result = search.take(); result !== undefined; result = search.take()) results.push(result);
    if (count === 0 && next === images.length && search.freeLanes === lanes) break;
  }
  return { results: results.sort((a, b) => a.id - b.id), fullWhileImagesWait };
}

const untargeted = () => -1;
const nextClass = (label: number) => (label + 1) % classes;

describe.each(['native', 'wasm'] as const)('search of the %s kernel', (name) => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await loadKernel(name);
  });

  describe.each(['boundary', 'penalty', 'deepfool'] as const)('by %s', (method) => {
    it.each([
      ['untargeted', untargeted],
      ['targeted', nextClass],
    ])('finds an adversarial example for every image, %s', (_kind, targetOf) => {
      const { results, fullWhileImagesWait } = searchAll(kernel, { method }, targetOf);
      expect(results.map(({ id }) => id)).toEqual(images.map((_image, i) => i));
      for (const { id, status, distance, margin, prediction, cleanPrediction, example, evaluations } of results) {
        const image = images[id] ?? new Float32Array(n);
        const label = classOf(image);
        const target = targetOf(label);
        expect([LaneStatus.CONVERGED, LaneStatus.BUDGET, LaneStatus.STALLED]).toContain(status);
        expect(cleanPrediction).toBe(label);
        expect(classOf(example)).toBe(prediction);
        const actual = target < 0 ? hardMargin(example, label) : -hardMargin(example, target);
        expect(margin).toBeCloseTo(actual, 5);
        expect(actual).toBeLessThan(0);
        expect(Math.min(...example)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...example)).toBeLessThanOrEqual(1);
        expect(distance).toBeCloseTo(Math.hypot(...example.map((pixel, i) => pixel - (image[i] ?? 0))), 5);
        expect(evaluations).toBeGreaterThan(0);
      }
      // Lanes are refilled at once: while images wait, every batch is full.
      expect(fullWhileImagesWait).toBe(true);
    });
  });

  it('finds the distance to the nearest plane, which a linear model has in closed form', () => {
    const { results } = searchAll(kernel, { lower: -10, upper: 10, effort: 'thorough' }, untargeted);
    for (const { id, distance } of results) {
      const image = images[id] ?? new Float32Array(n);
      const label = classOf(image);
      const z = logitsOf(image);
      const distances = z.map((logit, j) => {
        const normal = Array.from(
          { length: n },
          (_hole, i) => (weights[label * n + i] ?? 0) - (weights[j * n + i] ?? 0),
        );
        return j === label ? Infinity : ((z[label] ?? 0) - logit) / Math.hypot(...normal);
      });
      const exact = Math.min(...distances);
      expect(distance).toBeGreaterThanOrEqual(exact * (1 - 1e-5));
      expect(distance).toBeLessThanOrEqual(exact * 1.001 + 1e-4);
    }
  });

  it('counts an image that is misclassified already as distortion 0', () => {
    using search = kernel.createSearch({ n, classes, lanes });
    const image = images[0] ?? new Float32Array(n);
    search.submit(5, image, nextClass(classOf(image)), -1);
    evaluate(search, search.ask());
    search.tell();
    expect(search.take()).toMatchObject({ id: 5, status: LaneStatus.ALREADY, distance: 0, example: image });
  });

  it('ends a lane alone when the model answers NaN', () => {
    using search = kernel.createSearch({ n, classes, lanes });
    for (const id of [0, 1]) search.submit(id, images[id] ?? new Float32Array(n), classOf(images[id] ?? []), -1);
    evaluate(search, search.ask());
    search.logits.fill(Number.NaN, 0, classes);
    search.tell();
    expect(search.take()).toMatchObject({ id: 0, status: LaneStatus.NOT_FINITE });
    expect(search.ask()).toBe(1);
  });

  it('says how much memory it would take', () => {
    const small = kernel.searchBytes({ n, classes, lanes: 1 });
    const large = kernel.searchBytes({ n, classes, lanes: 100 });
    // The rows of points and gradients at least.
    expect(small).toBeGreaterThan(2 * n * 4);
    expect(large).toBeGreaterThan(50 * small);
  });

  it.each([
    [{ n: 0 }, 'for n but received 0'],
    [{ classes: 1 }, 'Expected an integer from 2 to 2147483647 for classes but received 1'],
    [{ lanes: 0 }, 'Expected an integer from 1 to 65536 for lanes but received 0'],
    [{ method: 'fgsm' }, 'Expected boundary, penalty or deepfool for method but received "fgsm"'],
    [{ effort: 'some' }, 'Expected fast, thorough or exhaustive for effort but received "some"'],
    [{ lower: 1, upper: 1 }, 'Expected a number above lower, 1, for upper but received 1'],
    [{ upper: Infinity }, 'Expected a finite number for upper but received Infinity'],
    [{ confidence: -1 }, 'for confidence but received -1'],
    [{ quantization: 17 }, 'Expected an integer from 0 to 16 for quantization but received 17'],
    [{ seed: 0.5 }, 'for seed but received 0.5'],
    [{ smoothable: 1 }, 'Expected false or true for smoothable but received 1'],
    [{ steps: 3 }, 'for a key of search options but received "steps"'],
  ])('refuses %j and names the option', (options, message) => {
    const all = { n, classes, lanes, ...options } as SearchOptions;
    for (const use of [() => kernel.createSearch(all), () => kernel.searchBytes(all)]) {
      expect(use).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
      );
    }
  });

  it('names the option that the core alone refuses', () => {
    expect(() => kernel.createSearch({ n, classes, lanes, upper: 1e-60 })).toThrow(
      'Expected a value in the range that blindspot.h states for upper but received 1e-60 of type number',
    );
  });

  it('answers OUT_OF_MEMORY for more lanes than memory holds', () => {
    expect(() => kernel.createSearch({ n: 2 ** 31 - 1, classes: 2, lanes: 65_536 })).toThrow(
      expect.objectContaining({ code: 'OUT_OF_MEMORY', message: expect.stringContaining('use fewer lanes') }),
    );
  });

  it.each<[string, (image: Float32Array) => [Float32Array, number, number], string]>([
    ['an image of another size', () => [new Float32Array(3), 0, -1], 'Expected 16 pixels for image but received 3'],
    [
      'a pixel outside the box',
      (image) => [image.fill(1.5, 4, 5), 0, -1],
      'Expected a pixel in [0, 1] for image[4] but received 1.5',
    ],
    ['a pixel that is NaN', (image) => [image.fill(Number.NaN, 2, 3), 0, -1], 'for image[2] but received NaN'],
    ['a label beyond the classes', (image) => [image, 4, -1], 'Expected a class from 0 to 3 for label but received 4'],
    ['a label that is a fraction', (image) => [image, 0.5, -1], 'for label but received 0.5'],
    [
      'a target beyond the classes',
      (image) => [image, 0, 9],
      'Expected a class from 0 to 3, or -1, for target but received 9',
    ],
    [
      'the label as target',
      (image) => [image, 2, 2],
      'Expected a class other than the label for target but received 2',
    ],
  ])('refuses %s', (_what, make, message) => {
    using search = kernel.createSearch({ n, classes, lanes });
    const [image, label, target] = make(Float32Array.from(images[0] ?? []));
    expect(() => search.submit(0, image, label, target)).toThrow(message);
    expect(search.freeLanes).toBe(lanes);
  });

  it('refuses what does not fit its state', () => {
    using search = kernel.createSearch({ n, classes, lanes: 1 });
    expect(search.take()).toBeUndefined();
    expect(search.ask()).toBe(0);
    expect(() => search.tell()).toThrow('There is nothing to tell: call ask() first');
    const image = images[0] ?? new Float32Array(n);
    search.submit(0, image, classOf(image), -1);
    expect(search.freeLanes).toBe(0);
    expect(() => search.submit(1, image, classOf(image), -1)).toThrow(
      'All 1 lanes are taken: take() a result before submit()',
    );
  });

  it('answers DISPOSED to every use after dispose, to a second dispose too', () => {
    const search = kernel.createSearch({ n, classes, lanes });
    search.dispose();
    const uses: (() => unknown)[] = [
      () => search.points,
      () => search.oneHot,
      () => search.sign,
      () => search.temperature,
      () => search.smoothing,
      () => search.logits,
      () => search.gradients,
      () => search.freeLanes,
      () => search.submit(0, images[0] ?? new Float32Array(n), 0, -1),
      () => search.ask(),
      () => search.tell(),
      () => search.take(),
      () => search.dispose(),
    ];
    for (const use of uses) {
      expect(use).toThrow(
        expect.objectContaining({ code: 'DISPOSED', message: 'This search was disposed: create a new one' }),
      );
    }
  });

  it('keeps its rows while memory grows for others', () => {
    using search = kernel.createSearch({ n, classes, lanes });
    const image = images[0] ?? new Float32Array(n);
    search.submit(0, image, classOf(image), -1);
    expect(search.ask()).toBe(1);
    const before = search.points;
    using _large = kernel.createMinimizer({ n: 2_000_000, memory: 1 });
    if (name === 'wasm') expect(before).toHaveLength(0);
    expect(search.points.slice(0, n)).toEqual(image);
  });
});

describe('the two kernels', () => {
  it.each([
    ['boundary', untargeted],
    ['boundary', nextClass],
    ['penalty', untargeted],
    ['penalty', nextClass],
  ] as const)('answer the same bits: %s, case %#', async (method, targetOf) => {
    const [native, wasm] = await Promise.all([loadKernel('native'), loadKernel('wasm')]);
    expect(searchAll(wasm, { method }, targetOf)).toEqual(searchAll(native, { method }, targetOf));
  });
});
