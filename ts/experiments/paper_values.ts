/** What Szegedy et al. 2013 (arXiv 1312.6199v4) print in their tables. Shares and distortions, not percent. */

export interface PaperModel {
  readonly trainError: number;
  readonly testError: number;
  readonly distortion: number;
}

/** Table 1. */
export const PAPER_TABLE_1: Readonly<Record<string, PaperModel>> = {
  'FC10(1e-4)': { trainError: 0.067, testError: 0.074, distortion: 0.062 },
  'FC10(1e-2)': { trainError: 0.1, testError: 0.094, distortion: 0.1 },
  'FC10(1)': { trainError: 0.212, testError: 0.2, distortion: 0.14 },
  'FC100-100-10': { trainError: 0, testError: 0.0164, distortion: 0.058 },
  'FC200-200-10': { trainError: 0, testError: 0.0154, distortion: 0.065 },
  'AE400-10': { trainError: 0.0057, testError: 0.019, distortion: 0.086 },
};

/** Table 2: rows by what was distorted for, columns in the order of table 1. */
export const PAPER_TABLE_2: Readonly<Record<string, readonly number[]>> = {
  'FC10(1e-4)': [1, 0.117, 0.227, 0.02, 0.039, 0.027],
  'FC10(1e-2)': [0.871, 1, 0.352, 0.359, 0.273, 0.098],
  'FC10(1)': [0.719, 0.762, 1, 0.481, 0.47, 0.344],
  'FC100-100-10': [0.289, 0.137, 0.211, 1, 0.066, 0.02],
  'FC200-200-10': [0.382, 0.14, 0.238, 0.203, 1, 0.027],
  'AE400-10': [0.234, 0.16, 0.248, 0.094, 0.066, 1],
  'noise 0.1': [0.05, 0.101, 0.183, 0, 0, 0.008],
  'noise 0.3': [0.156, 0.113, 0.227, 0.05, 0.043, 0.031],
};

export interface PaperHalfModel {
  readonly errorP1: number;
  readonly errorP2: number;
  readonly testError: number;
  readonly distortion: number;
}

/** Table 3: the prime marks the network trained on P2. */
export const PAPER_TABLE_3: Readonly<Record<string, PaperHalfModel>> = {
  'FC100-100-10': { errorP1: 0, errorP2: 0.024, testError: 0.02, distortion: 0.062 },
  'FC123-456-10': { errorP1: 0, errorP2: 0.025, testError: 0.021, distortion: 0.059 },
  'FC100-100-10′': { errorP1: 0.023, errorP2: 0, testError: 0.021, distortion: 0.058 },
};

/** Table 4, columns in the order of table 3. */
export const PAPER_TABLE_4: Readonly<Record<string, readonly number[]>> = {
  'FC100-100-10': [1, 0.262, 0.059],
  'FC123-456-10': [0.0625, 1, 0.051],
  'FC100-100-10′': [0.082, 0.082, 1],
  'noise 0.06': [0.022, 0.026, 0.024],
  'FC100-100-10, amplified': [1, 0.98, 0.43],
  'FC123-456-10, amplified': [0.96, 1, 0.22],
  'FC100-100-10′, amplified': [0.27, 0.5, 1],
  'noise 0.1': [0.026, 0.028, 0.027],
};

/** Section 4.2, test errors of 100-100-10; "under 1.2 %", "1.6 %", "around 1.3 %". */
export const PAPER_ADVERSARIAL_TRAINING = { adversarial: 0.012, dropout: 0.013, weightDecay: 0.016 } as const;

/** Figure 7: accuracy under Gaussian noise of stddev 1. */
export const PAPER_NOISE_1_ACCURACY = 0.51;

/** Figure 5: average distortion of 64 photos. */
export const PAPER_FIGURE_5 = 0.006508;
