/**
 * Bounds with the best lines of each family for the function at hand (Xu et al. 2021, α-CROWN), by the project's own
 * L-BFGS-B: the parameters of all lines, each in its interval. Every choice is a bound that holds, so the search may end
 * anywhere. Ranges of inner units are tightened so, too, each with lines of its own.
 */
import type { Kernel } from '../../kernel/kernel.ts';
import { minimizeWith } from '../../optimize/minimize_with.ts';
import type { Region } from './region.ts';
import { type ActivationName, type Line, lineAt, type Relaxation } from './relaxation.ts';
import { type Bounder, type ChainNetwork, type Pair, PullBack } from './relaxed_network.ts';

/** Evaluations for the range of an inner unit, of which there are many, and for a margin. */
const INNER_EVALUATIONS = 8;
const MARGIN_EVALUATIONS = 40;
/** An inner range narrower than this is as good as a point. */
const NARROW = 1e-3;

interface Choice {
  readonly layer: number;
  readonly unit: number;
  readonly side: 'under' | 'over';
  readonly name: ActivationName;
  readonly from: number;
  readonly width: number;
  /** Of the first choice, in [0, 1]. */
  readonly start: number;
}

export function optimizedBounder(network: ChainNetwork, region: Region, kernel: Kernel): Bounder {
  const last = network.maps.length - 1;
  let known = { layers: -1, choices: [] as Choice[] };
  return (k, a, relaxations) => {
    if (known.layers !== relaxations.length) {
      known = { layers: relaxations.length, choices: choicesOf(network, relaxations) };
    }
    const { choices } = known;
    const pulled = new PullBack(network, k, region);
    const plain = pulled.least(a, relaxations);
    if (choices.length === 0) return plain;
    // A range that leaves no unit in doubt needs no better one.
    if (k < last && settled(network, k, a, plain)) return plain;
    return tightest(
      pulled,
      a,
      relaxations,
      choices,
      kernel,
      k === last ? MARGIN_EVALUATIONS : INNER_EVALUATIONS,
      plain,
    );
  };
}

/** Whether a bound of ±z_i shows on which side of its kink a ReLU is. */
function settled({ activations }: ChainNetwork, k: number, a: Float64Array, bound: number): boolean {
  return activations[k]?.name === 'relu' && bound >= 0 && a.some((value) => value !== 0);
}

function choicesOf({ activations }: ChainNetwork, relaxations: readonly (readonly Relaxation[])[]): Choice[] {
  const choices: Choice[] = [];
  for (const [layer, units] of relaxations.entries()) {
    const name = activations[layer]?.name as ActivationName;
    for (const [unit, relaxation] of units.entries()) {
      for (const side of ['under', 'over'] as const) {
        const { from, to, at } = relaxation[side];
        const width = to - from;
        if (width > NARROW) choices.push({ layer, unit, side, name, from, width, start: (at - from) / width });
      }
    }
  }
  return choices;
}

function tightest(
  pulled: PullBack,
  a: Float64Array,
  relaxations: readonly (readonly Relaxation[])[],
  choices: readonly Choice[],
  kernel: Kernel,
  maxEvaluations: number,
  plain: number,
): number {
  const lines: { -readonly [Side in keyof Pair]: Line }[][] = relaxations.map((units) =>
    units.map(({ under, over }) => ({ under, over })),
  );
  let best = plain;
  const objective = (p: Float64Array, gradient: Float64Array): { value: number; gradient: Float64Array } => {
    const rates = choices.map(({ layer, unit, side, name, from, width }, i) => {
      const line = lineAt(name, from + width * (p[i] as number));
      const pair = lines[layer]?.[unit];
      if (pair) pair[side] = line;
      return line;
    });
    const bound = pulled.least(a, lines);
    best = Math.max(best, bound);
    const inputs = pulled.inputs(lines);
    for (let i = 0; i < choices.length; i++) {
      const { layer, unit, side, width } = choices[i] as Choice;
      const factor = (pulled.factors[layer] as Float64Array)[unit] as number;
      const { slopeRate, interceptRate } = rates[i] as ReturnType<typeof lineAt>;
      const taken = side === 'under' ? factor > 0 : factor < 0;
      const input = (inputs[layer] as Float64Array)[unit] as number;
      gradient[i] = taken ? -width * factor * (slopeRate * input + interceptRate) : 0;
    }
    return { value: -bound, gradient };
  };
  const start = Float64Array.from(choices, (choice) => choice.start);
  minimizeWith(kernel, objective, start, { bounds: [0, 1], maxEvaluations });
  return best;
}
