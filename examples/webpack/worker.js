import { attack } from 'blindspot/web';

addEventListener('message', async ({ data: { model, image } }) => {
  const { examples, adversarial } = await attack(model, { images: image });
  postMessage({ example: examples[0], adversarial });
});
