/** Probabilities from logits: exp(zⱼ − max z) / Σ. */
export function softmax(logits: Float32Array): Float32Array<ArrayBuffer> {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = Float32Array.from(logits, (value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}
