/**
 * The page as static files with relative addresses, in dist/site. Its data are made here: the networks and photos of
 * examples/, some MNIST test images, the tables of docs/reproduction.md and the figures of docs/benchmarks.json.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { loadMnist } from '../data/mnist.ts';
import { PAGE_STYLE } from '../report/page_style.ts';
import { pickDigits, quizFile } from './digits.ts';
import { reproductionTables } from './paper/reproduction_tables.ts';
import { nativeFigures } from './speed/native_figures.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const REPORT_STYLE = 'virtual:report.css';

export default defineConfig({
  root: `${root}ts/site`,
  base: './',
  logLevel: 'warn',
  // The page runs ONNX Runtime's smallest build: without this the 27 MB of the one for WebGPU would come along.
  resolve: { alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' } },
  worker: { format: 'es', rollupOptions: { output: { assetFileNames: assetName } } },
  build: {
    outDir: `${root}dist/site`,
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rollupOptions: { output: { assetFileNames: assetName } },
  },
  plugins: [reportStyle(), siteData()],
});

/** ONNX Runtime's files keep their names, so that a server can take them from its package. */
function assetName({ names }: { names: readonly string[] }): string {
  return names.some((name) => name.startsWith('ort-')) ? 'ort/[name][extname]' : 'assets/[name]-[hash][extname]';
}

/** The reports' own style, as a style sheet. */
function reportStyle(): Plugin {
  return {
    name: 'report-style',
    resolveId: (id) => (id === REPORT_STYLE ? `\0${REPORT_STYLE}` : null),
    load: (id) => (id === `\0${REPORT_STYLE}` ? PAGE_STYLE : null),
  };
}

function siteData(): Plugin {
  return {
    name: 'site-data',
    async generateBundle() {
      const emit = (fileName: string, source: string | Uint8Array): void => {
        this.emitFile({ type: 'asset', fileName, source });
      };
      const copy = (from: string, to: string): void => emit(to, readFileSync(root + from));
      const wasm = 'dist/wasm/blindspot.wasm';
      if (!existsSync(root + wasm)) this.error(`the page needs ${wasm}: run "node scripts/build --wasm" first`);
      copy(wasm, 'data/blindspot.wasm');
      for (const name of ['fc100-100-10', 'fc10', 'convnet', 'ae400-10'])
        copy(`examples/mnist/${name}.onnx`, `data/${name}.onnx`);
      copy('examples/imagenet/mobilenet_v1_0.25_224.onnx', 'data/mobilenet.onnx');
      copy('examples/imagenet/classes.json', 'data/imagenet_classes.json');
      for (const photo of readdirSync(`${root}examples/imagenet/photos`)) {
        copy(`examples/imagenet/photos/${photo}`, `data/photos/${photo}`);
      }
      const digits = await loadMnist({ split: 'test', count: 1000 });
      emit('data/digits.bin', pickDigits(digits));
      emit('data/quiz_digits.bin', quizFile(digits));
      const reproduction = reproductionTables(readFileSync(`${root}docs/reproduction.md`, 'utf8'));
      emit('data/reproduction.json', JSON.stringify(reproduction));
      copy('docs/reproduction/examples.json', 'data/paper_examples.json');
      emit('data/native.json', JSON.stringify(nativeFigures(readFileSync(`${root}docs/benchmarks.json`, 'utf8'))));
    },
  };
}
