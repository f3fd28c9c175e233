/** A model as maps and activations in turn, from its one chain of layers. */
import { BlindspotError } from '../../errors.ts';
import type { Model } from '../../onnx/model.ts';
import { poolBeforeRelu } from '../../onnx/pool_before_relu.ts';
import { sequentialChain } from '../spectral/sequential_chain.ts';
import { linearMap, sizeOf } from './affine_layers.ts';
import { type AffineMap, compose, identityMap } from './affine_map.ts';
import { bentLayer } from './bent_layers.ts';
import type { ActivationName } from './relaxation.ts';
import type { Activation, ChainNetwork } from './relaxed_network.ts';

const ACTIVATIONS: Readonly<Record<string, ActivationName | undefined>> = {
  Relu: 'relu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
};
/** They keep the order of the elements. */
const LAYOUT: ReadonlySet<string> = new Set([
  'Flatten',
  'Reshape',
  'Identity',
  'Dropout',
  'Cast',
  'Squeeze',
  'Unsqueeze',
]);

/**
 * @throws UNSUPPORTED_OP for what is not affine, a maximum, ReLU, leaky ReLU, sigmoid or tanh, or no chain;
 *   INVALID_MODEL.
 */
export function chainNetwork(model: Model): ChainNetwork {
  const maps: AffineMap[] = [];
  const activations: Activation[] = [];
  // A maximum of ReLUs is the ReLU of a maximum, with fewer units to bound.
  const links = sequentialChain(poolBeforeRelu(model));
  const [first] = links;
  const end = links.at(-1);
  if (!first || !end) throw new BlindspotError('INVALID_MODEL', 'The model has no layer to certify');
  let pending: AffineMap | undefined;
  const then = (map: AffineMap): void => {
    pending = pending === undefined ? map : compose(map, pending);
  };
  const activate = (activation: Activation, size: number): void => {
    maps.push(pending ?? identityMap(size));
    activations.push(activation);
    pending = undefined;
  };
  for (const link of links) {
    const name = ACTIVATIONS[link.node.op];
    if (LAYOUT.has(link.node.op)) continue;
    if (name !== undefined) {
      activate({ name }, sizeOf(link, link.input));
      continue;
    }
    const bent = bentLayer(link);
    for (const { before, bends } of bent?.stages ?? []) {
      then(before);
      activate({ name: 'relu', bends }, before.outputs);
    }
    then(bent?.after ?? linearMap(link));
  }
  maps.push(pending ?? identityMap(sizeOf(end, end.output)));
  return { maps, activations };
}
