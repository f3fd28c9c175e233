/** The sections of an attack report that show images: three landmarks large, then a gallery from near to far. */
import { type AttackPictures, isSmall, type Triple } from './attack_pictures.ts';
import { divergingGradient } from './colour_map.ts';
import { dataUri } from './data_uri.ts';
import { type Html, html, trusted } from './html.ts';
import { formatCount, formatDistortion, formatL2 } from './number_format.ts';
import { perturbationRange } from './picture.ts';

export type ClassName = (index: number) => string;

/** Width at which images of this size are shown, a whole multiple of small ones so that pixels stay square. */
function displaySide(pictures: AttackPictures, wanted: number): number {
  const { width } = pictures.layout;
  return isSmall(pictures.layout) ? width * Math.max(1, Math.round(wanted / width)) : wanted;
}

function sideStyle(pictures: AttackPictures): Html {
  const [small, large] = isSmall(pictures.layout) ? [84, 112] : [112, 116];
  return html`style="--small: ${displaySide(pictures, small)}px; --large: ${displaySide(pictures, large)}px"`;
}

export function landmarkSection(pictures: AttackPictures, className: ClassName): Html | null {
  if (pictures.landmarks === null) return null;
  const { first, middle, last } = pictures.landmarks;
  const cards: [title: string, rank: string, triple: Triple][] =
    first === last
      ? [['The example found', 'the only one', first]]
      : [
          ['Nearest', 'the smallest distortion of all', first],
          ['Typical', 'the median distortion', middle],
          ['Farthest', 'the largest distortion of all', last],
        ];
  return html`<section ${pixelated(pictures)} ${sideStyle(pictures)}>
<h2>How the mistakes look</h2>
<p class="note">The image, the change that the search added to it, and what the model then sees.</p>
<div class="landmarks">${cards.map(
    ([title, rank, triple]) => html`<div><h3>${title}</h3>
<p class="rank">${rank}</p>${tripleFigure(triple, pictures, className, true)}</div>\n`,
  )}</div>
${colourKey(pictures)}
</section>`;
}

export function gallerySection(pictures: AttackPictures, found: number, className: ClassName): Html | null {
  if (pictures.gallery.length < 2) return null;
  const shown = pictures.gallery.length;
  const choice =
    shown === found
      ? html`All ${formatCount(found)} examples, from the smallest distortion to the largest.`
      : html`${formatCount(shown)} of ${formatCount(found)} examples at evenly spaced ranks, from the smallest distortion to the
largest.`;
  return html`<section ${pixelated(pictures)} ${sideStyle(pictures)}>
<h2>Examples</h2>
<p class="note">${choice} Each: original, change\u00a0×\u00a0${formatMagnification(pictures)}, adversarial image.</p>
${colourKey(pictures)}
<div class="gallery">${pictures.gallery.map(
    (triple) => html`${tripleFigure(triple, pictures, className, false)}\n`,
  )}</div>
</section>`;
}

function pixelated(pictures: AttackPictures): Html {
  return trusted(isSmall(pictures.layout) ? 'class="pixelated"' : '');
}

export function formatMagnification({ magnification }: { magnification: number }): string {
  return magnification < 1000 ? String(magnification) : formatCount(magnification);
}

function tripleFigure(
  { example, original, perturbation, adversarial }: Triple,
  pictures: AttackPictures,
  className: ClassName,
  captioned: boolean,
): Html {
  const before = className(example.cleanPrediction);
  const after = className(example.prediction);
  const factor = formatMagnification(pictures);
  const picture = (png: Uint8Array, alt: string, words: string): Html =>
    html`<div><img src="${trusted(dataUri(png))}" alt="${alt}"${size(pictures)}>${captioned && html`<small>${words}</small>`}</div>`;
  return html`<figure class="example"><div class="triple">${picture(
    original,
    `Image ${example.index}, answered ${before}`,
    'original',
  )}${picture(perturbation, `Its change, magnified ${factor} times`, `change\u00a0×\u00a0${factor}`)}${picture(
    adversarial,
    `Adversarial image, answered ${after}`,
    'adversarial',
  )}</div>
<figcaption><div class="change">${change(before, after)}${
    !example.quantized.success &&
    html` <span class="tag bad" title="Rounded to 8 bits, the image is no longer adversarial">lost at 8 bits</span>`
  }</div><div class="sizes"><span>distortion ${formatDistortion(example.distortion)}</span><span>L2 ${formatL2(
    example.l2,
  )}</span><span>#${example.index}</span></div></figcaption></figure>`;
}

function size({ layout }: AttackPictures): Html {
  return html` width="${layout.width}" height="${layout.height}"`;
}

function change(before: string, after: string): Html {
  return html`${before}<span class="arrow" role="img" aria-label="becomes"> → </span>${after}`;
}

function colourKey(pictures: AttackPictures): Html {
  const limit = changeLimit(pictures);
  const factor = formatMagnification(pictures);
  if (pictures.layout.channels === 3) {
    return html`<div class="key"><span>Changes are magnified ${factor} times around mid-grey, all alike: grey is unchanged, full colour a
change of ${limit} or more.</span></div>`;
  }
  return html`<div class="key"><span class="scale"><span>−${limit} darker</span><span class="ramp" style="background: ${divergingGradient()}"
role="img" aria-label="Blue: darker; grey: unchanged; orange: brighter"></span><span>+${limit} brighter</span></span><span>Grey is unchanged.
Magnified ${factor} times, all alike.</span></div>`;
}

/** The change from which on a perturbation has its full colour. */
export function changeLimit({ layout, magnification }: AttackPictures): string {
  return String(Number((perturbationRange(layout) / magnification).toPrecision(2)));
}
