import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  // Files of other sizes are not written into the script, where a content security policy may forbid to fetch them.
  build: { assetsInlineLimit: 0, target: 'es2023' },
  worker: { format: 'es' },
  // Development serves modules as they are, so that `new URL(…, import.meta.url)` finds the .wasm files beside them.
  optimizeDeps: { exclude: ['blindspot', 'onnxruntime-web'] },
});
