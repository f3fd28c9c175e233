/** The images that move the units of a layer most, and those that move as many random directions (Szegedy et al. 2013, section 3). */
import { randomDirections } from '../../analysis/units/directions.ts';
import { layerSpace, probeGraph } from '../../analysis/units/probe_graph.ts';
import { TopImages } from '../../analysis/units/top_images.ts';
import { Random } from '../../base/random.ts';
import { readModel } from '../../onnx/read_model.ts';
import { isStatic } from '../../onnx/shape.ts';
import { type IntermediateValue, intermediateValues } from '../../onnx/slice_model.ts';
import type { SessionFactory } from '../../runtime/session.ts';
import type { UnitImages } from './messages.ts';

/** A layer of fewer is soon played through. */
const FEWEST_UNITS = 4;
const MOST_UNITS = 256;
const BATCH = 100;

/**
 * @param layer one of those that the answer lists; undefined: the first that follows an activation.
 * @param pixels [images, n]
 */
export async function unitImages(
  createSession: SessionFactory,
  bytes: Uint8Array,
  { layer, pixels, images, top }: { layer: string | undefined; pixels: Float32Array; images: number; top: number },
): Promise<UnitImages> {
  const model = readModel(bytes);
  const layers = intermediateValues(model).filter(({ shape }) => unitsOf(shape) >= FEWEST_UNITS);
  const chosen = layers.find(({ name }) => name === layer) ?? layers.find(({ op }) => isActivation(op)) ?? layers[0];
  if (chosen === undefined) throw new Error(`No layer of this model has ${FEWEST_UNITS} units or more`);
  const space = layerSpace(model, chosen.name, 'channels');
  const count = Math.min(space.units, MOST_UNITS);
  const units = [...new Random(0, 1).permutation(space.units).subarray(0, count)];
  const order = new Random(0, 2).permutation(images);
  const [natural, random] = [new TopImages(count, top, order), new TopImages(count, top, order)];
  const graph = probeGraph(model, space, units, randomDirections(count, space.units, new Random(0)));
  const shape = model.inputs[0]?.shape.slice(1) ?? [];
  const n = pixels.length / images;
  await using session = await createSession(graph);
  for (let first = 0; first < images; first += BATCH) {
    const rows = Math.min(BATCH, images - first);
    const data = pixels.slice(first * n, (first + rows) * n);
    const answers = await session.run({ image: { data, dims: [rows, ...shape.map(Number)] } });
    natural.add(answers['natural']?.data ?? new Float32Array(), first);
    random.add(answers['random']?.data ?? new Float32Array(), first);
  }
  const found = (probes: TopImages, at: number): number[] => probes.of(at).map(({ index }) => index);
  return {
    layers: layers.map(({ name, shape: own }) => ({ name, units: unitsOf(own) })),
    layer: chosen.name,
    // A unit that answers all images alike has no images of its own.
    units: units.flatMap((unit, at) => (natural.isConstant(at) ? [] : [{ unit, images: found(natural, at) }])),
    directions: units.flatMap((_, at) => (random.isConstant(at) ? [] : [{ images: found(random, at) }])),
  };
}

function isActivation(op: string): boolean {
  return ['Sigmoid', 'Relu', 'Tanh', 'Gelu', 'LeakyRelu'].includes(op);
}

/** Of [N, units, …] of known sizes; else 0. */
function unitsOf(shape: IntermediateValue['shape']): number {
  const image = shape.slice(1);
  return isStatic(image) ? (image[0] ?? 0) : 0;
}
