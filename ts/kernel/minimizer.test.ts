import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { BlindspotError } from '../errors.ts';
import { MinimizerStatus } from './abi.generated.ts';
import type { Kernel, Minimizer, MinimizerOptions } from './kernel.ts';
import { loadKernel } from './load_kernel_node.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Evaluates 1/2 sum i (x_i - 1)^2 until the minimizer ends. */
function minimizeQuadratic(minimizer: Minimizer): void {
  minimizer.start();
  for (let status = MinimizerStatus.EVALUATE as MinimizerStatus; status === MinimizerStatus.EVALUATE; ) {
    const { x, gradient } = minimizer;
    let f = 0;
    for (let i = 0; i < x.length; ++i) {
      const difference = (x[i] ?? 0) - 1;
      gradient[i] = (i + 1) * difference;
      f += ((i + 1) * difference * difference) / 2;
    }
    status = minimizer.tell(f);
  }
}

describe.each(['native', 'wasm'] as const)('minimizer of the %s kernel', (name) => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await loadKernel(name);
  });

  it('is the kernel that was asked for, with a known instruction set', () => {
    expect(kernel.name).toBe(name);
    expect(name === 'wasm' ? ['simd128'] : ['avx512', 'avx2', 'sse2', 'neon', 'scalar']).toContain(
      kernel.instructionSet,
    );
  });

  it('refuses an instruction set that it has not, and keeps the one in use', () => {
    const before = kernel.instructionSet;
    expect(() => kernel.useInstructionSet('mmx')).toThrow(
      `Expected one that the ${name} kernel has on this machine for instruction set but received "mmx" of type string`,
    );
    kernel.useInstructionSet(before);
    expect(kernel.instructionSet).toBe(before);
  });

  it.each([
    [{ n: 0 }, 'Expected an integer from 1 to 2147483647 for n but received 0 of type number'],
    [{ n: 1.5 }, 'for n but received 1.5'],
    [{ n: 2, memory: 65 }, 'Expected an integer from 1 to 64 for memory but received 65'],
    [{ n: 2, precision: 16 }, 'Expected 32 or 64 for precision but received 16'],
    [{ n: 2, method: 'BFGS' }, 'Expected L-BFGS-B or SPG for method but received "BFGS"'],
    [{ n: 2, pgTolerance: -1 }, 'Expected a finite number of at least 0 for pgTolerance but received -1'],
    [{ n: 2, fTolerance: Number.NaN }, 'for fTolerance but received NaN'],
    [{ n: 2, maxIterations: -1 }, 'Expected an integer of at least 0, or Infinity, for maxIterations'],
    [{ n: 2, maxEvaluations: 0 }, 'for maxEvaluations but received 0'],
    [{ n: 2, gtol: 1 }, 'for a key of minimizer options but received "gtol"'],
  ])('refuses %j and names the option', (options, message) => {
    const create = () => kernel.createMinimizer(options as unknown as MinimizerOptions);
    expect(create).toThrow(BlindspotError);
    expect(create).toThrow(message);
  });

  it.each([32, 64] as const)('has arrays of %i bits, unbounded at first, and minimises in them', (precision) => {
    const minimizer = kernel.createMinimizer({ n: 3, precision });
    const { x, gradient, lower, upper } = minimizer;
    for (const array of [x, gradient, lower, upper]) {
      expect(array).toBeInstanceOf(precision === 32 ? Float32Array : Float64Array);
      expect(array).toHaveLength(3);
    }
    expect([...x]).toEqual([0, 0, 0]);
    expect([...lower]).toEqual([-Infinity, -Infinity, -Infinity]);
    expect([...upper]).toEqual([Infinity, Infinity, Infinity]);
    upper[1] = 0.5;
    minimizeQuadratic(minimizer);
    const end = minimizer.result();
    expect([MinimizerStatus.CONVERGED_PG, MinimizerStatus.CONVERGED_F]).toContain(end.status);
    expect(end.f).toBeCloseTo(0.25, 6);
    expect(end.iterations).toBeGreaterThan(0);
    expect(end.evaluations).toBeGreaterThanOrEqual(end.iterations);
    expect(minimizer.x[0]).toBeCloseTo(1, 4);
    expect(minimizer.x[1]).toBe(0.5);
    expect(minimizer.x[2]).toBeCloseTo(1, 4);
    minimizer.dispose();
  });

  it('names the bound and the start value that start() refuses, and starts once they are mended', () => {
    const minimizer = kernel.createMinimizer({ n: 3 });
    minimizer.lower[1] = 1;
    minimizer.upper[1] = 0.25;
    expect(() => minimizer.start()).toThrow(
      'Expected a number of at least lower[1], 1, for upper[1] but received 0.25 of type number',
    );
    minimizer.upper[1] = Number.NaN;
    expect(() => minimizer.start()).toThrow('for upper[1] but received NaN');
    minimizer.upper[1] = 1;
    minimizer.x[2] = Number.NaN;
    expect(() => minimizer.start()).toThrow('Expected a finite number for x[2] but received NaN of type number');
    minimizer.x[2] = 0;
    minimizeQuadratic(minimizer);
    expect(minimizer.x[1]).toBe(1);
    minimizer.dispose();
  });

  it('has nothing to tell before start() and after the end', () => {
    const minimizer = kernel.createMinimizer({ n: 2 });
    expect(() => minimizer.tell(1)).toThrow('There is nothing to tell');
    minimizeQuadratic(minimizer);
    expect(() => minimizer.tell(1)).toThrow('There is nothing to tell');
    minimizeQuadratic(minimizer);
    minimizer.dispose();
  });

  it('answers DISPOSED to every use after dispose, to a second dispose too', () => {
    const minimizer = kernel.createMinimizer({ n: 2 });
    minimizer.dispose();
    const uses: (() => unknown)[] = [
      () => minimizer.x,
      () => minimizer.gradient,
      () => minimizer.lower,
      () => minimizer.upper,
      () => minimizer.start(),
      () => minimizer.tell(0),
      () => minimizer.result(),
      () => minimizer.dispose(),
    ];
    for (const use of uses) {
      expect(use).toThrow(
        expect.objectContaining({ code: 'DISPOSED', message: 'This minimizer was disposed: create a new one' }),
      );
    }
  });

  it('is disposed of at the end of a using block, once', () => {
    let kept: Minimizer;
    {
      using minimizer = kernel.createMinimizer({ n: 2 });
      kept = minimizer;
      minimizeQuadratic(minimizer);
    }
    expect(() => kept.x).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    expect(() => {
      using minimizer = kernel.createMinimizer({ n: 2 });
      minimizer.dispose();
    }).not.toThrow();
  });

  it('keeps the values of a handle while memory grows for others', () => {
    using small = kernel.createMinimizer({ n: 2 });
    small.lower.set([-3, -4]);
    const before = small.x;
    // Beyond what a module begins with, at once.
    using large = kernel.createMinimizer({ n: 2_000_000, memory: 1 });
    expect(large.x).toHaveLength(2_000_000);
    if (name === 'wasm') expect(before).toHaveLength(0);
    expect([...small.lower]).toEqual([-3, -4]);
    minimizeQuadratic(small);
    expect(small.x[0]).toBeCloseTo(1, 4);
  });

  it('frees handles that were forgotten', async () => {
    const create = () => kernel.createMinimizer({ n: 100_000, memory: 1 });
    const bytesHeld = (): number => {
      if (name === 'native') return process.memoryUsage().external;
      using minimizer = create();
      return minimizer.x.buffer.byteLength;
    };
    const before = bytesHeld();
    const handles = 200;
    for (let i = 0; i < handles; ++i) {
      create();
      if (i % 10 === 9) {
        collectGarbage();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    // x alone takes 0.8 MB of each.
    expect(bytesHeld() - before).toBeLessThan((handles / 2) * 800_000);
  });

  it('keeps memory for as long as a view over it is held', async () => {
    const view = forgetAllButX(kernel);
    for (let i = 0; i < 20; ++i) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
      // Would be given the freed memory, and zero it.
      kernel.createMinimizer({ n: 1000 });
    }
    expect(view).toEqual(new Float64Array(1000).fill(7));
  });
});

function forgetAllButX(kernel: Kernel): Float64Array | Float32Array {
  const { x } = kernel.createMinimizer({ n: 1000 });
  return x.fill(7);
}

describe('views of the native kernel', () => {
  it('are detached by dispose: nothing reads freed memory', async () => {
    const kernel = await loadKernel('native');
    const minimizer = kernel.createMinimizer({ n: 4 });
    const { x } = minimizer;
    const part = x.subarray(1, 3);
    minimizer.dispose();
    expect(x).toHaveLength(0);
    expect(x[0]).toBeUndefined();
    expect(part).toHaveLength(0);
  });

  it('whose memory was transferred away stay readable after dispose', async () => {
    const kernel = await loadKernel('native');
    const minimizer = kernel.createMinimizer({ n: 4 });
    const { x } = minimizer;
    x.fill(3);
    const moved = structuredClone(x.buffer as ArrayBuffer, { transfer: [x.buffer as ArrayBuffer] });
    minimizer.dispose();
    expect([...new Float64Array(moved)]).toEqual([3, 3, 3, 3]);
  });

  it('are not copies: what is written is what the core reads', async () => {
    const kernel = await loadKernel('native');
    using minimizer = kernel.createMinimizer({ n: 2 });
    expect(minimizer.x).toBe(minimizer.x);
    minimizer.lower.fill(2);
    minimizer.start();
    expect([...minimizer.x]).toEqual([2, 2]);
  });
});

// The search's test asks native for more than an address space holds; a minimizer cannot be that large.
describe('memory of the wasm kernel', () => {
  it('answers OUT_OF_MEMORY where it does not suffice, and works on', async () => {
    const kernel = await loadKernel('wasm');
    expect(() => kernel.createMinimizer({ n: 2 ** 31 - 1, memory: 64 })).toThrow(
      expect.objectContaining({ code: 'OUT_OF_MEMORY' }),
    );
    using minimizer = kernel.createMinimizer({ n: 3 });
    minimizeQuadratic(minimizer);
    expect(minimizer.x[0]).toBeCloseTo(1, 4);
  });
});
