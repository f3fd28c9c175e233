/**
 * Options of the kernel's handles: their names here, and the encoding as one double a field that blindspot.h asks for. Ranges and
 * defaults are the header's (the generated rules). The core checks by the same ones; here they are checked first so that an error
 * quotes the name the caller wrote.
 */
import { expectInteger, expectKeys, expectLimit, expectNumber, expectOneOf } from '../base/expect.ts';
import { invalidArgument } from '../errors.ts';
import {
  Effort,
  Method,
  MINIMIZER_OPTIONS_FIELDS,
  MINIMIZER_OPTIONS_RULES,
  Norm,
  SEARCH_OPTIONS_FIELDS,
  SEARCH_OPTIONS_RULES,
  SearchMethod,
} from './abi.generated.ts';
import type { MinimizerOptions, SearchOptions } from './kernel.ts';

const minimizerMethodCodes = { 'L-BFGS-B': Method.LBFGSB, SPG: Method.SPG } as const;
const searchMethodCodes = {
  boundary: SearchMethod.BOUNDARY,
  penalty: SearchMethod.PENALTY,
  deepfool: SearchMethod.DEEPFOOL,
} as const;
const effortCodes = { fast: Effort.FAST, thorough: Effort.THOROUGH, exhaustive: Effort.EXHAUSTIVE } as const;
const normCodes = { l2: Norm.L2 } as const;

export type SearchMethodName = keyof typeof searchMethodCodes;
export type EffortName = keyof typeof effortCodes;
export type NormName = keyof typeof normCodes;

/** Names of the methods of search. */
export const SEARCH_METHODS = keys(searchMethodCodes);
/** Names of the efforts. */
export const EFFORTS = keys(effortCodes);

/** @throws INVALID_ARGUMENT naming the option. */
export function completeMinimizerOptions(options: MinimizerOptions): Required<MinimizerOptions> {
  expectKeys('minimizer options', options, MINIMIZER_OPTIONS_FIELDS);
  const rules = MINIMIZER_OPTIONS_RULES;
  return {
    n: ruled('n', options.n, rules.n),
    precision: expectOneOf('precision', options.precision ?? rules.precision.fallback, rules.precision.values),
    method: named('method', options.method, minimizerMethodCodes, rules.method),
    memory: ruled('memory', options.memory, rules.memory),
    pgTolerance: ruled('pgTolerance', options.pgTolerance, rules.pgTolerance),
    fTolerance: ruled('fTolerance', options.fTolerance, rules.fTolerance),
    maxIterations: ruled('maxIterations', options.maxIterations, rules.maxIterations),
    maxEvaluations: ruled('maxEvaluations', options.maxEvaluations, rules.maxEvaluations),
  };
}

/** MINIMIZER_OPTIONS_FIELDS in order. */
export function encodeMinimizerOptions(options: Required<MinimizerOptions>): Float64Array {
  const doubles: Record<(typeof MINIMIZER_OPTIONS_FIELDS)[number], number> = {
    ...options,
    method: minimizerMethodCodes[options.method],
  };
  return Float64Array.from(MINIMIZER_OPTIONS_FIELDS, (field) => doubles[field]);
}

/** maxEvaluations 0 stands for the default of method and effort. @throws INVALID_ARGUMENT naming the option. */
export function completeSearchOptions(options: SearchOptions): Required<SearchOptions> {
  expectKeys('search options', options, SEARCH_OPTIONS_FIELDS);
  const rules = SEARCH_OPTIONS_RULES;
  const lower = ruled('lower', options.lower, rules.lower);
  const upper = ruled('upper', options.upper, rules.upper);
  if (lower >= upper) throw invalidArgument('upper', `a number above lower, ${lower},`, upper);
  return {
    n: ruled('n', options.n, rules.n),
    classes: ruled('classes', options.classes, rules.classes),
    lanes: ruled('lanes', options.lanes, rules.lanes),
    method: named('method', options.method, searchMethodCodes, rules.method),
    effort: named('effort', options.effort, effortCodes, rules.effort),
    lower,
    upper,
    maxEvaluations: ruled('maxEvaluations', options.maxEvaluations, rules.maxEvaluations),
    confidence: ruled('confidence', options.confidence, rules.confidence),
    quantization: ruled('quantization', options.quantization, rules.quantization),
    seed: ruled('seed', options.seed, rules.seed),
    smoothable: expectOneOf('smoothable', options.smoothable ?? false, [false, true]),
    norm: named('norm', options.norm, normCodes, rules.norm),
  };
}

/** SEARCH_OPTIONS_FIELDS in order. */
export function encodeSearchOptions(options: Required<SearchOptions>): Float64Array {
  const doubles: Record<(typeof SEARCH_OPTIONS_FIELDS)[number], number> = {
    ...options,
    method: searchMethodCodes[options.method],
    effort: effortCodes[options.effort],
    norm: normCodes[options.norm],
    smoothable: Number(options.smoothable),
  };
  return Float64Array.from(SEARCH_OPTIONS_FIELDS, (field) => doubles[field]);
}

interface NumberRule {
  readonly kind: 'integer' | 'limit' | 'number';
  readonly least: number;
  readonly most: number;
  readonly fallback?: number;
}

function ruled(name: string, value: number | undefined, rule: NumberRule): number {
  const asked = (value ?? rule.fallback) as number;
  if (rule.kind === 'limit') return expectLimit(name, asked, rule.least);
  return (rule.kind === 'integer' ? expectInteger : expectNumber)(name, asked, rule.least, rule.most);
}

function named<K extends string>(
  name: string,
  value: K | undefined,
  codes: Readonly<Record<K, number>>,
  rule: { readonly fallback: number },
): K {
  return expectOneOf(name, value ?? keys(codes).find((key) => codes[key] === rule.fallback), keys(codes));
}

function keys<K extends string>(codes: Readonly<Record<K, number>>): K[] {
  return Object.keys(codes) as K[];
}
