/** Points between and beyond two images. */

/** x + t·(y − x), cut off to [0, 1]. */
export function between(x: Float32Array, y: Float32Array, t: number): Float32Array<ArrayBuffer> {
  if (t === 1) return y.slice();
  const point = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i] as number, y[i] as number];
    point[i] = Math.min(1, Math.max(0, a + t * (b - a)));
  }
  return point;
}

/** ‖y − x‖₂ */
export function distance(x: Float32Array, y: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += ((y[i] as number) - (x[i] as number)) ** 2;
  return Math.sqrt(sum);
}

/** The class of the largest. */
export function answerOf(probabilities: Float32Array): number {
  let best = 0;
  for (let k = 1; k < probabilities.length; k++) {
    if ((probabilities[k] as number) > (probabilities[best] as number)) best = k;
  }
  return best;
}

export function concatenated(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
