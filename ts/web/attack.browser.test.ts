import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack as attackInNode } from '../attack/attack.ts';
import { classOf, linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import { type BrowserSession, openBrowserSession } from './browser_session.ts';

describe('the web entry in Chromium', () => {
  let session: BrowserSession;
  beforeAll(async () => {
    const wasm = new URL('../../dist/wasm/blindspot.wasm', import.meta.url);
    const entry = new URL('./attack_page.ts', import.meta.url);
    session = await openBrowserSession({ entry, files: { '/blindspot.wasm': wasm } });
  });
  afterAll(async () => {
    await session?.[Symbol.asyncDispose]();
  });

  it('attacks with onnxruntime-web and the wasm kernel as Node does', async () => {
    const data = linearImages(20, 2);
    const request = {
      model: [...linearModel()],
      images: [...data.images],
      labels: [...data.labels],
      wasm: '/blindspot.wasm',
    };
    const { summary, adversarial } = await session.page.evaluate(
      (given) => globalThis.attackPage.attack(given),
      request,
    );
    expect(summary).toMatchObject({ kernel: 'wasm', provider: 'wasm', successRate: 1, alreadyMisclassified: 2 });
    for (const [row, label] of request.labels.entries()) {
      expect(classOf(adversarial.slice(row * PIXELS, (row + 1) * PIXELS))).not.toBe(label);
    }
    const node = await attackInNode(linearModel(), data, { kernel: 'wasm' });
    expect(summary.meanL2).toBeCloseTo(node.summary.meanL2 as number, 5);
    expect(session.errors).toEqual([]);
  });
});
