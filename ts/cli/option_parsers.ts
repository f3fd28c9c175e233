/** Parsers of option values: commander names the option, these say what was expected. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parseTarget, type TargetChoice } from '../attack/attack_options.ts';
import { fileError } from '../data/read_file.ts';
import { BlindspotError } from '../errors.ts';

/** A parser of whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

/** A parser of numbers from `least`, or over it, to `most`. */
export function realNumber(range: { least?: number; over?: number; under?: number }): (text: string) => number {
  const { least = Number.NEGATIVE_INFINITY, over = Number.NEGATIVE_INFINITY, under = Number.POSITIVE_INFINITY } = range;
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && value > over && value < under) return value;
    const bounds = [
      ...(range.least === undefined ? [] : [`from ${least}`]),
      ...(range.over === undefined ? [] : [`over ${over}`]),
      ...(range.under === undefined ? [] : [`under ${under}`]),
    ];
    throw new InvalidArgumentError(`Expected a number ${bounds.join(' and ')}.`);
  };
}

/** A parser that answers what `parse` does, and a mistake with its message. */
export function parsedBy<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof BlindspotError) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** 2G, 512M, 1000000 in bytes. */
export function byteCount(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMG]?)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toUpperCase()] ?? Number.NaN));
  if (bytes >= 1) return bytes;
  throw new InvalidArgumentError('Expected bytes, such as 2G, 512M or 1000000.');
}

export function targetChoice(text: string): TargetChoice {
  try {
    return parseTarget(text);
  } catch (error) {
    if (error instanceof BlindspotError) {
      throw new InvalidArgumentError('Expected none, random, least-likely, labels or a class index.');
    }
    throw error;
  }
}

/** The file meant by --model: itself, or model.onnx in a folder. @throws FILE_NOT_FOUND. */
export async function modelFile(model: string): Promise<string> {
  const entry = await stat(model).catch((cause: unknown) => {
    throw fileError(model, 'model', cause);
  });
  return entry.isDirectory() ? path.join(model, 'model.onnx') : model;
}
