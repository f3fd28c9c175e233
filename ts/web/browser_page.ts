/** What the browser tests run inside the page, on what a browser user imports. Arrays cross to Node as plain ones. */
import { InferenceSession } from 'onnxruntime-web/wasm';
import {
  type AttackOutcome,
  attack,
  BlindspotError,
  loadKernel,
  type MinimizeResult,
  minimize,
  openModel,
  type ReadPicturesOptions,
  readPictures,
  renderReport,
  type WebAttackOptions,
} from '../index_web.ts';
import { kernelBits } from '../kernel/testing/kernel_bits.ts';

export interface BrowserPage {
  readonly crossOriginIsolated: boolean;
  /** Bounded Rosenbrock on the kernel at an address. */
  minimizeRosenbrock(wasm: string): Promise<{
    kernel: string;
    instructionSet: string;
    result: Omit<MinimizeResult, 'x' | 'jac'> & { x: number[]; jac: number[] };
  }>;
  /** The lines of the kernel's fixtures, from the kernel at an address. */
  kernelBits(wasm: string): Promise<string[]>;
  /** Attacks the model at an address on the pixels of /images.f32. */
  attackServed(
    model: string,
    labels: number[],
    options: WebAttackOptions,
  ): Promise<Pick<AttackOutcome, 'summary' | 'examples'> & { adversarial: number[] }>;
  /** The page of an attack on the model at an address. */
  reportServed(model: string, labels: number[], wasm: string): Promise<string>;
  /** An attack by two workers that is aborted in its midst: how long until it ended, and with what. */
  abortAttack(model: string, wasm: string): Promise<{ milliseconds: number; reason: string }>;
  /** Opens the model at an address and attacks it twice. */
  openServed(model: string, wasm: string): Promise<{ classes: number[]; first: ServedAttack; again: ServedAttack }>;
  /** What readPictures makes of a 2×2 picture of known colours, by the kind of its source. */
  readColours(shape: number[]): Promise<Record<string, number[]>>;
  /** What readPictures makes of a 4×2 picture with black columns at its sides, as [1, 4, 4] by each fit, rounded. */
  readFits(): Promise<Record<string, string>>;
  /** The message of what readPictures refuses. */
  readPicturesFailure(): Promise<string[]>;
  /** The code of the BlindspotError that attackServed ends with, or what came instead. */
  attackFailure(model: string, labels: number[], options: WebAttackOptions): Promise<string>;
}

export interface ServedAttack {
  l2: (number | null)[];
  /** Sessions of ONNX Runtime that it made. */
  sessions: number;
}

declare global {
  var blindspotPage: BrowserPage;
}

async function fetched(path: string): Promise<ArrayBuffer> {
  return await (await fetch(path)).arrayBuffer();
}

async function attackServed(model: string, labels: number[], options: WebAttackOptions): Promise<AttackOutcome> {
  const bytes = new Uint8Array(await fetched(model));
  const images = new Float32Array(await fetched('/images.f32'));
  return await attack(bytes, { images, labels }, options);
}

globalThis.blindspotPage = {
  crossOriginIsolated: globalThis.crossOriginIsolated,

  async minimizeRosenbrock(wasm) {
    const kernel = await loadKernel('auto', { wasm });
    const result = await minimize(
      ([a = 0, b = 0]) => {
        const curve = b - a * a;
        return { value: 100 * curve ** 2 + (1 - a) ** 2, gradient: [-400 * a * curve - 2 * (1 - a), 200 * curve] };
      },
      [-1.2, 1],
      { bounds: { upper: [0.5, Infinity] }, wasm },
    );
    const plain = { ...result, x: [...result.x], jac: [...result.jac] };
    return { kernel: kernel.name, instructionSet: kernel.instructionSet, result: plain };
  },

  async kernelBits(wasm) {
    return kernelBits(await loadKernel('wasm', { wasm }));
  },

  async attackServed(model, labels, options) {
    const { summary, examples, adversarial } = await attackServed(model, labels, options);
    return { summary, examples, adversarial: [...adversarial] };
  },

  async reportServed(model, labels, wasm) {
    return await renderReport(await attackServed(model, labels, { wasm }), { model: { name: 'Ours' } });
  },

  async abortAttack(model, wasm) {
    const images = new Float32Array(await fetched('/images.f32'));
    const controller = new AbortController();
    // Long enough to be aborted in its midst.
    const options = { wasm, workers: 2, effort: 'exhaustive', signal: controller.signal } as const;
    let aborted = 0;
    let begun = false;
    const onProgress = (): void => {
      if (begun) return;
      begun = true;
      setTimeout(() => {
        aborted = performance.now();
        controller.abort(new Error('enough'));
      }, 300);
    };
    const outcome = attack(model, { images }, { ...options, onProgress });
    const reason = await outcome.then(
      ({ summary }) => (summary.interruptedOf === undefined ? 'not aborted' : 'enough'),
      (error: Error) => error.message,
    );
    return { milliseconds: performance.now() - aborted, reason };
  },

  async openServed(at, wasm) {
    const images = new Float32Array(await fetched('/images.f32'));
    await using model = await openModel(at, { wasm });
    const { classes } = await model.predict(images);
    const counted = async (): Promise<ServedAttack> => {
      let sessions = 0;
      const create = InferenceSession.create;
      InferenceSession.create = (...given: unknown[]) => {
        sessions += 1;
        return create.apply(InferenceSession, given as never);
      };
      try {
        const { examples } = await model.attack({ images }, { workers: 1 });
        return { l2: examples.map(({ l2 }) => l2), sessions };
      } finally {
        InferenceSession.create = create;
      }
    };
    return { classes: [...classes], first: await counted(), again: await counted() };
  },

  async readColours(shape) {
    const data = new ImageData(2, 2);
    // Red, green, half-transparent white, grey.
    data.data.set([255, 0, 0, 255, 0, 255, 0, 255, 255, 255, 255, 51, 51, 51, 51, 255]);
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [2, 2];
    canvas.getContext('2d')?.putImageData(data, 0, 0);
    const blob = await new Promise<Blob | null>((resolve) => {
      canvas.toBlob(resolve);
    });
    const sources = { data, canvas, bitmap: await createImageBitmap(data), blob: blob as Blob };
    const read = Object.entries(sources).map(async ([kind, source]): Promise<[string, number[]]> => {
      return [kind, [...(await readPictures([source], shape))]];
    });
    return Object.fromEntries(await Promise.all(read));
  },

  async readFits() {
    const canvas = new OffscreenCanvas(40, 20);
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('no canvas');
    context.fillStyle = 'white';
    context.fillRect(10, 0, 20, 20);
    const picture = canvas.transferToImageBitmap();
    const read = async (options: ReadPicturesOptions) =>
      [...(await readPictures([picture], [1, 4, 4], options))].map(Math.round).join('');
    return {
      cover: await read({ resize: true }),
      contain: await read({ resize: 'contain' }),
      exact: await read({ resize: 'exact' }),
      cropped: await read({ resize: 'exact', cropFraction: 0.5 }),
    };
  },

  async readPicturesFailure() {
    const message = (work: Promise<unknown>) => work.then(String, (error: Error) => error.message);
    return await Promise.all([
      message(readPictures([new ImageData(3, 2)], [1, 2, 2])),
      message(readPictures([new ImageData(3, 2)], [5, 7, 9, 2])),
      message(readPictures([new Blob(['no picture'])], [1, 2, 2])),
      message(readPictures([new ImageData(4, 4)], [1, 2, 2], { resize: true }).then((pixels) => pixels.join())),
    ]);
  },

  async attackFailure(model, labels, options) {
    try {
      await attackServed(model, labels, options);
      return 'no error';
    } catch (error) {
      return error instanceof BlindspotError ? error.code : String(error);
    }
  },
};
