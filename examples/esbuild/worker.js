import { attack } from 'blindspot/web';

const here = (file) => new URL(file, import.meta.url).href;

addEventListener('message', async ({ data: { model, image } }) => {
  const places = { wasm: here('blindspot.wasm'), assets: here('./') };
  const { examples, adversarial } = await attack(model, { images: image }, places);
  postMessage({ example: examples[0], adversarial });
});
