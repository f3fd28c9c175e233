import { useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useNearestMistake } from './use_nearest_mistake.js';

function App() {
  const [model, setModel] = useState();
  const [image, setImage] = useState();
  const canvas = useRef(null);
  useEffect(() => {
    fetchedModel(new URL('../mnist/fc100-100-10.onnx', import.meta.url)).then(setModel);
    pixels(new URL('../mnist/digits/7/7.png', import.meta.url)).then(setImage);
  }, []);
  const { example, adversarial, error } = useNearestMistake(model, image);
  useEffect(() => {
    if (adversarial) draw(canvas.current, adversarial);
  }, [adversarial]);
  return (
    <>
      <h1>How far is a seven from a mistake?</h1>
      <canvas ref={canvas} width="28" height="28" role="img" aria-label="The seven that is taken for something else" />
      <p id="answer">
        {error
          ? `The search could not run: ${error}`
          : example
            ? `At a distortion of ${example.distortion.toFixed(4)} the ${example.label} is taken for a ${example.prediction}.`
            : 'Searching…'}
      </p>
    </>
  );
}

createRoot(document.getElementById('root')).render(<App />);

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

function draw(canvas, grey) {
  const image = new ImageData(28, 28);
  for (const [at, value] of grey.entries()) image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * at);
  canvas.getContext('2d').putImageData(image, 0, 0);
}
