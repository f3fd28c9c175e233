/**
 * An activation between two lines: slope·x + intercept under and over it, for every x in [low, high] (Zhang, Weng, Chen,
 * Hsieh & Daniel 2018, CROWN). Where several lines are right, they are a family with one parameter, and the first choice
 * is the one with the least area between it and the function; which is best for a bound depends on the network behind
 * (Xu et al. 2021, α-CROWN).
 */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** A line on one side of the activation, and the family that it is from: lineAt(name, t) for t in [from, to]. */
export interface Side extends Line {
  /** from = to = at where there is no choice. */
  readonly from: number;
  readonly to: number;
  /** The parameter of this line. */
  readonly at: number;
}

export interface Relaxation {
  readonly under: Side;
  readonly over: Side;
}

/** Functions that are convex up to 0 and concave from there, and odd but for a constant; and ReLU. */
export type ActivationName = 'relu' | 'sigmoid' | 'tanh';

interface Curve {
  value(x: number): number;
  slope(x: number): number;
  /** The second derivative. */
  bend(x: number): number;
}

const CURVES: Readonly<Record<'sigmoid' | 'tanh', Curve>> = {
  sigmoid: {
    value: sigmoid,
    slope: (x) => sigmoid(x) * sigmoid(-x),
    bend: (x) => sigmoid(x) * sigmoid(-x) * (1 - 2 * sigmoid(x)),
  },
  tanh: {
    value: Math.tanh,
    slope: (x) => 1 / Math.cosh(Math.min(350, Math.abs(x))) ** 2,
    bend: (x) => (-2 * Math.tanh(x)) / Math.cosh(Math.min(350, Math.abs(x))) ** 2,
  },
};

export function activate(name: ActivationName, x: number): number {
  return name === 'relu' ? Math.max(0, x) : CURVES[name].value(x);
}

/** A line of a family, and how fast it turns and moves with the parameter. */
export interface MovingLine extends Line {
  readonly slopeRate: number;
  readonly interceptRate: number;
}

/** Of ReLU, t·x; of the others, the tangent at t. */
export function lineAt(name: ActivationName, t: number): MovingLine {
  if (name === 'relu') return { slope: t, intercept: 0, slopeRate: 1, interceptRate: 0 };
  const curve = CURVES[name];
  const slope = curve.slope(t);
  const bend = curve.bend(t);
  return { slope, intercept: curve.value(t) - slope * t, slopeRate: bend, interceptRate: -bend * t };
}

/** Of a unit that stays as it is. */
export const IDENTITY: Relaxation = {
  under: alone({ slope: 1, intercept: 0 }),
  over: alone({ slope: 1, intercept: 0 }),
};

/** @param low at most high. */
export function relax(name: ActivationName, low: number, high: number): Relaxation {
  if (name === 'relu') return relaxRelu(low, high);
  const over = sideOver(name, low, high);
  // The curve turned about its centre, (0, c): f(−x) = 2c − f(x). The line over that one is the line under this.
  const turned = sideOver(name, -high, -low);
  const centre = 2 * CURVES[name].value(0);
  return {
    over,
    under: {
      slope: turned.slope,
      intercept: centre - turned.intercept,
      from: -turned.to,
      to: -turned.from,
      at: -turned.at,
    },
  };
}

function alone(line: Line): Side {
  return { ...line, from: 0, to: 0, at: 0 };
}

function relaxRelu(low: number, high: number): Relaxation {
  const zero = alone({ slope: 0, intercept: 0 });
  if (high <= 0) return { under: zero, over: zero };
  if (low >= 0) return IDENTITY;
  const slope = high / (high - low);
  const at = high > -low ? 1 : 0;
  return { under: { slope: at, intercept: 0, from: 0, to: 1, at }, over: alone({ slope, intercept: -slope * low }) };
}

/**
 * Where the interval is so much on the convex side that the chord lies over the curve, the chord. Otherwise a tangent at
 * some t ≥ 0 that is not under the curve at `low`, either: the nearest such t to the middle, where a tangent has the
 * least area over the interval. The tangent at `low` rises with t, so that those of all t from the first one on are right.
 */
function sideOver(name: 'sigmoid' | 'tanh', low: number, high: number): Side {
  const curve = CURVES[name];
  if (high <= 0) return alone(chord(curve, low, high));
  const tangent = (at: number, from: number): Side => {
    const { slope, intercept } = lineAt(name, at);
    return { slope, intercept, from, to: high, at };
  };
  const middle = (low + high) / 2;
  if (low >= 0) return tangent(middle, low);
  const start = curve.value(low);
  const isOver = (t: number): boolean => {
    const { slope, intercept } = lineAt(name, t);
    return slope * low + intercept >= start;
  };
  if (!isOver(high)) return alone(chord(curve, low, high));
  let [under, over] = [0, high];
  for (let round = 0; round < 60; round++) {
    const t = (under + over) / 2;
    if (isOver(t)) over = t;
    else under = t;
  }
  return tangent(Math.max(middle, over), over);
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
