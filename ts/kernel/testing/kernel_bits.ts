/**
 * Runs of native/tests/fixtures/{same_bits,search_bits}.txt again, on a kernel as JavaScript has it, line for line as those
 * files have them. The problems use only + − · / and √, which round alike everywhere.
 */
import { MinimizerStatus } from '../abi.generated.ts';
import type { Kernel, MinimizerOptions } from '../kernel.ts';
import { at, PROBLEMS, type Problem, SplitMix } from './exact_problems.ts';

/** Of same_bits.txt those named here, of search_bits.txt those of the linear model. */
export function kernelBits(kernel: Kernel): string[] {
  const minima = PROBLEMS.flatMap((problem) =>
    (['L-BFGS-B', 'SPG'] as const).flatMap((method) =>
      ([64, 32] as const).map((precision) => minimizerLine(kernel, problem, method, precision)),
    ),
  );
  return [...minima, ...searchLines(kernel)];
}

function minimizerLine(
  kernel: Kernel,
  { name, start, lower, upper, memory, evaluate }: Problem,
  method: NonNullable<MinimizerOptions['method']>,
  precision: 32 | 64,
): string {
  const single = precision === 32;
  using minimizer = kernel.createMinimizer({
    ...{ n: start.length, method, precision, memory },
    pgTolerance: single ? 1e-4 : 1e-7,
    fTolerance: single ? 1e-8 : 1e-14,
    maxEvaluations: 400,
  });
  minimizer.x.set(start);
  minimizer.lower.set(lower);
  minimizer.upper.set(upper);
  minimizer.start();
  const hash = new Fnv();
  const gradient = new Float64Array(start.length);
  for (let status: MinimizerStatus = MinimizerStatus.EVALUATE; status === MinimizerStatus.EVALUATE; ) {
    hash.add(minimizer.x);
    const value = evaluate(Float64Array.from(minimizer.x), gradient);
    minimizer.gradient.set(gradient);
    status = minimizer.tell(value);
  }
  hash.add(minimizer.x);
  const { f, iterations, evaluations } = minimizer.result();
  const short = method === 'SPG' ? 'spg' : 'lbfgsb';
  return `${short} ${precision} ${iterations} ${evaluations} ${hexFloat(f)} ${hash.text} ${name}`;
}

const PIXELS = 300;
/** What the network of the other half of the file draws: it comes between. */
const DRAWS_OF_NETWORK = 150 * 24 + 24 + 24 * 24 + 24 + 24 * 2 + 2;
const PIXELS_OF_NETWORK = 150;

function searchLines(kernel: Kernel): string[] {
  const random = new SplitMix(600n);
  const weights = Float64Array.from({ length: 2 * PIXELS }, () => random.between(-1, 1));
  const bias = Float64Array.from({ length: 2 }, () => random.between(-0.5, 0.5));
  for (let i = 0; i < DRAWS_OF_NETWORK; i++) random.uniform();
  const lines: string[] = [];
  for (const effort of ['fast', 'thorough'] as const) {
    for (const quantization of [0, 8]) {
      for (let image = 0; image < 4; image++) {
        const pixels = random.image(PIXELS);
        random.image(PIXELS_OF_NETWORK);
        lines.push(searchLine(kernel, { weights, bias, pixels, effort, quantization, targeted: image % 2 === 1 }));
      }
    }
  }
  return lines;
}

interface LinearSearch {
  readonly weights: Float64Array;
  readonly bias: Float64Array;
  readonly pixels: Float32Array;
  readonly effort: 'fast' | 'thorough';
  readonly quantization: number;
  readonly targeted: boolean;
}

function searchLine(kernel: Kernel, { weights, bias, pixels, effort, quantization, targeted }: LinearSearch): string {
  const logits = (x: Float32Array): [number, number] => {
    const of = (j: number) => x.reduce((z, value, i) => z + at(weights, j * PIXELS + i) * value, bias[j] ?? 0);
    return [of(0), of(1)];
  };
  const [first, second] = logits(pixels);
  const label = Math.fround(second) > Math.fround(first) ? 1 : 0;
  const target = targeted ? 1 - label : -1;
  using search = kernel.createSearch({
    ...{ n: PIXELS, classes: 2, lanes: 1, effort, quantization, confidence: 1e-4, seed: 5 },
  });
  search.submit(0, pixels, label, target);
  const hash = new Fnv();
  while (search.ask() > 0) {
    const k = search.oneHot[1] === 1 ? 1 : 0;
    const sign = search.sign[0] ?? 0;
    hash.add(search.points.subarray(0, PIXELS));
    search.logits.set(logits(search.points));
    const pull = [sign, sign];
    pull[k] = -sign;
    for (let i = 0; i < PIXELS; i++) {
      search.gradients[i] = 0 + at(pull, 0) * at(weights, i) + at(pull, 1) * at(weights, PIXELS + i);
    }
    search.tell();
  }
  const result = search.take();
  if (result === undefined) throw new Error('the search ended without a result');
  hash.add(result.example);
  const { status, evaluations, distance, margin } = result;
  return `linear ${effort} ${quantization} ${target} ${status} ${evaluations} ${hexFloat(distance)} ${hexFloat(margin)} ${hash.text}`;
}

/** FNV-1a of 64 bits, over bytes. */
class Fnv {
  #high = 0xcbf29ce4;
  #low = 0x84222325;

  add(values: Float64Array | Float32Array): void {
    for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
      const low = (this.#low ^ byte) >>> 0;
      // Times 2⁴⁰ + 0x1b3.
      const product = low * 0x1b3;
      this.#high = (this.#high * 0x1b3 + Math.floor(product / 2 ** 32) + ((low << 8) >>> 0)) % 2 ** 32;
      this.#low = product % 2 ** 32;
    }
  }

  get text(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, '0')).join('');
  }
}

/** As C prints %a: the bits of a number, without rounding. */
function hexFloat(value: number): string {
  if (value === 0) return '0x0p+0';
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const exponent = (view.getUint32(0) >>> 20) - 1023;
  const digits = (view.getBigUint64(0) & 0xfffffffffffffn).toString(16).padStart(13, '0').replace(/0+$/, '');
  return `${value < 0 ? '-' : ''}0x1${digits === '' ? '' : `.${digits}`}p${exponent < 0 ? '' : '+'}${exponent}`;
}
