/**
 * Options of the kernel's handles: defaults, ranges, and the encoding as one double a field that blindspot.h asks for.
 * The core checks ranges too; here they are checked first so that an error quotes the name the caller wrote.
 */
import { invalidArgument } from '../errors.ts';
import { Effort, Method, MINIMIZER_OPTIONS_FIELDS, SEARCH_OPTIONS_FIELDS, SearchMethod } from './abi.generated.ts';
import type { MinimizerOptions, SearchOptions } from './kernel.ts';

/** Counts travel as doubles but index memory: no handle holds more than this. */
const maxCount = 2 ** 31 - 1;
const maxLanes = 65_536;

const methodCodes = { 'L-BFGS-B': Method.LBFGSB, SPG: Method.SPG } as const;
const searchMethodCodes = { boundary: SearchMethod.BOUNDARY, penalty: SearchMethod.PENALTY } as const;
const effortCodes = { fast: Effort.FAST, thorough: Effort.THOROUGH, exhaustive: Effort.EXHAUSTIVE } as const;

/** @throws INVALID_ARGUMENT naming the option. */
export function completeMinimizerOptions(options: MinimizerOptions): Required<MinimizerOptions> {
  expectKeys('minimizer options', options, MINIMIZER_OPTIONS_FIELDS);
  return {
    n: expectInteger('n', options.n, 1, maxCount),
    precision: expectOneOf('precision', options.precision ?? 64, [32, 64]),
    method: expectOneOf('method', options.method ?? 'L-BFGS-B', keys(methodCodes)),
    memory: expectInteger('memory', options.memory ?? 10, 1, 64),
    pgTolerance: expectTolerance('pgTolerance', options.pgTolerance ?? 1e-5),
    fTolerance: expectTolerance('fTolerance', options.fTolerance ?? 1e7 * 2 ** -52),
    maxIterations: expectLimit('maxIterations', options.maxIterations ?? 15_000, 0),
    maxEvaluations: expectLimit('maxEvaluations', options.maxEvaluations ?? 15_000, 1),
  };
}

/** MINIMIZER_OPTIONS_FIELDS in order. */
export function encodeMinimizerOptions(options: Required<MinimizerOptions>): Float64Array {
  const doubles: Record<(typeof MINIMIZER_OPTIONS_FIELDS)[number], number> = {
    ...options,
    method: methodCodes[options.method],
  };
  return Float64Array.from(MINIMIZER_OPTIONS_FIELDS, (field) => doubles[field]);
}

/** maxEvaluations 0 stands for the default of method and effort. @throws INVALID_ARGUMENT naming the option. */
export function completeSearchOptions(options: SearchOptions): Required<SearchOptions> {
  expectKeys('search options', options, SEARCH_OPTIONS_FIELDS);
  const lower = expectFinite('lower', options.lower ?? 0);
  const upper = expectFinite('upper', options.upper ?? 1);
  if (lower >= upper) throw invalidArgument('upper', `a number above lower, ${lower},`, upper);
  return {
    n: expectInteger('n', options.n, 1, maxCount),
    classes: expectInteger('classes', options.classes, 2, maxCount),
    lanes: expectInteger('lanes', options.lanes, 1, maxLanes),
    method: expectOneOf('method', options.method ?? 'boundary', keys(searchMethodCodes)),
    effort: expectOneOf('effort', options.effort ?? 'fast', keys(effortCodes)),
    lower,
    upper,
    maxEvaluations: expectInteger('maxEvaluations', options.maxEvaluations ?? 0, 0, maxCount),
    confidence: expectTolerance('confidence', options.confidence ?? 0),
    quantization: expectInteger('quantization', options.quantization ?? 0, 0, 16),
    seed: expectInteger('seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
    smoothable: expectOneOf('smoothable', options.smoothable ?? false, [false, true]),
  };
}

/** SEARCH_OPTIONS_FIELDS in order. */
export function encodeSearchOptions(options: Required<SearchOptions>): Float64Array {
  const doubles: Record<(typeof SEARCH_OPTIONS_FIELDS)[number], number> = {
    ...options,
    method: searchMethodCodes[options.method],
    effort: effortCodes[options.effort],
    smoothable: Number(options.smoothable),
  };
  return Float64Array.from(SEARCH_OPTIONS_FIELDS, (field) => doubles[field]);
}

/** An option that is misspelt would otherwise be ignored in silence. */
export function expectKeys(name: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw invalidArgument(name, 'an object', options);
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw invalidArgument(`a key of ${name}`, `one of ${known.join(', ')}`, key);
  }
}

function keys<K extends string>(codes: Readonly<Record<K, number>>): K[] {
  return Object.keys(codes) as K[];
}

function expectOneOf<T>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) throw invalidArgument(name, allowed.join(' or '), value);
  return value;
}

function expectInteger(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalidArgument(name, `an integer from ${least} to ${most}`, value);
  }
  return value;
}

/** A limit may be Infinity: none. */
function expectLimit(name: string, value: number, least: number): number {
  if (value === Infinity) return Number.MAX_SAFE_INTEGER;
  if (!Number.isSafeInteger(value) || value < least) {
    throw invalidArgument(name, `an integer of at least ${least}, or Infinity,`, value);
  }
  return value;
}

function expectTolerance(name: string, value: number): number {
  if (!(typeof value === 'number' && value >= 0 && value < Infinity)) {
    throw invalidArgument(name, 'a finite number of at least 0', value);
  }
  return value;
}

function expectFinite(name: string, value: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidArgument(name, 'a finite number', value);
  return value;
}
