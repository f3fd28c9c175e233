/** The experiments' results as one page, one Markdown document and one JSON file. */
import { html, page } from '../report/html.ts';
import { formatSeconds } from '../report/number_format.ts';
import { PAGE_STYLE } from '../report/page_style.ts';
import type { Block, Claim } from './document.ts';
import { blockHtml, DOCUMENT_STYLE } from './document_html.ts';
import { blockMarkdown } from './document_markdown.ts';
import type { AnyExperiment } from './experiment.ts';
import { EXPERIMENTS } from './experiments.ts';
import type { Reproduction } from './reproduce.ts';

const TITLE = 'Intriguing properties of neural networks, reproduced';
const PAPER =
  'Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow, Fergus: Intriguing properties of neural networks, arXiv 1312.6199, ICLR 2014';

interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

function sectionsOf({ finished }: Reproduction): Section[] {
  return finished.map(({ experiment, result, otherSeeds }) => ({
    id: experiment.name,
    title: experiment.title,
    blocks: blocksOf(experiment, result, otherSeeds),
  }));
}

function blocksOf(experiment: AnyExperiment, result: unknown, otherSeeds: readonly unknown[]): Block[] {
  const seeds = otherSeeds.length > 0 ? (experiment.renderSeeds?.([result, ...otherSeeds]) ?? []) : [];
  return [...experiment.render(result), ...seeds];
}

function claimsOf(sections: readonly Section[]): Claim[] {
  return sections.flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'claims' ? block.claims : [])));
}

/** What all of it comes to, in a sentence. */
function balance(claims: readonly Claim[]): string {
  const count = (verdict: Claim['verdict']) => claims.filter((claim) => claim.verdict === verdict).length;
  if (claims.length === 0) return 'The paper’s figures beside ours.';
  const verb = (number: number, one: string, many: string) => `${number} ${number === 1 ? one : many}`;
  return `Of ${verb(claims.length, 'statement', 'statements')} measured here, ${verb(count('holds'), 'holds', 'hold')}, ${verb(count('holds in part'), 'holds', 'hold')} in part and ${verb(count('does not hold'), 'does', 'do')} not.`;
}

function about({ settings, seeds, missing, versions }: Reproduction): string[] {
  const lines = [
    `${settings.images} images distorted for each model; ${seeds > 1 ? `seeds ${settings.seed} to ${settings.seed + seeds - 1} for tables 1 to 4, else ${settings.seed}` : `seed ${settings.seed}`}; blindspot ${versions['blindspot'] ?? ''}.`,
  ];
  lines.push(
    'Recipes were chosen by errors on the test images, without a validation split: about a dozen for the networks of table 1, five for the halves of tables 3 and 4, and two readings of the weight decay. Their test errors are that much optimistic (not those of section 4.2, whose recipes were chosen on held-out training images); the distortions and comparisons are not tuned.',
  );
  if (settings.profile === 'quick') {
    lines.push(
      `A quick run: ${settings.trainCount} training images, ${settings.epochs} epochs. It shows that everything works; its numbers say nothing about the paper.`,
    );
  }
  if (missing.length > 0) lines.push(`Interrupted before ${missing.join(', ')}; the same command goes on from here.`);
  return lines;
}

export function reportPage(reproduction: Reproduction): string {
  const sections = sectionsOf(reproduction);
  const figures = new Map(reproduction.finished.flatMap((finished) => [...finished.figures]));
  const body = html`<header class="masthead">
<p class="brand">blindspot <span>reproduction</span></p>
<h1>${TITLE}</h1>
<p class="lead">${balance(claimsOf(sections))}</p>
<p class="about">${PAPER}. Every value stands as ours (the paper’s), with 95 % intervals beneath percentages.</p>
${about(reproduction).map((line) => html`<p class="about">${line}</p>\n`)}
<ul class="contents">${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>\n`)}</ul>
</header>
<main>
${sections.map(
  ({ id, title, blocks }) => html`<section id="${id}">
<h2>${title}</h2>
${blocks.map((block) => blockHtml(block, figures))}</section>
`,
)}</main>
<footer><p>Made by “${commandOf(reproduction)}”${
    reproduction.seconds > 1 && html` in ${formatSeconds(reproduction.seconds)}, what earlier runs had done left out`
  }. ${Object.entries(reproduction.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.</p></footer>`;
  return page({ title: TITLE, style: PAGE_STYLE + DOCUMENT_STYLE, body });
}

/** @param figures folder of the figures, as seen from the document. */
export function reportMarkdown(reproduction: Reproduction, figures: string): string {
  const sections = sectionsOf(reproduction);
  const parts = [
    `# ${TITLE}\n`,
    `${PAPER}.\n`,
    `${balance(claimsOf(sections))} Every value stands as ours (the paper’s), with 95 % intervals beneath percentages.\n`,
    ...about(reproduction).map((line) => `${line}\n`),
    `Written by \`${commandOf(reproduction)}\`.\n`,
    ...sections.flatMap(({ title, blocks }) => [
      `## ${title}\n`,
      ...blocks.map((block) => blockMarkdown(block, figures)),
    ]),
  ];
  return parts.join('\n');
}

/** Every number, by experiment. */
export function reportJson({ settings, seeds, finished, missing, versions }: Reproduction): string {
  const experiments = Object.fromEntries(finished.map(({ experiment, result }) => [experiment.name, result]));
  const repeated = finished.filter(({ otherSeeds }) => otherSeeds.length > 0);
  const otherSeeds = Object.fromEntries(repeated.map((each) => [each.experiment.name, each.otherSeeds]));
  const claims = Object.fromEntries(
    finished.map((each) => [
      each.experiment.name,
      blocksOf(each.experiment, each.result, each.otherSeeds).flatMap((block) =>
        block.kind === 'claims' ? block.claims : [],
      ),
    ]),
  );
  return `${JSON.stringify({ settings, seeds, versions, missing, experiments, otherSeeds, claims }, undefined, 1)}\n`;
}

/** Some of the images that the tables count: a list of `ShownTable`. */
export function examplesJson({ finished }: Reproduction): string {
  return `${JSON.stringify(finished.flatMap(({ shown }) => shown ?? []))}\n`;
}

function commandOf({ settings, seeds, finished, missing }: Reproduction): string {
  const asked = [...finished.map(({ experiment }) => experiment.name), ...missing];
  return [
    'npx blindspot reproduce',
    ...(settings.profile === 'quick' ? ['--quick'] : []),
    ...(asked.length < EXPERIMENTS.length ? [`--only ${asked.join(',')}`] : []),
    ...(settings.seed === 0 ? [] : [`--seed ${settings.seed}`]),
    ...(seeds === 1 ? [] : [`--seeds ${seeds}`]),
    `--images ${settings.images}`,
  ].join(' ');
}
