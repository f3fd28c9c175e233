const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const say = (text) => {
  document.querySelector('#answer').textContent = text;
};

worker.addEventListener('error', ({ message }) => say(`The search could not run: ${message}`));
worker.addEventListener('message', ({ data: { example, adversarial } }) => {
  const { label, prediction, distortion } = example;
  say(`At a distortion of ${distortion.toFixed(4)} the ${label} is taken for a ${prediction}.`);
  draw(adversarial);
});

const model = await fetchedModel(new URL('../mnist/fc100-100-10.onnx', import.meta.url));
const image = await pixels(new URL('../mnist/digits/7/7.png', import.meta.url));
worker.postMessage({ model, image });

async function fetchedModel(address) {
  return new Uint8Array(await (await fetch(address)).arrayBuffer());
}

/** Grey levels in [0, 1], as the network takes them. */
async function pixels(address) {
  const bitmap = await createImageBitmap(await (await fetch(address)).blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return Float32Array.from({ length: data.length / 4 }, (_, at) => data[4 * at] / 255);
}

function draw(grey) {
  const image = new ImageData(28, 28);
  for (const [at, value] of grey.entries()) image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * at);
  document.querySelector('canvas').getContext('2d').putImageData(image, 0, 0);
}
