// The nearest mistake of every image of a folder. Each image lies in a folder named by its class.
import { fileURLToPath } from 'node:url';
import { attack, loadData } from 'blindspot';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const data = await loadData(here('../mnist/digits'), { imageShape: [1, 28, 28] });
const { examples, summary } = await attack(here('../mnist/fc100-100-10.onnx'), data);

for (const { label, prediction, distortion, quantized } of examples) {
  const saved = quantized.success ? 'also when saved as a PNG' : 'not when saved as a PNG';
  console.log(`${label} is taken for ${prediction} at a distortion of ${distortion.toFixed(4)}, ${saved}`);
}
console.log(`found ${summary.successRate * 100} %, mean distortion ${summary.meanDistortion.toFixed(4)}`);
