import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { AttackOutcome } from '../attack/result.ts';
import type { AttackReportContext } from './attack_page.ts';
import { type AttackReport, renderAttackReport } from './attack_report.ts';
import { formatDistortion, formatL2, formatMean, formatSeconds, formatShare } from './number_format.ts';
import { digitOutcome, example, outcomeOf } from './outcome.fixture.ts';
import { reported } from './reported_attack.ts';

const context: AttackReportContext = {
  model: { name: 'fc100-100-10', path: 'out/fc/model.onnx' },
  data: { name: 'MNIST test' },
  commandLine: 'npx blindspot attack --model out/fc/model.onnx --data mnist --count 100 --out out/a',
};

const images = (html: string): Uint8Array[] =>
  [...html.matchAll(/<img src="data:image\/png;base64,([^"]+)"/g)].map((match) =>
    Buffer.from(match[1] ?? '', 'base64'),
  );

const withoutPixels = (html: string): string => html.replaceAll(/data:image\/png;base64,[^"]+/g, 'data:image/png');

/** What every report owes its reader, whatever the outcome. */
async function expectSound({ html, figures }: AttackReport): Promise<void> {
  for (const png of images(html)) {
    const { format, width } = await sharp(png).metadata();
    expect(format).toBe('png');
    expect(width).toBeGreaterThan(0);
    await sharp(png).raw().toBuffer();
  }
  for (const { name, png } of figures) {
    expect(name).toMatch(/^[a-z_]+\.png$/);
    expect((await sharp(png).metadata()).format).toBe('png');
  }
  const markup = withoutPixels(html);
  expect(markup.match(/https?:|["'(]\/\/|@import|<link(?! rel="icon" href="data:,")/gi)).toBeNull();
  for (const [, url] of markup.matchAll(/\b(?:src|href)="([^"]*)"/g)) expect(url).toMatch(/^(data:|figures\/)/);
  for (const [tag] of markup.matchAll(/<img[^>]*>/g)) expect(tag).toMatch(/ alt="[^"]+"/);
  expect(markup.match(/.{0,40}(undefined|NaN|Infinity|\[object|>null<).{0,40}/g)).toBeNull();
  const ids = [...markup.matchAll(/\bid="([^"]+)"/g)].map((match) => match[1]);
  expect(new Set(ids).size).toBe(ids.length);
  expect(markup.match(/<h1/g)).toHaveLength(1);
  for (const tag of ['div', 'section', 'figure', 'table', 'tr', 'td', 'dl', 'details', 'span', 'p', 'svg', 'g']) {
    const opened = markup.match(new RegExp(`<${tag}[\\s>]`, 'g'))?.length ?? 0;
    expect([tag, markup.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0]).toEqual([tag, opened]);
  }
}

describe('report of a hundred digits', async () => {
  const outcome = digitOutcome(100);
  const report = await renderAttackReport(reported(outcome), context);
  const { summary } = outcome;
  const markup = withoutPixels(report.html);

  it('is sound', () => expectSound(report));

  it('states every figure of the summary and every setting', () => {
    const expected = [
      formatShare(summary.successRate),
      `${summary.succeeded} of ${summary.images - summary.alreadyMisclassified}\u00a0images attacked`,
      formatL2(summary.meanL2),
      formatL2(summary.medianL2),
      formatDistortion(summary.meanDistortion),
      formatShare(summary.quantizedSuccessRate),
      formatMean(summary.evaluationsPerImage),
      formatSeconds(summary.secondsPerImage),
      `>${summary.alreadyMisclassified}<`,
      'How far is this model from a mistake?',
      context.commandLine ?? '',
      'out/fc/model.onnx',
      'MNIST test',
      'native, avx2',
      'boundary',
      'blindspot 0.1.0 · onnxruntime 1.30.0 · node 20.20.0',
    ];
    for (const text of expected) expect(markup).toContain(text);
  });

  it('shows landmarks and sixty examples from near to far, enlarged by whole pixels', () => {
    const gallery = markup.slice(markup.indexOf('class="gallery"'));
    expect(gallery.match(/<figure class="example">/g)).toHaveLength(60);
    expect(images(report.html)).toHaveLength(3 * (60 + 3));
    const shown = [...gallery.matchAll(/>distortion ([\d.]+)</g)].map((match) => Number(match[1]));
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
    const distortions = outcome.examples.flatMap(({ distortion, status }) =>
      status === 'converged' && distortion !== null ? [distortion] : [],
    );
    expect(gallery).toContain(`distortion ${formatDistortion(Math.min(...distortions))}`);
    expect(gallery).toContain(`distortion ${formatDistortion(Math.max(...distortions))}`);
    expect(markup).toContain('--small: 84px; --large: 112px');
    expect(markup).toContain('class="pixelated"');
  });

  it('shows the pixels themselves', async () => {
    const [original, , adversarial] = images(report.html.slice(report.html.indexOf('class="gallery"')));
    const nearest = outcome.examples
      .filter(({ status }) => status === 'converged')
      .sort((a, b) => (a.distortion ?? 0) - (b.distortion ?? 0))[0];
    const start = (nearest?.index ?? 0) * 784;
    for (const [png, pixels] of [
      [original, outcome.originals],
      [adversarial, outcome.adversarial],
    ] as const) {
      const { data, info } = await sharp(png).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
      expect(info).toMatchObject({ width: 28, height: 28, channels: 1 });
      expect([...data]).toEqual(Array.from(pixels.subarray(start, start + 784), (value) => Math.round(value * 255)));
    }
  });

  it('tells before from after, and which examples an image file would lose', () => {
    const lost = outcome.examples.find(({ status, quantized }) => status === 'converged' && !quantized.success);
    expect(lost).toBeDefined();
    const shown = markup.split('<figure class="example">').find((figure) => figure.includes(`#${lost?.index}<`)) ?? '';
    expect(shown).toContain('lost at 8 bits');
    expect(shown).toContain(`alt="Image ${lost?.index}, answered ${lost?.label}"`);
    expect(shown).toMatch(/alt="Its change, magnified [\d.]+ times"/);
    expect(shown).toContain(`alt="Adversarial image, answered ${lost?.prediction}"`);
    expect(markup.match(/lost at 8 bits/g)?.length).toBeLessThan(60);
  });

  it('gives the proof of every image in a sortable table', () => {
    const body = markup.slice(markup.indexOf('class="sortable"'));
    expect(body.slice(0, body.indexOf('</table>')).match(/<tr>/g)).toHaveLength(101);
    for (const heading of ['Hard margin', 'KKT residual', 'At 8 bits']) expect(body).toContain(`>${heading}</button>`);
  });

  it('comes with figures for print', async () => {
    expect(report.figures.map(({ name }) => name)).toEqual(['examples.png', 'distortions.png', 'robust_accuracy.png']);
    for (const { name, png } of report.figures) {
      expect(markup).toContain(`href="figures/${name}"`);
      expect((await sharp(png).metadata()).width).toBeGreaterThanOrEqual(1000);
      expect(png.length).toBeLessThan(400_000);
    }
  });

  it('stays small', () => expect(report.html.length).toBeLessThan(500_000));

  it('gives the same bytes again', async () => {
    const again = await renderAttackReport(reported(outcome), context);
    expect(again.html).toBe(report.html);
    expect(again.figures).toEqual(report.figures);
  });
});

describe('other outcomes', () => {
  const pixels = (count: number, value: number) => new Float32Array(count).fill(value);
  const render = async (outcome: AttackOutcome, more: Partial<AttackReportContext> = {}) =>
    await renderAttackReport(reported(outcome), { ...context, ...more });

  it('one image', async () => {
    const report = await render(digitOutcome(1));
    await expectSound(report);
    expect(images(report.html)).toHaveLength(3);
    expect(report.figures).toHaveLength(3);
  });

  it('no success: says so, and that it proves nothing', async () => {
    const failed = { success: false, l2: null, distortion: null, kktResidual: null } as const;
    const examples = [
      example(0, { ...failed, status: 'budget' }),
      example(1, { ...failed, status: 'not-finite', margin: Number.NaN }),
    ];
    const report = await render(outcomeOf(examples, [4], pixels(8, 0.5), pixels(8, 0.5)));
    await expectSound(report);
    expect(report.html).toContain('No mistake was found');
    expect(report.html).toContain('2\u00a0images without a mistake found');
    expect(report.html).toContain('#1 (0, not-finite)');
    expect(report.figures).toEqual([]);
    expect(images(report.html)).toEqual([]);
  });

  it('all already misclassified: nothing was left to attack', async () => {
    const examples = [0, 1, 2].map((i) => example(i, { l2: 0, distortion: 0, status: 'already-misclassified' }));
    const report = await render(outcomeOf(examples, [2, 2], pixels(12, 0), pixels(12, 0)));
    await expectSound(report);
    expect(report.html).toContain('all 3\u00a0images are answered wrongly before any change');
    expect(report.figures).toEqual([]);
  });

  it('no images', async () => {
    await expectSound(await render(outcomeOf([], [1, 28, 28], pixels(0, 0), pixels(0, 0))));
  });

  it('some failures: the curve ends above zero and they are listed', async () => {
    const examples = [
      example(0),
      example(1, { distortion: 0.03, l2: 0.84 }),
      example(2, { success: false, l2: null, distortion: null, kktResidual: null, status: 'failed' }),
      example(3, { l2: 0, distortion: 0, status: 'already-misclassified' }),
    ];
    const report = await render(outcomeOf(examples, [1, 2, 2], pixels(16, 0.2), pixels(16, 0.3)));
    await expectSound(report);
    expect(report.html).toContain('1\u00a0image without a mistake found');
    expect(report.html).toContain('images for which a mistake was found');
    expect(report.html).toContain(`falling from ${formatShare(0.75)}`);
  });

  it('colour images larger than the page shows: made smaller, with names of classes and wanted classes', async () => {
    const side = 200;
    const size = 3 * side * side;
    const originals = Float32Array.from({ length: 2 * size }, (_, i) => 0.5 + 0.4 * Math.sin(i / 97));
    const adversarial = originals.map((value, i) => value + 0.01 * Math.sin(i));
    const examples = [
      example(0, { target: 1 }),
      example(1, { target: 1, distortion: 0.01, l2: 3.46, quantized: { success: false, prediction: 0 } }),
    ];
    const report = await render(outcomeOf(examples, [3, side, side], originals, adversarial), {
      classNames: ['ostrich, Struthio camelus', 'school bus'],
    });
    await expectSound(report);
    expect((await sharp(images(report.html)[0]).metadata()).width).toBe(160);
    expect(report.html).toContain('ostrich, Struthio camelus');
    expect(report.html).toContain('>Wanted</button>');
    expect(report.html).toContain('around mid-grey');
    expect(report.html).not.toContain('class="pixelated"');
  });

  it('many classes: the commonest changes instead of a heat map', async () => {
    const examples = Array.from({ length: 30 }, (_, i) =>
      example(i, { label: i, prediction: i + 1, cleanPrediction: i }),
    );
    const report = await render(outcomeOf(examples, [4], pixels(120, 0.2), pixels(120, 0.4)));
    await expectSound(report);
    expect(report.html).not.toContain('class="heat"');
    expect(report.html).toContain('The 10 commonest of 30 changes');
  });

  it('names from outside are escaped everywhere', async () => {
    const evil = `<script>alert("x")</script>&'`;
    const report = await render(outcomeOf([example(0), example(1)], [4], pixels(8, 0.2), pixels(8, 0.4)), {
      model: { name: evil, path: evil },
      data: { name: evil },
      commandLine: evil,
      classNames: [evil, evil],
      settings: { [evil]: evil },
    });
    await expectSound(report);
    expect(report.html).not.toContain('<script>alert');
    expect(report.html).not.toContain('alert("x")');
    expect(
      report.html.match(/&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt;&amp;&#39;/g)?.length,
    ).toBeGreaterThan(8);
  });

  it('shows a date only when one is given', async () => {
    const outcome = outcomeOf([example(0)], [4], pixels(4, 0.2), pixels(4, 0.4));
    expect((await render(outcome)).html).not.toContain('Created');
    const dated = await render(outcome, { createdAt: new Date(Date.UTC(2024, 0, 2, 3, 4, 5)) });
    expect(dated.html).toContain('2024-01-02T03:04:05.000Z');
  });

  it('refuses pixels that do not fit the examples', async () => {
    await expect(render(outcomeOf([example(0)], [4], pixels(4, 0), pixels(8, 0)))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('1 × 4 = 4 values for adversarial but received 8'),
    });
  });
});
