/**
 * Adversarial training with fresh examples: each step first goes from the batch to where its loss rises fastest, then
 * learns from both,
 *
 *     g = ∂L(h)/∂h,   r = ε·g/‖g‖₂  or  ε·sign(g),   h' = clip(h + r),   loss = ½·L(h) + ½·L(h'),
 *
 * all in one graph (ADR 13). L is the recipe's loss, h the input or the output of a hidden layer, of which the examples train the layers above
 * (Szegedy et al. 2013, section 4.2; the single step is that of Goodfellow, Shlens & Szegedy 2015, section 6). h' counts
 * as a constant: nothing is differentiated through the attack.
 */
import { invalidArgument } from '../errors.ts';
import { gradients } from '../onnx/gradients.ts';
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { GraphTarget } from '../onnx/op_rule.ts';
import type { Value } from '../onnx/value.ts';
import type { ModelDefinition } from './layers.ts';
import { classificationLoss, type LossSettings } from './losses.ts';
import { applyLayers, placeLayers } from './network.ts';
import type { ForwardPass } from './train_graph.ts';

/** Where examples are made, and how far away. */
export interface AdversarialStep {
  readonly norm: 'l2' | 'linf';
  /** ε: the length of the step in that norm, in the units of the values there. */
  readonly radius: number;
  /** `input` (the default), or `hidden1`, `hidden2`, …: the output of the first, second, … activation. */
  readonly at?: string;
}

/** Of layer outputs that may be distorted. */
export interface Place {
  readonly name: string;
  /** Layers below it: the place is the output of the last of them. */
  readonly layers: number;
  /** What values there are possible. */
  readonly least: number;
  readonly most: number;
}

const RANGES = { sigmoid: [0, 1], tanh: [-1, 1], relu: [0, Number.POSITIVE_INFINITY] } as const;

/** The input, and the output of every activation that is not within a residual block, whose input is needed above it. */
export function adversarialPlaces(model: ModelDefinition): Place[] {
  const places: Place[] = [{ name: 'input', layers: 0, least: 0, most: 1 }];
  let blocks = 0;
  for (const [index, { layer }] of placeLayers(model).entries()) {
    if (layer.type === 'skip-start') blocks++;
    if (layer.type === 'skip-end') blocks--;
    if (blocks > 0) continue;
    if (layer.type !== 'sigmoid' && layer.type !== 'tanh' && layer.type !== 'relu') continue;
    const [least, most] = RANGES[layer.type];
    places.push({ name: `hidden${places.length}`, layers: index + 1, least, most });
  }
  return places;
}

/** @throws INVALID_ARGUMENT naming what is wrong, with the places there are. */
export function placeOf(model: ModelDefinition, { norm, radius, at = 'input' }: AdversarialStep): Place {
  if (norm !== 'l2' && norm !== 'linf') throw invalidArgument('adversarial', 'the norm l2 or linf', norm);
  if (!(radius > 0 && Number.isFinite(radius))) throw invalidArgument('adversarial', 'a positive radius', radius);
  const places = adversarialPlaces(model);
  const place = places.find(({ name }) => name === at);
  if (place === undefined) {
    const names = places.map(({ name }) => name).join(', ');
    throw invalidArgument('adversarial', `one of the places ${names} of ${model.name}`, at);
  }
  return place;
}

const STEP = /^(l2|linf)=(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)(?:@([a-z]+\d*))?$/i;

/**
 * `l2=1.0`, `linf=0.1`, `l2=0.5@hidden1`; several with commas between, which take turns from batch to batch.
 * @throws INVALID_ARGUMENT.
 */
export function parseAdversarial(text: string): AdversarialStep[] {
  return text.split(',').map((part) => {
    const [, norm, radius, at] = STEP.exec(part.trim()) ?? [];
    if (norm === undefined || !(Number(radius) > 0)) {
      throw invalidArgument('adversarial', 'l2=RADIUS or linf=RADIUS, or l2=RADIUS@hidden1', text);
    }
    return {
      norm: norm.toLowerCase() as AdversarialStep['norm'],
      radius: Number(radius),
      ...(at === undefined ? {} : { at: at.toLowerCase() }),
    };
  });
}

/**
 * The forward pass on a batch and on its adversarial examples.
 * @param image [N, ...inputShape]; labels [N, classes]; parameters and masks (of dropout, the same for both) by name.
 * @returns the mean of both losses; reports logits [N, classes] of the batch itself.
 */
export function adversarialForward(
  graph: GraphBuilder,
  model: ModelDefinition,
  step: AdversarialStep,
  { image, labels, parameters, masks, target }: AdversarialInputs,
  settings?: LossSettings,
): ForwardPass & { readonly example: Value } {
  const place = placeOf(model, step);
  const above = { from: place.layers };
  const running = new Map<string, Value>();
  const values = applyLayers(graph, model, image, parameters, masks, { to: place.layers }, running);
  const logits = applyLayers(graph, model, values, parameters, masks, above, running);
  const clean = classificationLoss(graph, settings, logits, labels);
  // Half of the loss, as the gradient by the weights has it, too: the same nodes, which ONNX Runtime may share.
  const [gradient] = gradients(graph, clean, [values], graph.scalar(0.5), { target });
  const moved = graph.add(values, normalisedStep(graph, gradient as Value, step));
  const example = clip(graph, moved, place);
  // Examples are normalised by their own means, too, but leave the running ones alone.
  const range = { ...above, prefix: 'adversarial.' };
  const others = applyLayers(graph, model, example, parameters, masks, range, new Map());
  const adversarial = classificationLoss(graph, settings, others, labels);
  const half = graph.scalar(0.5);
  const loss = graph.add(graph.mul(clean, half), graph.mul(adversarial, half));
  return { loss, reports: { logits }, running, held: [example], example };
}

export interface AdversarialInputs {
  readonly image: Value;
  readonly labels: Value;
  readonly parameters: ReadonlyMap<string, Value>;
  readonly masks: ReadonlyMap<string, Value>;
  readonly target: GraphTarget;
}

/**
 * r, an image each; 0 where the gradient is. Gradients of images that the network is sure of are tiny: they are divided
 * by their largest element first, since their squares would be 0 in float32.
 */
function normalisedStep(graph: GraphBuilder, gradient: Value, { norm, radius }: AdversarialStep): Value {
  const epsilon = graph.scalar(radius);
  if (norm === 'linf') {
    const zero = graph.scalar(0);
    const down = graph.where(graph.greater(zero, gradient), graph.scalar(-radius), zero);
    return graph.where(graph.greater(gradient, zero), epsilon, down);
  }
  const axes = gradient.shape.slice(1).map((_, i) => i + 1);
  const largest = graph.reduceMax(graph.op('Abs', [gradient]), axes);
  const scaled = graph.div(gradient, graph.op('Max', [largest, graph.scalar(1e-30)]));
  const length = graph.sqrt(graph.reduceSum(graph.mul(scaled, scaled), axes));
  return graph.mul(scaled, graph.div(epsilon, graph.op('Max', [length, graph.scalar(0.5)])));
}

function clip(graph: GraphBuilder, x: Value, { least, most }: Place): Value {
  if (most === Number.POSITIVE_INFINITY) return graph.op('Max', [x, graph.scalar(least)]);
  return graph.op('Clip', [x, graph.scalar(least), graph.scalar(most)]);
}
