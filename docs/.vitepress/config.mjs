/** The documentation as a site, in dist/docs: `npm run build:docs`. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const api = fileURLToPath(new URL('../api/', import.meta.url));

/** Links to the pages of one module that TypeDoc wrote, kind by kind. */
function pagesOf(module) {
  if (!existsSync(api + module)) return [];
  return ['functions', 'classes', 'interfaces', 'type-aliases', 'variables'].flatMap((kind) => {
    const folder = `${api}${module}/${kind}`;
    const names = existsSync(folder) ? readdirSync(folder).map((file) => file.replace('.md', '')) : [];
    return names.map((name) => ({ text: name, link: `/api/${module}/${kind}/${name}` }));
  });
}

export default defineConfig({
  title: 'blindspot',
  description: 'The smallest change to an input that makes a neural network answer wrongly, for any ONNX model.',
  base: process.env.DOCS_BASE ?? '/docs/',
  outDir: '../dist/docs',
  srcExclude: ['node_modules/**'],
  // Folders of the repository, beside the documents.
  ignoreDeadLinks: [/^(?:\.\/)?\.\.\/native\//],
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'API', link: '/api/index/functions/attack' },
      { text: 'The page', link: '../', target: '_self' },
    ],
    sidebar: {
      '/api/': [
        { text: 'blindspot', collapsed: false, items: pagesOf('index') },
        { text: 'blindspot/web', collapsed: true, items: pagesOf('index_web') },
      ],
      '/': [
        { text: 'Your own model in ten minutes', link: '/tutorial' },
        {
          text: 'How to',
          items: [
            { text: 'Say what the model takes', link: '/how-to/input' },
            { text: 'Use it in a browser', link: '/how-to/browser' },
            { text: 'Guard a pipeline', link: '/how-to/pipeline' },
            { text: 'Train against mistakes', link: '/how-to/training' },
          ],
        },
        { text: 'The algorithm', link: '/algorithm' },
        { text: 'Beside other libraries', link: '/comparison' },
        {
          text: 'What was measured',
          items: [
            { text: 'The paper, reproduced', link: '/reproduction' },
            { text: 'Speed', link: '/benchmarks' },
            { text: 'Quality', link: '/quality' },
          ],
        },
        { text: 'Decisions', link: '/adr/README' },
      ],
    },
  },
});
