/**
 * Layers with kinks, as ReLUs of some units between affine maps: max(a, b) = a + relu(b − a), pair by pair, and
 * leaky(x) = s·x + (1 − s)·relu(x). So what is known of ReLU's lines serves them, and a maximum knows how its
 * elements hang together.
 */
import { numberAttribute } from '../../onnx/op_rule.ts';
import type { ChainLink } from '../spectral/sequential_chain.ts';
import { reducedGroups, sizeOf, windowPlaces } from './affine_layers.ts';
import { type AffineMap, affineMap } from './affine_map.ts';

/** relu(before(x)) of the units that bend; `after` puts the result together. */
export interface BentStage {
  readonly before: AffineMap;
  readonly bends: Uint8Array;
}

export interface BentLayer {
  /** Each reads what the one before leaves. */
  readonly stages: readonly BentStage[];
  readonly after: AffineMap;
}

/** @returns undefined for a layer of another kind. @throws UNSUPPORTED_OP */
export function bentLayer(link: ChainLink): BentLayer | undefined {
  const { node, input, output } = link;
  switch (node.op) {
    case 'LeakyRelu':
      return leaky(sizeOf(link, input), numberAttribute(node, 'alpha', 0.01));
    case 'MaxPool':
      return maxima(sizeOf(link, input), sizeOf(link, output), windowPlaces(node));
    case 'ReduceMax': {
      const groups = reducedGroups(link);
      return maxima(sizeOf(link, input), groups.length, (i) => groups[i] ?? []);
    }
    default:
      return undefined;
  }
}

/** Units 0 … n − 1 stay x, the next n are bent. */
function leaky(n: number, slope: number): BentLayer {
  const before = affineMap(n, 2 * n, (i, add) => add(i % n, 1));
  const after = affineMap(2 * n, n, (i, add) => {
    add(i, slope);
    add(n + i, 1 - slope);
  });
  return { stages: [{ before, bends: Uint8Array.from({ length: 2 * n }, (_, i) => (i < n ? 0 : 1)) }], after };
}

/** A number of which is the sum of some units. */
type Sum = readonly number[];

function maxima(inputs: number, outputs: number, places: (i: number) => readonly number[]): BentLayer {
  let candidates: Sum[][] = Array.from({ length: outputs }, (_, i) => places(i).map((place) => [place]));
  let size = inputs;
  const stages: BentStage[] = [];
  while (candidates.some((list) => list.length > 1)) {
    const rows: { readonly plus: Sum; readonly minus: Sum; readonly bent: boolean }[] = [];
    candidates = candidates.map((list) => {
      const next: Sum[] = [];
      for (let at = 0; at < list.length; at += 2) {
        const [first, second] = [list[at] as Sum, list[at + 1]];
        const unit = rows.length;
        rows.push({ plus: first, minus: [], bent: false });
        if (second) rows.push({ plus: second, minus: first, bent: true });
        next.push(second ? [unit, unit + 1] : [unit]);
      }
      return next;
    });
    const before = affineMap(size, rows.length, (i, add) => {
      for (const place of rows[i]?.plus ?? []) add(place, 1);
      for (const place of rows[i]?.minus ?? []) add(place, -1);
    });
    stages.push({ before, bends: Uint8Array.from(rows, ({ bent }) => (bent ? 1 : 0)) });
    size = rows.length;
  }
  const after = affineMap(size, outputs, (i, add) => {
    for (const place of candidates[i]?.[0] ?? []) add(place, 1);
  });
  return { stages, after };
}
