/**
 * Figures 3, 4 and 5 and table 5 on a network trained on ImageNet. The paper's AlexNet is not to be had; MobileNet v1 0.25
 * stands in for it, or whatever network the user names.
 */
import { productOfNorms, type TrainedNorm, trainedNorms } from '../analysis/spectral/trained_norms.ts';
import { inspectUnits, type UnitInspection } from '../analysis/units/inspect_units.ts';
import { unitFigurePng } from '../analysis/units/unit_figure.ts';
import { loadCifar10 } from '../data/cifar10.ts';
import { imageSize } from '../data/image_set.ts';
import { intermediateValues } from '../onnx/slice_model.ts';
import { createSession } from '../runtime/node_session.ts';
import type { Experiment } from './experiment.ts';
import { findOstriches, type Ostrich } from './imagenet_ostriches.ts';
import { renderImagenet } from './imagenet_report.ts';
import { enlarged, type ImagenetNetwork, loadPhotos, readImagenetNetwork, sourceDigest } from './imagenet_source.ts';

export interface Imagenet {
  readonly network: string;
  readonly photos: number;
  readonly pixels: number;
  readonly ostriches: readonly Ostrich[];
  readonly layers: readonly PhotoUnits[];
  readonly norms: readonly TrainedNorm[];
  /** L ≤ Π L_k; null for a network that branches. */
  readonly product: number | null;
}

export interface PhotoUnits extends Omit<UnitInspection, 'natural' | 'random' | 'shown'> {
  readonly figure: string;
  readonly source: string;
}

/** Labelled photos in which units are looked for; from so many on, they take the place of CIFAR-10's images. */
const ENOUGH_PHOTOS = 100;
/** CIFAR-10's test images otherwise, as many as fit into 300 MB at 224×224. */
const ENLARGED = 500;
const TOP = 5;

export const imagenet: Experiment<Imagenet> = {
  name: 'imagenet',
  aliases: ['figure3', 'figure4', 'figure5'],
  title: 'ImageNet: figures 3, 4 and 5, and table 5 of a trained network',
  version: 3,
  parameters: { top: TOP, enlarged: ENLARGED, enough: ENOUGH_PHOTOS },
  models: [],
  seconds: 90,
  source: (study) => sourceDigest(study.imagenet),
  async run(study, tell) {
    const { signal, imagenet: source } = study;
    const isQuick = study.settings.profile === 'quick';
    const network = await readImagenetNetwork(source);
    tell(0, 'photos that become ostriches');
    const photos = await loadPhotos(source, network, signal, isQuick ? 1 : undefined);
    const { ostriches, png } = await findOstriches(network, source, photos, signal);
    const figures: Record<string, Uint8Array> = { 'figure5.png': png };
    const pictures =
      photos.count >= ENOUGH_PHOTOS && photos.unlabelled !== true
        ? photos
        : enlarged(await loadCifar10({ count: isQuick ? 20 : ENLARGED, signal }), network);
    const layers: PhotoUnits[] = [];
    const chosen = layersToInspect(network);
    for (const [i, layer] of chosen.entries()) {
      const inspection = await inspectUnits(network.model, pictures, {
        layer,
        top: TOP,
        seed: study.settings.seed,
        createSession,
        signal,
        onProgress: (done, total) => tell(0.3 + (0.4 * (i + done / total)) / chosen.length, `units of ${layer}`),
      });
      const figure = `imagenet_units_${i + 1}.png`;
      figures[figure] = await unitFigurePng(inspection, pictures, { title: `${network.label}: ${layer}` });
      const { natural: _natural, random: _random, shown: _shown, ...rest } = inspection;
      layers.push({ ...rest, figure, source: pictures.source });
    }
    const norms = await trainedNorms(network.model, async (done, of) => {
      tell(0.7 + (0.3 * done) / of, `norms of ${network.label}, ${done} of ${of}`);
      // Between two layers, Ctrl-C is heard.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    });
    const product = productOfNorms(network.model, norms);
    const pixels = imageSize(network.imageShape);
    return {
      result: { network: network.label, photos: photos.count, pixels, ostriches, layers, norms, product },
      figures,
    };
  },
  render: renderImagenet,
};

/** What the last layer with weights reads, and what the one in the middle does. */
function layersToInspect({ model }: ImagenetNetwork): string[] {
  const values = intermediateValues(model);
  const names = new Set(values.map(({ name }) => name));
  const read = model.nodes
    .filter(({ op }) => ['Conv', 'Gemm', 'MatMul'].includes(op))
    .map(({ inputs }) => inputs[0] ?? '')
    .filter((name) => names.has(name));
  const chosen = [read[Math.floor(read.length / 2)], read.at(-1)];
  return [...new Set(chosen.filter((name) => name !== undefined))];
}
