/** `blindspot serve`: the page, on this machine. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { BlindspotError } from '../errors.ts';
import { startStaticServer } from '../serve/static_server.ts';
import { wholeNumber } from './option_parsers.ts';
import { ExitCode, type Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  npx blindspot serve
  npx blindspot serve --port 0          any port that is free

Models, pictures and searches stay in the browser. The folder dist/site is the same page for any other host: it is
static files with relative addresses.`;

/** @param finish takes the exit code. */
export function addServeCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('serve')
    .summary('open the page: find nearest mistakes in your browser')
    .description(
      'Serves the page on which nearest mistakes are found in the browser: MNIST digits, photos, pictures and models of yours. To this machine alone, until Ctrl-C.',
    )
    .option('--port <n>', 'of 127.0.0.1; 0 for any that is free', wholeNumber(0, 65_535), 8080)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: { port: number }) => finish(await runServe(flags.port, terminal)));
}

async function runServe(port: number, { out, signal }: Terminal): Promise<ExitCode> {
  const fromSources = import.meta.url.endsWith('.ts');
  const built = (name: string): string =>
    fileURLToPath(new URL(fromSources ? `../../dist/${name}/` : `../../${name}/`, import.meta.url));
  const folder = built('site');
  if (!existsSync(path.join(folder, 'index.html'))) {
    throw new BlindspotError(
      'FILE_NOT_FOUND',
      'The page is not built: run "npm run build:site" in a clone of the project',
    );
  }
  const runtimeFolder = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const docs = built('docs');
  const docsFolder = existsSync(path.join(docs, 'index.html')) ? docs : undefined;
  await using server = await startStaticServer({ folder, runtimeFolder, docsFolder, port });
  const documentation = docsFolder === undefined ? '' : `${server.url}docs/  the documentation\n`;
  out.write(`${server.url}\n${documentation}Ctrl-C ends it.\n`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return ExitCode.OK;
}
