import { fileURLToPath } from 'node:url';

// webpack takes the worker of `new Worker(new URL(…))` and the files of `new URL(…, import.meta.url)` along by itself.
export default {
  mode: 'production',
  entry: './main.js',
  output: { path: fileURLToPath(new URL('out', import.meta.url)), filename: '[name].js', clean: true },
  // The model and ONNX Runtime's WebAssembly are larger than what webpack recommends for scripts.
  performance: { hints: false },
};
