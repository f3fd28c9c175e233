/** The words of an attack report, explained to someone who meets adversarial examples for the first time. */
import { type Html, html } from './html.ts';
import { formatCount } from './number_format.ts';

interface Entry {
  term: string;
  meaning: Html;
}

const entries = (n: number, magnification: number | null): Entry[] => [
  {
    term: 'Adversarial example',
    meaning: html`An image changed so slightly that a person sees the same thing, and that the model answers wrongly. Every
pixel stays within its range, 0 (black) to 1 (white).`,
  },
  {
    term: 'Distortion',
    meaning: html`<span class="formula">√( Σ (x′ − x)² / n )</span>: how much a pixel changes, as a root mean square over the n =
${formatCount(n)} values of an image. 0.01 is 2.55 of the 255 grey levels. The smaller the distortion, the nearer the mistake.`,
  },
  ...(magnification === null ? [] : [magnifiedChange(magnification)]),
  {
    term: 'L2',
    meaning: html`<span class="formula">√( Σ (x′ − x)² )</span>: the length of the change as a vector; √n times the distortion, here
${Number(Math.sqrt(n).toPrecision(4))} times.`,
  },
  {
    term: 'Already misclassified',
    meaning: html`The model is wrong about the image itself, before any change. Its distortion is 0; it is reported apart and
left out of all means.`,
  },
  {
    term: 'Robust accuracy at d',
    meaning: html`The share of all images that stay rightly answered when an adversary may spend a distortion of up to d. At d =
0 it is the ordinary accuracy. An attack shows that mistakes exist, never that none do: the curve is an upper bound.`,
  },
  {
    term: 'Hard margin',
    meaning: html`By how much the right class leads in the model's raw scores (logits); for a wanted class, by how much the best
other class leads it. Below 0 the example is adversarial. Judged by the unchanged model on the very pixels delivered.`,
  },
  {
    term: 'KKT residual',
    meaning: html`How far the result is from meeting the conditions of a local minimum (Karush, Kuhn & Tucker), relative to its
size. Near 0, no small step within the pixel range brings the image closer to the original.`,
  },
  {
    term: '8-bit survival',
    meaning: html`Whether the example still fools the model after its pixels are rounded to 256 levels, as an image file holds
them. The smallest changes lie right at the boundary, and rounding may undo them.`,
  },
  {
    term: 'Evaluations',
    meaning: html`How often the model and its gradient were computed for one image: the cost of the search that no machine
changes.`,
  },
];

function magnifiedChange(magnification: number): Entry {
  return {
    term: `Change\u00a0×\u00a0${magnification}`,
    meaning: html`The adversarial image minus the original, made ${magnification} times as strong for the eye to see: mid-grey where nothing
changed. One factor serves all pictures of a report, so that they may be compared.`,
  };
}

/** `n`: values in an image; `magnification`: of the changes shown, null when there are none. */
export function glossary(n: number, magnification: number | null): Html {
  return html`<dl class="glossary">${entries(n, magnification).map(
    ({ term, meaning }) => html`<div><dt>${term}</dt><dd>${meaning}</dd></div>\n`,
  )}</dl>`;
}
