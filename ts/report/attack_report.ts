/** The report of an attack as files: the page, and figures as PNG (Node). */
import { distortionHistogram, printPlot, robustAccuracyCurve } from './attack_figures.ts';
import { type AttackReportContext, classNamer, renderAttackPage } from './attack_page.ts';
import { type AttackPictures, isSmall } from './attack_pictures.ts';
import { svgToPng } from './figure_png.ts';
import { imageGridPng } from './image_grid.ts';
import { formatDistortion } from './number_format.ts';
import { foundExamples } from './outcome_statistics.ts';
import { type ClassName, changeLimit, formatMagnification } from './picture_sections.ts';
import { encodePng } from './pixels.ts';
import type { ReportedAttack } from './reported_attack.ts';

export interface Figure {
  /** File name, such as examples.png. */
  name: string;
  png: Uint8Array;
}

export interface AttackReport {
  html: string;
  figures: Figure[];
}

const FIGURES = ['examples.png', 'distortions.png', 'robust_accuracy.png'] as const;

export async function renderAttackReport(attack: ReportedAttack, context: AttackReportContext): Promise<AttackReport> {
  const found = foundExamples(attack.examples);
  const names = found.length > 0 ? FIGURES : [];
  const { html, pictures } = await renderAttackPage(attack, context, encodePng, names);
  if (found.length === 0) return { html, figures: [] };
  const plot = async (draw: Parameters<typeof printPlot>[0], id: string) => svgToPng(await printPlot(draw, id));
  const pngs = [
    examplesFigure(pictures, classNamer(context)),
    await plot(distortionHistogram(found), 'histogram'),
    await plot(robustAccuracyCurve(attack.examples), 'robustness'),
  ];
  return { html, figures: names.map((name, i) => ({ name, png: pngs[i] as Uint8Array })) };
}

/** Columns of original, change and adversarial image, with the answers under the first and the last. */
function examplesFigure(pictures: AttackPictures, className: ClassName): Uint8Array {
  const { figure, layout } = pictures;
  const small = isSmall(layout);
  const limit = changeLimit(pictures);
  const factor = formatMagnification(pictures);
  return imageGridPng({
    cellSize: small ? layout.width * Math.max(1, Math.round(84 / layout.width)) : 120,
    pixelated: small,
    rows: [
      {
        label: ['original', 'and its answer'],
        cells: figure.map(({ original, example }) => ({
          png: original,
          caption: [className(example.cleanPrediction)],
        })),
      },
      { label: [`change\u00a0×\u00a0${factor}`], cells: figure.map(({ perturbation }) => ({ png: perturbation })) },
      {
        label: ['adversarial', 'its answer', 'and distortion'],
        cells: figure.map(({ adversarial, example }) => ({
          png: adversarial,
          caption: [className(example.prediction), formatDistortion(example.distortion)],
        })),
      },
    ],
    ...(layout.channels !== 3 && {
      legend: { low: `−${limit} darker`, middle: 'unchanged', high: `+${limit} brighter` },
    }),
  });
}
