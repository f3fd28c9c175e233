/**
 * An activation between two lines: slope·x + intercept under and over it, for every x in [low, high] (Zhang, Weng, Chen,
 * Hsieh & Daniel 2018, CROWN). Of the lines that are right, those with the least area between them and the function.
 */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

export interface Relaxation {
  readonly under: Line;
  readonly over: Line;
}

/** Functions that are convex up to 0 and concave from there, and odd but for a constant; and ReLU. */
export type ActivationName = 'relu' | 'sigmoid' | 'tanh';

interface Curve {
  value(x: number): number;
  slope(x: number): number;
}

const CURVES: Readonly<Record<'sigmoid' | 'tanh', Curve>> = {
  sigmoid: {
    value: sigmoid,
    slope: (x) => sigmoid(x) * sigmoid(-x),
  },
  tanh: {
    value: Math.tanh,
    slope: (x) => 1 / Math.cosh(Math.min(350, Math.abs(x))) ** 2,
  },
};

export function activate(name: ActivationName, x: number): number {
  return name === 'relu' ? Math.max(0, x) : CURVES[name].value(x);
}

/** @param low at most high. */
export function relax(name: ActivationName, low: number, high: number): Relaxation {
  if (name === 'relu') return relaxRelu(low, high);
  const curve = CURVES[name];
  const over = lineOver(curve, low, high);
  // The curve turned about its centre, (0, c): f(−x) = 2c − f(x). The line over that one is the line under this.
  const turned = lineOver(curve, -high, -low);
  const centre = 2 * curve.value(0);
  return { over, under: { slope: turned.slope, intercept: centre - turned.intercept } };
}

function relaxRelu(low: number, high: number): Relaxation {
  const zero = { slope: 0, intercept: 0 };
  const identity = { slope: 1, intercept: 0 };
  if (high <= 0) return { under: zero, over: zero };
  if (low >= 0) return { under: identity, over: identity };
  const slope = high / (high - low);
  return { under: high > -low ? identity : zero, over: { slope, intercept: -slope * low } };
}

/**
 * Where the interval is so much on the convex side that the chord lies over the curve, the chord. Otherwise a tangent at
 * some t ≥ 0 that is not under the curve at `low`, either: the nearest such t to the middle, where a tangent has the
 * least area over the interval.
 */
function lineOver(curve: Curve, low: number, high: number): Line {
  if (high <= 0) return chord(curve, low, high);
  const tangentAt = (t: number): Line => {
    const slope = curve.slope(t);
    return { slope, intercept: curve.value(t) - slope * t };
  };
  const middle = (low + high) / 2;
  if (low >= 0) return tangentAt(middle);
  const start = curve.value(low);
  const isOver = (t: number): boolean => {
    const { slope, intercept } = tangentAt(t);
    return slope * low + intercept >= start;
  };
  if (!isOver(high)) return chord(curve, low, high);
  if (middle >= 0 && isOver(middle)) return tangentAt(middle);
  let [under, over] = [0, high];
  for (let round = 0; round < 60; round++) {
    const t = (under + over) / 2;
    if (isOver(t)) over = t;
    else under = t;
  }
  return tangentAt(over);
}

/** Of two ends that are nearly one, a line of no slope at the higher: over the curve in between, as it grows. */
function chord(curve: Curve, low: number, high: number): Line {
  const [start, end] = [curve.value(low), curve.value(high)];
  if (!(high - low > 1e-9)) return { slope: 0, intercept: end };
  const slope = (end - start) / (high - low);
  return { slope, intercept: Math.max(start - slope * low, end - slope * high) };
}

function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const grown = Math.exp(x);
  return grown / (1 + grown);
}
