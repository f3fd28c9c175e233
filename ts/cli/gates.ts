/**
 * Conditions that an attack's result has to meet in a pipeline, and comparison with an earlier run.
 *
 *     distortion=0.01              mean distortion of the mistakes found is at least so much; no mistake found meets it
 *     l2=0.5                       the same of their mean L2
 *     robust-accuracy@0.02=0.9     share of all images answered right whose nearest mistake, if one was found, is at a
 *                                  distortion over 0.02
 */
import { z } from 'zod';
import type { AttackResults } from '../attack/result.ts';
import { robustAccuracy } from '../attack/robust_accuracy.ts';
import { BlindspotError, invalidArgument } from '../errors.ts';

export interface Gate {
  /** As it was asked for. */
  readonly text: string;
  readonly least: number;
  readonly measure: (results: AttackResults) => number;
}

export interface GateResult {
  readonly text: string;
  readonly met: boolean;
  /** One line. */
  readonly why: string;
}

/** @throws INVALID_ARGUMENT listing the forms there are. */
export function parseGate(text: string): Gate {
  const [, name, at, bound] = /^(distortion|l2|robust-accuracy)(?:@([\d.eE+-]+))?=([\d.eE+-]+)$/.exec(text) ?? [];
  const least = Number(bound);
  const limit = Number(at);
  const robust = name === 'robust-accuracy';
  if (name === undefined || !(least >= 0) || robust !== (at !== undefined) || (robust && !(limit >= 0))) {
    throw invalidArgument('fail-under', 'distortion=0.01, l2=0.5 or robust-accuracy@0.02=0.9', text);
  }
  if (robust) return { text, least, measure: (results) => robustAccuracy(results, { distortion: limit }) };
  const measure = ({ summary }: AttackResults): number =>
    (name === 'l2' ? summary.meanL2 : summary.meanDistortion) ?? Number.POSITIVE_INFINITY;
  return { text, least, measure };
}

export function judgeGates(gates: readonly Gate[], results: AttackResults): GateResult[] {
  return gates.map(({ text, least, measure }) => {
    const value = measure(results);
    const met = value >= least;
    const shown = Number.isFinite(value) ? Number(value.toPrecision(4)) : 'no mistake found';
    return { text, met, why: `${text}: ${met ? 'met' : 'not met'}, ${shown}` };
  });
}

const Baseline = z.object({
  examples: z.array(z.object({ index: z.number(), success: z.boolean(), l2: z.number().nullable() })),
});

export interface Comparison {
  /** Images in both. */
  readonly images: number;
  /** Whose mistake is now nearer, or found at all, by over 1 %. */
  readonly nearer: readonly number[];
  readonly further: readonly number[];
}

/** Image by image. @throws INVALID_DATA when the text is no results.json. */
export function compareWithBaseline(text: string, source: string, { examples }: AttackResults): Comparison {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BlindspotError('INVALID_DATA', `${source} is not JSON: give the results.json of an earlier attack`, {
      cause,
    });
  }
  const parsed = Baseline.safeParse(value);
  if (!parsed.success) {
    throw new BlindspotError('INVALID_DATA', `${source} is no results.json of an attack: it lists no examples`);
  }
  const before = new Map(parsed.data.examples.map((example) => [example.index, length(example)]));
  const nearer: number[] = [];
  const further: number[] = [];
  let images = 0;
  for (const example of examples) {
    const old = before.get(example.index);
    if (old === undefined) continue;
    images += 1;
    const now = length(example);
    if (now < old * (1 - TOLERANCE)) nearer.push(example.index);
    else if (old < now * (1 - TOLERANCE)) further.push(example.index);
  }
  return { images, nearer, further };
}

const TOLERANCE = 0.01;

/** Infinite where nothing was found. */
function length({ success, l2 }: { success: boolean; l2: number | null }): number {
  return success ? (l2 ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
}

/** The gates as a JUnit report, one test case each. */
export function junit(gates: readonly GateResult[]): string {
  const inXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const cases = gates.map(({ text, met, why }) => {
    const body = met ? '' : `<failure message="${inXml(why)}"/>`;
    return `  <testcase classname="blindspot" name="${inXml(text)}">${body}</testcase>`;
  });
  const failed = gates.filter(({ met }) => !met).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="blindspot" tests="${gates.length}" failures="${failed}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n');
}
