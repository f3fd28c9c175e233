/**
 * The report of an attack: one HTML file that asks the network for nothing, and figures as PNG. Answers, in this order:
 * how far is the model from a mistake, how do the mistakes look, how are they distributed, what proves them, how is
 * it done again. The same outcome and context give the same bytes.
 */
import { distortionHistogram, type PagePlot, pagePlot, printPlot, robustAccuracyCurve } from './attack_figures.ts';
import { type AttackPictures, attackPictures, isSmall } from './attack_pictures.ts';
import {
  confusionSection,
  distanceSection,
  masthead,
  proofSection,
  settingsSection,
  summaryTiles,
  unsolvedNote,
} from './attack_sections.ts';
import { glossary } from './glossary.ts';
import { html, page, TABLE_SORT_SCRIPT } from './html.ts';
import { imageGridPng } from './image_grid.ts';
import { formatDistortion } from './number_format.ts';
import { foundExamples } from './outcome_statistics.ts';
import { PAGE_STYLE } from './page_style.ts';
import {
  type ClassName,
  changeLimit,
  formatMagnification,
  gallerySection,
  landmarkSection,
} from './picture_sections.ts';
import type { ReportedAttack } from './reported_attack.ts';

export interface AttackReportContext {
  model: { name: string; path?: string };
  data: { name: string; path?: string };
  /** As typed, so that a reader can run it again. */
  commandLine?: string;
  /** Name of each class; numbers are shown where one is missing. */
  classNames?: readonly string[];
  /** Further settings worth recording, shown as given. */
  settings?: Readonly<Record<string, string | number | boolean | null>>;
  /** Shown when given; without it the report's bytes depend on the outcome alone. */
  createdAt?: Date;
}

export interface Figure {
  /** File name, such as examples.png. */
  name: string;
  png: Uint8Array;
}

export interface AttackReport {
  html: string;
  figures: Figure[];
}

export async function renderAttackReport(attack: ReportedAttack, context: AttackReportContext): Promise<AttackReport> {
  const className: ClassName = (index) => context.classNames?.[index] ?? String(index);
  const { summary, examples, imageShape } = attack;
  const found = foundExamples(examples);
  const pictures = await attackPictures(attack);

  const figures: Figure[] = [];
  let plots: { histogram: PagePlot; robustness: PagePlot } | null = null;
  if (found.length > 0) {
    const histogram = distortionHistogram(found);
    const robustness = robustAccuracyCurve(examples);
    plots = { histogram: await pagePlot(histogram, 'histogram'), robustness: await pagePlot(robustness, 'robustness') };
    figures.push(
      { name: 'examples.png', png: examplesFigure(pictures, className) },
      { name: 'distortions.png', png: await printPlot(histogram, 'histogram') },
      { name: 'robust_accuracy.png', png: await printPlot(robustness, 'robustness') },
    );
  }

  const body = html`${masthead(summary, found, context)}
<main>
${summaryTiles(summary)}
${unsolvedNote(examples, className)}
${landmarkSection(pictures, className)}
${distanceSection(plots, found, summary)}
${gallerySection(pictures, found.length, className)}
${confusionSection(found, className)}
${proofSection(examples, className)}
${settingsSection(
  summary,
  imageShape,
  context,
  figures.map(({ name }) => name),
)}
<section>
<h2>What the words mean</h2>
${glossary(pictures.layout.size, found.length > 0 ? pictures.magnification : null)}
</section>
</main>
<footer><p>Made by blindspot ${summary.versions['blindspot']}: the smallest changes that make a classifier answer wrongly, after Szegedy
et al., “Intriguing properties of neural networks”, 2013.</p></footer>`;
  const title = `How far is ${context.model.name} from a mistake?`;
  return { html: page({ title, style: PAGE_STYLE, body, script: TABLE_SORT_SCRIPT }), figures };
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
