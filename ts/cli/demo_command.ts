/** `blindspot demo`: three photos that a real network takes for ostriches, saved as PNG files (the paper's figure 5). */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { openModel } from '../attack/attack.ts';
import { checkOutputFolder } from '../base/output_folder.ts';
import { loadData } from '../data/load_data.ts';
import { EXAMPLES, readClassNames } from '../model/class_names.ts';
import { formatDistortion, formatSeconds } from '../report/number_format.ts';
import { imageLayout, toPicture } from '../report/picture.ts';
import { decodePng, encodePng } from '../report/pixels.ts';
import { saveReport } from '../report/save_attack.ts';
import { ExitCode, type Terminal } from './terminal.ts';

const OSTRICH = 9;
const SIZE = 224;

/** @param finish takes the exit code. */
export function addDemoCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('demo')
    .summary('three photos that a real ImageNet network takes for ostriches')
    .description(
      'Changes three photos as little as can be found so that MobileNet v1 (0.25), a network trained on ImageNet, takes each of them for an "ostrich, Struthio camelus", as in figure 5 of Szegedy et al. 2013; saves them as PNG files, reads them back, and asks the network again.',
    )
    .option('--out <dir>', 'folder for the pictures and the report', 'out/demo')
    .action(async (flags: { out: string }) => finish(await runDemo(flags.out, terminal)));
}

async function runDemo(folder: string, { out, signal }: Terminal): Promise<ExitCode> {
  await checkOutputFolder(folder);
  const model = path.join(EXAMPLES, 'mobilenet_v1_0.25_224.onnx');
  const imageShape = [SIZE, SIZE, 3];
  const [photos, names = []] = await Promise.all([
    loadData(path.join(EXAMPLES, 'photos'), { imageShape, classes: 1000, resize: true, signal }),
    readClassNames('imagenet', model, 1000),
  ]);
  const short = (index: number): string => (names[index] ?? String(index)).split(',')[0] ?? '';
  await using network = await openModel(model);
  const outcome = await network.attack(photos, { target: OSTRICH, quantize: 8, signal });
  await saveReport(folder, outcome, {
    model: { name: 'MobileNet v1 0.25', path: model },
    data: { name: 'three photos', path: path.join(EXAMPLES, 'photos') },
    commandLine: `npx blindspot demo --out ${folder}`,
    classNames: names,
    createdAt: new Date(),
  });
  const layout = imageLayout(imageShape);
  let ostriches = 0;
  for (const { index, cleanPrediction, distortion, success } of outcome.examples) {
    const pixels = outcome.adversarial.subarray(index * layout.size, (index + 1) * layout.size);
    const file = path.join(folder, `${short(cleanPrediction).replaceAll(' ', '_')}.png`);
    await writeFile(file, await encodePng(toPicture(pixels, layout)));
    // What anyone would do with the file: decode it and ask the network.
    const { classes } = await network.predict(await decodePng(await readFile(file), layout));
    const answer = classes[0] ?? -1;
    if (success && answer === OSTRICH) ostriches += 1;
    out.write(
      `${short(cleanPrediction)} -> ${names[answer] ?? answer}, distortion ${formatDistortion(distortion)}, saved and read back: ${file}\n`,
    );
  }
  const { seconds } = outcome.summary;
  out.write(
    `\n${ostriches} of ${outcome.examples.length} photos stay ostriches as PNG files, found in ${formatSeconds(seconds)}\n`,
  );
  out.write(`report      ${path.join(folder, 'report.html')}\n`);
  return ExitCode.OK;
}
