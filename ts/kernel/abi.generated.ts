// Written by scripts/generate from native/include/blindspot/blindspot.h. Do not edit.

/** bs_status */
export const Status = {
  OK: 0,
  /** create could not get its memory */
  ERROR_ALLOCATION: 1,
  /** an option is outside its range; bs_last_option names it */
  ERROR_OPTION: 2,
  /** lower > upper, or a bound is NaN, at some element */
  ERROR_BOUNDS: 3,
  /** a start value (x, image) is not finite */
  ERROR_START: 4,
  /** label or target is not a class, or target = label */
  ERROR_LABEL: 5,
  /** submit: no lane is free */
  ERROR_FULL: 6,
  /** the call does not fit the state: tell without ask, … */
  ERROR_STATE: 7,
} as const;
export type Status = (typeof Status)[keyof typeof Status];
/** What each code states, as the header has it; empty where it says nothing. @public */
export const StatusMeaning: Readonly<Record<Status, string>> = {
  0: '',
  1: 'create could not get its memory',
  2: 'an option is outside its range; bs_last_option names it',
  3: 'lower > upper, or a bound is NaN, at some element',
  4: 'a start value (x, image) is not finite',
  5: 'label or target is not a class, or target = label',
  6: 'submit: no lane is free',
  7: 'the call does not fit the state: tell without ask, …',
};

/** bs_method */
export const Method = {
  /** Byrd, Lu, Nocedal & Zhu 1995; Morales & Nocedal 2011 */
  LBFGSB: 0,
  /** Birgin, Martinez & Raydan 2000 */
  SPG: 1,
} as const;
export type Method = (typeof Method)[keyof typeof Method];

/** bs_minimizer_status */
export const MinimizerStatus = {
  /** evaluate f and its gradient at x, then tell */
  EVALUATE: 0,
  /** max |pg_i| <= pg_tolerance */
  CONVERGED_PG: 1,
  /** (f_k - f_k+1) / max(|f_k|,|f_k+1|,1) <= f_tolerance */
  CONVERGED_F: 2,
  /** iterations = max_iterations */
  MAX_ITERATIONS: 3,
  /** evaluations = max_evaluations */
  MAX_EVALUATIONS: 4,
  /** no acceptable step along the projected steepest descent */
  LINE_SEARCH: 5,
  /** f or its gradient was NaN or infinite at the start point */
  NOT_FINITE: 6,
} as const;
export type MinimizerStatus = (typeof MinimizerStatus)[keyof typeof MinimizerStatus];
/** What each code states, as the header has it; empty where it says nothing. @public */
export const MinimizerStatusMeaning: Readonly<Record<MinimizerStatus, string>> = {
  0: 'evaluate f and its gradient at x, then tell',
  1: 'max |pg_i| <= pg_tolerance',
  2: '(f_k - f_k+1) / max(|f_k|,|f_k+1|,1) <= f_tolerance',
  3: 'iterations = max_iterations',
  4: 'evaluations = max_evaluations',
  5: 'no acceptable step along the projected steepest descent',
  6: 'f or its gradient was NaN or infinite at the start point',
};

/** bs_search_method */
export const SearchMethod = {
  /** min |y-x|^2 subject to smoothed margin <= 0 and the box */
  BOUNDARY: 0,
  /** Szegedy et al. 2013: min c|r|^2 + cross-entropy, bisection in log c */
  PENALTY: 1,
  /** Moosavi-Dezfooli et al. 2016: onto the nearest linearised boundary, until the answer changes */
  DEEPFOOL: 2,
} as const;
export type SearchMethod = (typeof SearchMethod)[keyof typeof SearchMethod];

/** bs_norm */
export const Norm = {
  /** Euclidean */
  L2: 0,
} as const;
export type Norm = (typeof Norm)[keyof typeof Norm];

/** bs_effort */
export const Effort = {
  /** 44, 50: the nearest classes */
  FAST: 0,
  /** 400, 300: all of them, and restarts */
  THOROUGH: 1,
  /** 3000: restarts as long as there are evaluations */
  EXHAUSTIVE: 2,
} as const;
export type Effort = (typeof Effort)[keyof typeof Effort];

/** bs_lane_status */
export const LaneStatus = {
  RUNNING: 0,
  /** success; no step brings a gain, and relative KKT residual <= 0.05 */
  CONVERGED: 1,
  /** success; evaluations = the budget */
  BUDGET: 2,
  /** the image itself has hard margin < 0: distortion 0 */
  ALREADY: 3,
  /** no adversarial point within the budget */
  FAILED: 4,
  /** the model answered NaN or infinity at the image itself */
  NOT_FINITE: 5,
  /** success; the search ended, but relative KKT residual > 0.05: nearer points are likely */
  STALLED: 6,
} as const;
export type LaneStatus = (typeof LaneStatus)[keyof typeof LaneStatus];
/** What each code states, as the header has it; empty where it says nothing. @public */
export const LaneStatusMeaning: Readonly<Record<LaneStatus, string>> = {
  0: '',
  1: 'success; no step brings a gain, and relative KKT residual <= 0.05',
  2: 'success; evaluations = the budget',
  3: 'the image itself has hard margin < 0: distortion 0',
  4: 'no adversarial point within the budget',
  5: 'the model answered NaN or infinity at the image itself',
  6: 'success; the search ended, but relative KKT residual > 0.05: nearer points are likely',
};

/** Fields of bs_minimizer_options in order, one double each. */
export const MINIMIZER_OPTIONS_FIELDS = [
  /** variables */
  'n',
  /** the type of x, bounds, gradient */
  'precision',
  'method',
  /** m, correction pairs kept */
  'memory',
  'pgTolerance',
  /** relative: 1e7 machine epsilons */
  'fTolerance',
  'maxIterations',
  'maxEvaluations',
] as const;

/** What each may be, and is unless asked otherwise (fallback). */
export const MINIMIZER_OPTIONS_RULES = {
  n: { kind: 'integer', least: 1, most: 2147483647 },
  precision: { kind: 'choice', values: [32, 64], fallback: 64 },
  method: { kind: 'enum', values: [0, 1], fallback: 0 },
  memory: { kind: 'integer', least: 1, most: 64, fallback: 10 },
  pgTolerance: { kind: 'number', least: 0, most: Infinity, fallback: 0.00001 },
  fTolerance: { kind: 'number', least: 0, most: Infinity, fallback: 2.220446049250313e-9 },
  maxIterations: { kind: 'limit', least: 0, most: Infinity, fallback: 15000 },
  maxEvaluations: { kind: 'limit', least: 1, most: Infinity, fallback: 15000 },
} as const;

/** Fields of bs_minimizer_result in order, one double each. */
export const MINIMIZER_RESULT_FIELDS = [
  /** bs_minimizer_status */
  'status',
  /** value at x */
  'f',
  /** max |pg_i| at x */
  'pgNorm',
  'iterations',
  'evaluations',
] as const;

/** Fields of bs_search_options in order, one double each. */
export const SEARCH_OPTIONS_FIELDS = [
  /** pixels of an image */
  'n',
  /** logits of the model */
  'classes',
  /** images searched at once */
  'lanes',
  'method',
  'effort',
  /** box of every pixel */
  'lower',
  /** above lower */
  'upper',
  /** budget of an image; 0: the default of method and effort */
  'maxEvaluations',
  /** success: hard margin < -confidence (logits); 0: what float32 tells */
  'confidence',
  /** 0, or bits b: search on the lattice of 2^b levels of [lower, upper] */
  'quantization',
  /** of random restarts */
  'seed',
  /** the gradients told are as smooth as bs_search_smoothing asks */
  'smoothable',
  /** what the length of a change is measured in */
  'norm',
] as const;

/** What each may be, and is unless asked otherwise (fallback). */
export const SEARCH_OPTIONS_RULES = {
  n: { kind: 'integer', least: 1, most: 2147483647 },
  classes: { kind: 'integer', least: 2, most: 2147483647 },
  lanes: { kind: 'integer', least: 1, most: 65536 },
  method: { kind: 'enum', values: [0, 1, 2], fallback: 0 },
  effort: { kind: 'enum', values: [0, 1, 2], fallback: 0 },
  lower: { kind: 'number', least: -1e+30, most: 1e+30, fallback: 0 },
  upper: { kind: 'number', least: -1e+30, most: 1e+30, fallback: 1 },
  maxEvaluations: { kind: 'integer', least: 0, most: 2147483647, fallback: 0 },
  confidence: { kind: 'number', least: 0, most: 1e+30, fallback: 0 },
  quantization: { kind: 'integer', least: 0, most: 16, fallback: 0 },
  seed: { kind: 'integer', least: 0, most: 9007199254740991, fallback: 0 },
  smoothable: { kind: 'flag', least: 0, most: 1, fallback: 0 },
  norm: { kind: 'enum', values: [0], fallback: 0 },
} as const;

/** Fields of bs_search_result in order, one double each. */
export const SEARCH_RESULT_FIELDS = [
  /** as submitted */
  'id',
  /** bs_lane_status */
  'status',
  /** |y-x| in the norm asked for, of the float32 pixels delivered; NaN when FAILED */
  'distance',
  /** hard margin of these pixels; adversarial <=> negative */
  'margin',
  /** class the model answers on these pixels */
  'prediction',
  /** class the model answers on the image */
  'cleanPrediction',
  /** gradient evaluations spent */
  'evaluations',
  /** |P(f + mu a)| / |f|, f = y-x, a = gradient of s, mu >= 0 best; NaN when not known */
  'kktResidual',
  /** starts made (1, more with restarts) */
  'starts',
  /** |grad s| at the image, in the model's own logits; NaN where it is not finite */
  'slope',
] as const;

/** The functions as a WebAssembly module exports them: pointers are byte offsets into its memory. */
export interface AbiFunctions {
  bs_status_message(status: number): number;
  bs_last_option(): number;
  bs_instruction_set(): number;
  bs_use_instruction_set(name: number): number;
  bs_minimizer_create(options: number, out: number): number;
  bs_minimizer_free(minimizer: number): void;
  bs_minimizer_x(minimizer: number): number;
  bs_minimizer_gradient(minimizer: number): number;
  bs_minimizer_lower(minimizer: number): number;
  bs_minimizer_upper(minimizer: number): number;
  bs_minimizer_start(minimizer: number): number;
  bs_minimizer_tell(minimizer: number, f: number): number;
  bs_minimizer_get_result(minimizer: number, out: number): void;
  bs_search_create(options: number, out: number): number;
  bs_search_free(search: number): void;
  bs_search_bytes(options: number): number;
  bs_search_points(search: number): number;
  bs_search_one_hot(search: number): number;
  bs_search_sign(search: number): number;
  bs_search_temperature(search: number): number;
  bs_search_smoothing(search: number): number;
  bs_search_logits(search: number): number;
  bs_search_gradients(search: number): number;
  bs_search_image(search: number): number;
  bs_search_start(search: number): number;
  bs_search_submit(search: number, id: number, label: number, target: number): number;
  bs_search_free_lanes(search: number): number;
  bs_search_ask(search: number): number;
  bs_search_tell(search: number): number;
  bs_search_take(search: number, out: number): number;
  bs_search_example(search: number): number;
}

/** Names of the functions above. */
export const ABI_FUNCTION_NAMES = [
  'bs_status_message',
  'bs_last_option',
  'bs_instruction_set',
  'bs_use_instruction_set',
  'bs_minimizer_create',
  'bs_minimizer_free',
  'bs_minimizer_x',
  'bs_minimizer_gradient',
  'bs_minimizer_lower',
  'bs_minimizer_upper',
  'bs_minimizer_start',
  'bs_minimizer_tell',
  'bs_minimizer_get_result',
  'bs_search_create',
  'bs_search_free',
  'bs_search_bytes',
  'bs_search_points',
  'bs_search_one_hot',
  'bs_search_sign',
  'bs_search_temperature',
  'bs_search_smoothing',
  'bs_search_logits',
  'bs_search_gradients',
  'bs_search_image',
  'bs_search_start',
  'bs_search_submit',
  'bs_search_free_lanes',
  'bs_search_ask',
  'bs_search_tell',
  'bs_search_take',
  'bs_search_example',
] as const satisfies readonly (keyof AbiFunctions)[];
