/**
 * The page of an attack: one HTML file that asks the network for nothing. Answers, in this order: how far is the model from
 * a mistake, how do the mistakes look, how are they distributed, what proves them, how is it done again. The same outcome
 * and context give the same bytes. In browsers, too.
 */
import { distortionHistogram, type PagePlot, pagePlot, robustAccuracyCurve } from './attack_figures.ts';
import { type AttackPictures, attackPictures } from './attack_pictures.ts';
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
import { foundExamples } from './outcome_statistics.ts';
import { PAGE_STYLE } from './page_style.ts';
import type { PngEncoder } from './picture.ts';
import { type ClassName, gallerySection, landmarkSection } from './picture_sections.ts';
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

/** What a report says of an attack beyond its outcome; everything may be left out. */
export type ReportContext = Partial<AttackReportContext>;

export function completeContext(context: ReportContext): AttackReportContext {
  return { model: { name: 'the model' }, data: { name: 'the data' }, ...context };
}

export function classNamer({ classNames }: AttackReportContext): ClassName {
  return (index) => classNames?.[index] ?? String(index);
}

export interface AttackPage {
  html: string;
  pictures: AttackPictures;
}

/** @param figureNames of the files beside the page, if there are any. */
export async function renderAttackPage(
  attack: ReportedAttack,
  context: AttackReportContext,
  encode: PngEncoder,
  figureNames: readonly string[] = [],
): Promise<AttackPage> {
  const className = classNamer(context);
  const { summary, examples, imageShape } = attack;
  const found = foundExamples(examples);
  const pictures = await attackPictures(attack, encode);
  let plots: { histogram: PagePlot; robustness: PagePlot } | null = null;
  if (found.length > 0) {
    plots = {
      histogram: await pagePlot(distortionHistogram(found), 'histogram'),
      robustness: await pagePlot(robustAccuracyCurve(examples), 'robustness'),
    };
  }

  // A browser's results name the browser alone.
  const version = summary.versions['blindspot'];
  const body = html`${masthead(summary, found, context)}
<main>
${summaryTiles(summary)}
${unsolvedNote(examples, className)}
${landmarkSection(pictures, className)}
${distanceSection(plots, found, summary)}
${gallerySection(pictures, found.length, className)}
${confusionSection(found, className)}
${proofSection(examples, className)}
${settingsSection(summary, imageShape, context, figureNames)}
<section>
<h2>What the words mean</h2>
${glossary(pictures.layout.size, found.length > 0 ? pictures.magnification : null)}
</section>
</main>
<footer><p>Made by blindspot${version === undefined ? '' : ` ${version}`}: the smallest changes that make a classifier answer wrongly, after Szegedy
et al., “Intriguing properties of neural networks”, 2013.</p></footer>`;
  const title = `How far is ${context.model.name} from a mistake?`;
  return { html: page({ title, style: PAGE_STYLE, body, script: TABLE_SORT_SCRIPT }), pictures };
}
