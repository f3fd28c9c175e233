/**
 * Unit inspection (Szegedy et al. 2013, section 3): which held-out images move a unit of a layer most,
 * x' = argmax ⟨φ(x), e_i⟩, against random directions of the same space, x' = argmax ⟨φ(x), v⟩. The paper's claim, that
 * directions look as meaningful as units, becomes a number: the purity of the labels of the images found.
 */

import { Random } from '../../base/random.ts';
import { adaptImages } from '../../data/image_layout.ts';
import { type ImageSet, imageSize } from '../../data/image_set.ts';
import { BlindspotError, invalidArgument } from '../../errors.ts';
import type { Model } from '../../onnx/model.ts';
import { readModel } from '../../onnx/read_model.ts';
import { isStatic } from '../../onnx/shape.ts';
import type { SessionFactory } from '../../runtime/session.ts';
import { plainBytes } from '../model_bytes.ts';
import { randomDirections } from './directions.ts';
import { comparePurity, labelPurity, type PurityComparison, purityArea } from './label_purity.ts';
import { type LayerSpace, type LayerView, layerSpace, probeGraph } from './probe_graph.ts';
import { TopImages } from './top_images.ts';

export interface InspectOptions {
  /** Name of a value inside the model, as intermediateValues lists them. */
  layer: string;
  /** Of layers with space, see probe_graph.ts; default 'channels'. Layers without have no choice. */
  view?: LayerView;
  /** Images found for each unit and direction; default 10. */
  top?: number;
  /** Units measured at most, and directions; default 1024. More are drawn by seed. */
  maxUnits?: number;
  /** Rows of each kind that a figure shows; default 4. */
  shown?: number;
  /** Of directions, of the choice of units and rows, of ties and of the bootstrap; default 0. */
  seed?: number;
  /** Images a call; default by the size of the model's values, 1 … 500. */
  batchSize?: number;
  /** Runs the model; default ONNX Runtime in Node. */
  createSession?: SessionFactory;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface TopImage {
  /** Position in the images given. */
  index: number;
  label: number;
  /** ⟨φ(x), ·⟩ */
  activation: number;
}

export interface Probe {
  /** Unit of the layer, or number of the direction. */
  probe: number;
  /** Strongest first. */
  images: TopImage[];
  /** Share of the commonest label among them. */
  purity: number;
  /** Mean of the purities of its first 1, 2, … DEPTH images. */
  area: number;
}

export interface UnitInspection {
  layer: string;
  /** Of one image: [100], [16, 12, 12]. */
  shape: number[];
  view: LayerView;
  /** Units that the layer has, in this view. */
  units: number;
  /** Images looked through. */
  images: number;
  top: number;
  seed: number;
  /** Units measured that answer all images alike (dead): left out of everything below. */
  constantUnits: number;
  /** Units measured, ascending. */
  natural: Probe[];
  /** As many random directions. */
  random: Probe[];
  /** Drawn by seed for the figure, never by how they look. */
  shown: { natural: Probe[]; random: Probe[] };
  purity: PurityComparison;
  /** The same of the area under the purity's curve over the first so many images. */
  area: PurityComparison & { depth: number };
  /**
   * Of the layer's values on an image, a mean over the images: (1 − ā²/(mean a²))/(1 − 1/n), n values, ā the mean of |a|
   * (Rolls & Tovee 1995; Vinje & Gallant 2000): 0 when all are as large, 1 when one alone is not 0.
   */
  sparsity: number;
}

const DIRECTION_STREAM = 0;
const UNIT_STREAM = 1;
const TIE_STREAM = 2;
const SHOWN_STREAM = 3;

/** Images of the purity's curve, where there are as many. */
const DEPTH = 50;

/** Values of the directions together: 256 MB. */
const DIRECTION_VALUES = 2 ** 26;
/** Values of a batch inside the model: 128 MB. */
const BATCH_VALUES = 2 ** 25;
const LARGEST_BATCH = 500;

/**
 * JSON-ready. Images stream by in batches; memory does not grow with their number.
 * @param bytes an ONNX file of one image input, or the model read.
 * @param images held-out images in pixel space [0, 1], with labels; adapted to the model's shape.
 * @throws INVALID_ARGUMENT for an unknown layer (listing those there are) or an option out of range; INVALID_MODEL,
 *   MODEL_DATA_MISMATCH; NOT_FINITE for a layer that answers so; INVALID_DATA when every unit is constant; the signal's
 *   reason when aborted.
 */
export async function inspectUnits(
  bytes: Uint8Array | Model,
  images: ImageSet,
  options: InspectOptions,
): Promise<UnitInspection> {
  const seed = options.seed ?? 0;
  const top = wholeNumber('top', options.top ?? 10);
  const shown = wholeNumber('shown', options.shown ?? 4);
  const maxUnits = wholeNumber('maxUnits', options.maxUnits ?? 1024);
  const model = bytes instanceof Uint8Array ? readModel(plainBytes(bytes)) : bytes;
  const space = layerSpace(model, options.layer, options.view ?? 'channels');
  const imageShape = model.inputs[0]?.shape.slice(1) ?? [];
  const adapted = isStatic(imageShape) ? adaptImages(images, imageShape) : images;
  if (adapted.count < top) throw invalidArgument('top', `at most the ${adapted.count} images there are`, top);

  const count = Math.min(space.units, maxUnits, Math.max(1, Math.floor(DIRECTION_VALUES / space.units)));
  const chosen = chooseSorted(space.units, count, new Random(seed, UNIT_STREAM));
  const directions = randomDirections(count, space.units, new Random(seed, DIRECTION_STREAM));
  const order = new Random(seed, TIE_STREAM).permutation(adapted.count);
  const depth = Math.min(adapted.count, Math.max(DEPTH, top));
  const natural = new TopImages(count, depth, order);
  const random = new TopImages(count, depth, order);
  const values = space.shape.reduce((product, size) => product * size, 1);
  let sparsity = 0;
  const graph = probeGraph(model, space, chosen, directions);
  await stream(graph, adapted, batchSize(options, space, count), options, (first, responses) => {
    natural.add(responses.natural, first);
    random.add(responses.random, first);
    for (const [i, square] of responses.square.entries()) {
      sparsity += sparseness(responses.magnitude[i] as number, square, values) / adapted.count;
    }
  });

  const probe = (found: TopImages, at: number, name: number): Probe => {
    const all = found.of(at).map((image) => ({ ...image, label: adapted.labels[image.index] as number }));
    const labels = all.map(({ label }) => label);
    const images = all.slice(0, top);
    return { probe: name, images, purity: labelPurity(labels.slice(0, top)), area: purityArea(labels) };
  };
  const naturals = chosen.flatMap((unit, at) => (natural.isConstant(at) ? [] : [probe(natural, at, unit)]));
  if (naturals.length === 0) {
    throw new BlindspotError('INVALID_DATA', `Every unit of layer "${space.layer}" answers all images alike`);
  }
  const randoms = naturals.map((_, at) => probe(random, at, at));
  const draw = new Random(seed, SHOWN_STREAM);
  const rows = Math.min(shown, naturals.length);
  const pick = (probes: Probe[]): Probe[] => chooseSorted(probes.length, rows, draw).flatMap((at) => probes[at] ?? []);
  const compare = (
    of: 'purity' | 'area',
    images: number,
    measure: (labels: readonly number[]) => number,
  ): PurityComparison => {
    const values = (probes: Probe[]) => probes.map((each) => each[of]);
    return comparePurity(values(naturals), values(randoms), adapted.labels, images, { seed, measure });
  };
  return {
    layer: space.layer,
    shape: [...space.shape],
    view: space.view,
    units: space.units,
    images: adapted.count,
    top,
    seed,
    constantUnits: count - naturals.length,
    natural: naturals,
    random: randoms,
    shown: { natural: pick(naturals), random: pick(randoms) },
    purity: compare('purity', top, labelPurity),
    area: { ...compare('area', depth, purityArea), depth },
    sparsity,
  };
}

function wholeNumber(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw invalidArgument(name, 'a positive whole number', value);
  return value;
}

function chooseSorted(available: number, count: number, random: Random): number[] {
  return Array.from(random.permutation(available).subarray(0, count)).sort((a, b) => a - b);
}

function batchSize({ batchSize: given }: InspectOptions, space: LayerSpace, directions: number): number {
  if (given !== undefined) return wholeNumber('batchSize', given);
  const perImage = space.valuesPerImage + directions * (space.positions + 2);
  return Math.max(1, Math.min(LARGEST_BATCH, Math.floor(BATCH_VALUES / perImage)));
}

interface Responses {
  natural: Float32Array;
  random: Float32Array;
  magnitude: Float32Array;
  square: Float32Array;
}

/** 0 of a layer that is silent: nothing is there to be sparse. */
function sparseness(magnitude: number, square: number, values: number): number {
  return square === 0 || values < 2 ? 0 : (1 - magnitude ** 2 / square) / (1 - 1 / values);
}

async function stream(
  graph: Uint8Array,
  images: ImageSet,
  step: number,
  { createSession, onProgress, signal }: InspectOptions,
  take: (first: number, responses: Responses) => void,
): Promise<void> {
  const create = createSession ?? (await import('../../runtime/node_session.ts')).createSession;
  const size = imageSize(images.shape);
  await using session = await create(graph);
  for (let first = 0; first < images.count; first += step) {
    signal?.throwIfAborted();
    const rows = Math.min(step, images.count - first);
    const data = images.images.subarray(first * size, (first + rows) * size);
    const { natural, random, magnitude, square } = await session.run({
      image: { data, dims: [rows, ...images.shape] },
    });
    if (!natural || !random || !magnitude || !square) throw new TypeError('the probe graph gave no responses');
    take(first, { natural: natural.data, random: random.data, magnitude: magnitude.data, square: square.data });
    onProgress?.(first + rows, images.count);
  }
}
