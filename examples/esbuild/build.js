// esbuild leaves `new URL(…, import.meta.url)` as it is: what is fetched at run time is copied, and worker.js says where it is.
import { cp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const { resolve } = createRequire(import.meta.url);

await rm('out', { recursive: true, force: true });
await build({
  entryPoints: ['main.js', 'worker.js'],
  outdir: 'out',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  target: 'es2023',
  loader: { '.onnx': 'file', '.png': 'file' },
  // ONNX Runtime asks for them in Node alone.
  external: ['module', 'node:*', 'worker_threads'],
});
await cp(resolve('blindspot/blindspot.wasm'), 'out/blindspot.wasm');
for (const file of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
  await cp(resolve(`onnxruntime-web/${file}`), `out/${file}`);
}
