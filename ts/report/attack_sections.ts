/** The sections of an attack report, in the order of a reader's questions: how far, how does it look, can I trust it. */
import type { AttackExample, AttackSummary } from '../attack/result.ts';
import type { PagePlot } from './attack_figures.ts';
import type { AttackReportContext } from './attack_page.ts';
import { definitions, type Html, type HtmlValue, html, type Tile, table, tiles, trusted } from './html.ts';
import {
  formatCount,
  formatDistortion,
  formatL2,
  formatMargin,
  formatMean,
  formatScientific,
  formatSeconds,
  formatShare,
  plural,
} from './number_format.ts';
import { type Confusion, confusion, type FoundExample, isFound, quantile } from './outcome_statistics.ts';
import type { ClassName } from './picture_sections.ts';

const PROOF_ROWS = 1000;
const HEAT_MAP_CLASSES = 20;
const COMMON_PAIRS = 10;

export function masthead(summary: AttackSummary, found: readonly FoundExample[], context: AttackReportContext): Html {
  const about = [
    context.model.name,
    context.data.name,
    plural(summary.images, 'image'),
    `method ${summary.method}`,
    `target ${summary.target}`,
  ];
  return html`<header class="masthead">
<div class="brand">${MARK} blindspot <span>attack report</span></div>
<h1>How far is this model from a mistake?</h1>
<p class="lead">${answer(summary, found)}</p>
<p class="about note">${about.join(' · ')}</p>
</header>`;
}

/** An eye with its blind spot. */
const MARK = trusted(
  '<svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true"><circle cx="13" cy="13" r="11.5" fill="none" stroke="currentColor" stroke-width="2"/><circle cx="17" cy="11" r="4" fill="var(--highlight)"/></svg>',
);

function answer(summary: AttackSummary, found: readonly FoundExample[]): Html {
  const attacked = summary.images - summary.alreadyMisclassified;
  if (summary.images > 0 && attacked === 0) {
    const subject = summary.images === 1 ? 'the image is' : html`all ${plural(summary.images, 'image')} are`;
    return html`<strong>It is there already</strong>: ${subject} answered wrongly before any change, so nothing was left to attack.`;
  }
  if (summary.withoutGradient > 0 && found.length < attacked) {
    return html`<strong>The model gives no usable gradient</strong> at ${formatCount(summary.withoutGradient)} of ${plural(attacked, 'image')}: it is 0,
or not finite. Mistakes were found at ${formatCount(found.length)} all the same; of the others nothing is proved.`;
  }
  const median = quantile(
    found.map(({ distortion }) => distortion),
    0.5,
  );
  if (median === null) {
    return html`<strong>No mistake was found</strong> within the budget on ${plural(attacked, 'image')}. That does not prove that
there is none: a longer search, or another method, may find one.`;
  }
  const levels = html`about ${formatLevels(median * 255)} of 255 grey levels a pixel, as a root mean square`;
  if (found.length === 1) {
    return html`<strong>A distortion of ${formatDistortion(median)}</strong> makes the model answer wrongly: ${levels}.`;
  }
  const among =
    found.length === attacked
      ? 'images that the model gets right'
      : html`${formatCount(found.length)} images for which a mistake was found`;
  const wanted = summary.target === 'none' ? 'a wrong answer' : 'the wanted answer';
  return html`For half of the ${among}, <strong>a distortion of ${formatDistortion(median)} or less</strong> is enough for ${wanted}:
${levels}.`;
}

function formatLevels(levels: number): string {
  return levels >= 10 ? levels.toFixed(0) : levels.toPrecision(2);
}

export function summaryTiles(summary: AttackSummary): Html {
  const attacked = summary.images - summary.alreadyMisclassified;
  const list: Tile[] = [
    {
      label: 'Mistakes found',
      value: attacked === 0 ? '–' : formatShare(summary.successRate),
      note: `${formatCount(summary.succeeded)} of ${plural(attacked, 'image')} attacked`,
    },
    {
      label: 'Mean distortion',
      value: formatDistortion(summary.meanDistortion),
      note: 'root mean square change of a pixel',
    },
    { label: 'Median L2', value: formatL2(summary.medianL2), note: 'half of the changes are shorter' },
    { label: 'Mean L2', value: formatL2(summary.meanL2), note: 'length of the change' },
    {
      label: 'Already misclassified',
      value: formatCount(summary.alreadyMisclassified),
      note: `of ${plural(summary.images, 'image')}, before any change`,
    },
    {
      label: '8-bit survival',
      value: summary.succeeded === 0 ? '–' : formatShare(summary.quantizedSuccessRate),
      note: 'still adversarial as an image file',
    },
    {
      label: 'Evaluations an image',
      value: formatMean(summary.evaluationsPerImage),
      note: 'of the model and its gradient',
    },
    {
      label: 'Time an image',
      value: formatSeconds(summary.secondsPerImage),
      note: `${formatSeconds(summary.seconds)} in all`,
    },
  ];
  return html`<section aria-label="Summary" class="summary">${tiles(list)}</section>`;
}

export function distanceSection(
  plots: { histogram: PagePlot; robustness: PagePlot } | null,
  found: readonly FoundExample[],
  summary: AttackSummary,
): Html | null {
  if (plots === null) return null;
  const values = found.map(({ distortion }) => distortion);
  const quartiles = [0.25, 0.5, 0.75].map((share) => formatDistortion(quantile(values, share)));
  const clean = summary.images === 0 ? 0 : 1 - summary.alreadyMisclassified / summary.images;
  return html`<section>
<h2>How far the mistakes are</h2>
<div class="plots">
<figure><h3>Distribution of distortions</h3>${plotPair(plots.histogram, `Histogram of the distortions of ${plural(found.length, 'adversarial image')}; quartiles ${quartiles.join(', ')}.`)}
<figcaption>Quartiles ${quartiles.join(' · ')}. Smallest ${formatDistortion(values[0] ?? null)}, largest ${formatDistortion(
    values.at(-1) ?? null,
  )}.</figcaption></figure>
<figure><h3>Robust accuracy</h3>${plotPair(plots.robustness, `Step curve of the share of images still right, falling from ${formatShare(clean)} as the distortion grows.`)}
<figcaption>Of all ${plural(summary.images, 'image')}. Starts at ${formatShare(clean)}, the ordinary accuracy on them. An upper bound: images
without a mistake found count as right.</figcaption></figure>
</div>
</section>`;
}

function plotPair({ wide, narrow }: PagePlot, description: string): Html {
  const inline = (svg: string, kind: string): Html =>
    trusted(html`<div class="${kind}" role="img" aria-label="${description}">${trusted(bare(svg))}</div>`.markup);
  return html`<div class="plot">${inline(wide, 'wide')}${inline(narrow, 'narrow')}</div>`;
}

/** Inside HTML an SVG needs no namespaces, and its size follows the column. */
function bare(svg: string): string {
  return svg
    .replace(/ xmlns(:xlink)?="[^"]*"/g, '')
    .replace(/ version="1.1"/, '')
    .replace(/(<svg[^>]*?) width="[\d.]+" height="[\d.]+"/, '$1')
    .replace('<svg', '<svg aria-hidden="true"');
}

export function confusionSection(found: readonly FoundExample[], className: ClassName): Html | null {
  if (found.length < 2) return null;
  const changes = confusion(found);
  const { classes, pairs } = changes;
  const common = table({
    caption:
      pairs.length > COMMON_PAIRS
        ? `The ${COMMON_PAIRS} commonest of ${formatCount(pairs.length)} changes`
        : 'All changes',
    columns: [
      { label: 'Right class' },
      { label: 'Became' },
      { label: 'Images', numeric: true },
      { label: 'Share', numeric: true },
    ],
    rows: pairs.slice(0, COMMON_PAIRS).map(({ from, to, count }) =>
      [className(from), className(to), formatCount(count), formatShare(count / found.length)].map((content) => ({
        content,
      })),
    ),
  });
  return html`<section>
<h2>Which classes lie close together</h2>
<p class="note">From the right class to the class answered on the adversarial image.</p>
<div class="classes">${classes.length <= HEAT_MAP_CLASSES && heatMap(changes, className)}${common}</div>
</section>`;
}

/** Cells are tinted no deeper than their figures stay readable on, in light and in dark. */
function heatMap({ classes, counts, pairs }: Confusion, className: ClassName): Html {
  const largest = pairs[0]?.count ?? 1;
  const cell = (i: number, j: number): Html => {
    const count = counts[i]?.[j] ?? 0;
    if (count === 0) return i === j ? html`<td class="same">·</td>` : html`<td></td>`;
    const tint = Math.round(8 + 47 * (count / largest));
    return html`<td style="background: color-mix(in oklab, var(--heat) ${tint}%, var(--sheet))">${formatCount(count)}</td>`;
  };
  return html`<div class="scroll" role="region" aria-label="Changes from class to class" tabindex="0"><table class="heat">
<caption>Images, from row to column</caption>
<thead><tr><td class="same"></td>${classes.map((to) => html`<th scope="col">${className(to)}</th>`)}</tr></thead>
<tbody>${classes.map(
    (from, i) => html`<tr><th scope="row">${className(from)}</th>${classes.map((_, j) => cell(i, j))}</tr>\n`,
  )}</tbody></table></div>`;
}

export function unsolvedNote(examples: readonly AttackExample[], className: ClassName): Html | null {
  const unsolved = examples.filter((example) => example.status !== 'already-misclassified' && !isFound(example));
  if (unsolved.length === 0) return null;
  const listed = unsolved.slice(0, 50).map(({ index, label, status }) => `#${index} (${className(label)}, ${status})`);
  const more = unsolved.length - listed.length;
  return html`<details><summary>${plural(unsolved.length, 'image')} without a mistake found</summary>
<p>${listed.join(', ')}${more > 0 && `, and ${formatCount(more)} more`}.</p></details>`;
}

export function proofSection(examples: readonly AttackExample[], className: ClassName): Html | null {
  if (examples.length === 0) return null;
  const targeted = examples.some(({ target }) => target !== null);
  const columns = [
    { label: 'Image', numeric: true },
    { label: 'Class' },
    ...(targeted ? [{ label: 'Wanted' }] : []),
    { label: 'Before' },
    { label: 'After' },
    { label: 'Distortion', numeric: true, explanation: 'Root mean square change of a pixel' },
    { label: 'L2', numeric: true },
    { label: 'Hard margin', numeric: true, explanation: 'Of the delivered pixels; adversarial below 0' },
    { label: 'KKT residual', numeric: true, explanation: 'Relative; near 0 at a local minimum' },
    { label: 'At 8 bits', explanation: 'The verdict after rounding to 8 bits' },
    { label: 'Evaluations', numeric: true },
    { label: 'Starts', numeric: true },
    { label: 'Status' },
  ];
  const rows = examples.slice(0, PROOF_ROWS).map((example) => {
    const number = (value: number | null, content: HtmlValue) => ({ content, sortBy: value });
    const name = (index: number) => ({ content: className(index), sortBy: index });
    return [
      number(example.index, String(example.index)),
      name(example.label),
      ...(targeted ? [example.target === null ? { content: '–', sortBy: null } : name(example.target)] : []),
      name(example.cleanPrediction),
      name(example.prediction),
      number(example.distortion, formatDistortion(example.distortion)),
      number(example.l2, formatL2(example.l2)),
      number(example.margin, formatMargin(example.margin)),
      number(example.kktResidual, formatScientific(example.kktResidual)),
      { content: eightBitVerdict(example, className), sortBy: eightBitRank(example) },
      number(example.evaluations, formatCount(example.evaluations)),
      number(example.starts, formatCount(example.starts)),
      { content: example.status },
    ];
  });
  const cut = examples.length > PROOF_ROWS;
  return html`<section>
<h2>Every result carries its proof</h2>
<p class="note">Success is judged by the unchanged model on the very pixels delivered, never by the search itself.</p>
<details><summary>Table of ${cut ? `the first ${formatCount(PROOF_ROWS)} of ` : ''}${plural(examples.length, 'image')}</summary>
${table({ caption: 'Click a heading to sort.', columns, rows, sortable: true })}
</details>
</section>`;
}

function eightBitRank(example: AttackExample): number | null {
  return isFound(example) ? Number(example.quantized.success) : null;
}

function eightBitVerdict(example: AttackExample, className: ClassName): HtmlValue {
  if (!isFound(example)) return '–';
  const { success, prediction } = example.quantized;
  return success
    ? html`<span class="good">holds</span>, ${className(prediction)}`
    : html`<span class="bad">lost</span>, ${className(prediction)}`;
}

export function settingsSection(
  summary: AttackSummary,
  imageShape: readonly number[],
  context: AttackReportContext,
  figures: readonly string[],
): Html {
  const path = (name: string, at: string | undefined): string =>
    at === undefined || at === name ? name : `${name} (${at})`;
  const entries: (readonly [string, HtmlValue])[] = [
    ['Model', path(context.model.name, context.model.path)],
    ['Data', path(context.data.name, context.data.path)],
    ['Images', `${formatCount(summary.images)}, each ${imageShape.join(' × ')} values`],
    ['Method', summary.method],
    ['Effort', summary.effort],
    ['Target', summary.target],
    ['Seed', String(summary.seed)],
    ['Kernel', `${summary.kernel}, ${summary.instructionSet}`],
    ['Provider', summary.provider],
    ['Workers', formatCount(summary.workers)],
    ['Time', formatSeconds(summary.seconds)],
    ...Object.entries(context.settings ?? {}).map(([name, value]) => [name, String(value ?? '–')] as const),
    [
      'Versions',
      Object.entries(summary.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(' · '),
    ],
    ...(context.createdAt === undefined ? [] : [['Created', context.createdAt.toISOString()] as const]),
  ];
  return html`<section>
<h2>To do it again</h2>
${context.commandLine !== undefined && html`<pre><code>${context.commandLine}</code></pre>`}
${definitions(entries)}
${
  figures.length > 0 &&
  html`<p class="note files">Figures for print: ${figures.map(
    (name, i) => html`${i > 0 && ', '}<a href="figures/${name}">figures/${name}</a>`,
  )}.</p>`
}
</section>`;
}
