/** What the browser test of the package's web entry runs inside the page, importing what a browser user imports. */
import { type AttackSummary, attack } from '../index_web.ts';

export interface AttackPage {
  /** Plain arrays, to cross from Node and back. */
  attack(request: { model: number[]; images: number[]; labels: number[]; wasm: string }): Promise<{
    summary: AttackSummary;
    adversarial: number[];
  }>;
}

declare global {
  var attackPage: AttackPage;
}

globalThis.attackPage = {
  async attack({ model, images, labels, wasm }) {
    const data = { images: Float32Array.from(images), labels };
    const { summary, adversarial } = await attack(Uint8Array.from(model), data, { wasm });
    return { summary, adversarial: [...adversarial] };
  },
};
