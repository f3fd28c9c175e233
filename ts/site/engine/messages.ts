/** What the page asks of its worker, and what it is told. */
import type { AttackExample, AttackSummary } from '../../attack/result.ts';
import type { ModelCheck } from '../../model/check_model.ts';
import type { InputOptions } from '../../onnx/preprocessing.ts';

export interface OpenedModel {
  /** Of one image. */
  readonly imageShape: readonly number[];
  readonly classes: number;
}

/** One evaluation of a search. */
export interface SearchStep {
  /** Where the model was asked. */
  readonly point: Float32Array<ArrayBuffer>;
  readonly probabilities: Float32Array<ArrayBuffer>;
}

export interface Found {
  readonly summary: AttackSummary;
  readonly examples: readonly AttackExample[];
  /** [images, n] */
  readonly adversarial: Float32Array<ArrayBuffer>;
}

export interface BrowserSpeed {
  readonly images: number;
  readonly imageSeconds: number;
  readonly lanes: number;
  /** One L-BFGS-B iteration, n = 784, m = 10, double, without the function. */
  readonly iterationSeconds: number;
}

export interface UnitImages {
  /** Those that can be chosen. */
  readonly layers: readonly { readonly name: string; readonly units: number }[];
  readonly layer: string;
  /** Positions among the images given, the strongest response first. */
  readonly units: readonly { readonly unit: number; readonly images: readonly number[] }[];
  readonly directions: readonly { readonly images: readonly number[] }[];
}

export type Request =
  | {
      readonly type: 'open';
      readonly model: string;
      readonly bytes: Uint8Array;
      readonly input?: InputOptions | undefined;
    }
  | { readonly type: 'check'; readonly bytes: Uint8Array; readonly input?: InputOptions | undefined }
  | { readonly type: 'score'; readonly model: string; readonly pixels: Float32Array; readonly rows: number }
  | {
      readonly type: 'attack';
      readonly model: string;
      /** [images, n] */
      readonly pixels: Float32Array;
      /** A class for each image; null for any mistake. */
      readonly targets: readonly number[] | null;
      readonly quantize: number;
      readonly traced: boolean;
    }
  | {
      readonly type: 'units';
      readonly model: string;
      readonly layer: string | undefined;
      /** [images, n] */
      readonly pixels: Float32Array;
      readonly images: number;
      readonly top: number;
    }
  | { readonly type: 'speed'; readonly model: string; readonly pixels: Float32Array };

export interface Answers {
  open: OpenedModel;
  check: ModelCheck;
  /** [rows, classes] */
  score: Float32Array<ArrayBuffer>;
  attack: Found;
  units: UnitImages;
  speed: BrowserSpeed;
}

export type ToWorker =
  | { readonly type: 'start'; readonly wasm: string }
  | { readonly id: number; readonly request: Request };

export type FromWorker =
  | { readonly id: number; readonly step: SearchStep }
  | { readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly id: number; readonly error: string };
