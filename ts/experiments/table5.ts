/** Table 5: operator norms of AlexNet's rectified layers, here of its first weights. */
import {
  ALEXNET_TABLE5,
  alexnetInitialWeights,
  alexnetTable5Layout,
  type Table5Row,
} from '../analysis/spectral/alexnet_table5.ts';
import { type Block, paragraph } from './document.ts';
import type { Experiment } from './experiment.ts';

export interface Table5 {
  readonly rows: readonly Table5Row[];
}

/** The smallest convolution and dense layer, for a quick run. */
const QUICK = ['Conv. 1', 'FC. 3'];

export const table5: Experiment<Table5> = {
  name: 'table5',
  title: 'Table 5: operator norms of AlexNet’s layers',
  version: 1,
  models: [],
  seconds: 60,
  async run(study, tell) {
    const draw = alexnetInitialWeights(study.settings.seed);
    const rows: Table5Row[] = [];
    for (const [i, { layer }] of ALEXNET_TABLE5.entries()) {
      if (study.settings.profile === 'quick' && !QUICK.includes(layer)) continue;
      tell(i / ALEXNET_TABLE5.length, `norm of AlexNet's ${layer}`);
      // Between two layers, Ctrl-C is heard.
      await new Promise((resolve) => setImmediate(resolve));
      study.signal.throwIfAborted();
      rows.push(...alexnetTable5Layout((name, shape) => (name === layer ? draw(name, shape) : undefined)));
    }
    return { result: { rows } };
  },
  render: renderTable5,
};

function renderTable5({ rows }: Table5): Block[] {
  return [
    paragraph(
      'The paper gives the norms of an AlexNet trained on ImageNet, which is not at hand here. Ours are those of its first weights, N(0, 0.01²), in the same ungrouped shapes: what training adds is the difference. Convolutions have circular boundary. For the strided one the formula as the paper prints it (Δ⁻² and N²) stands beside the one that brute force confirms (Δ⁻¹ and N).',
    ),
    {
      kind: 'table',
      caption: 'Table 5. Operator norms: ours, before training (the paper’s, trained).',
      columns: ['layer', 'size', 'stride', 'norm', 'by the printed formula'],
      rows: rows.map(({ layer, size, stride, norm, printed, paper }) => ({
        label: layer,
        cells: [
          { ours: size },
          { ours: stride === null ? '–' : String(stride) },
          { ours: norm.toPrecision(3), paper: String(paper) },
          { ours: printed === null ? '–' : printed.toPrecision(3) },
        ],
      })),
    },
  ];
}
