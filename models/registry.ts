/** Models by name, as the command line takes them. */
import { invalidArgument } from '../ts/errors.ts';
import { alexnet, alexnetWide } from './alexnet.ts';
import { autoencoder } from './autoencoder.ts';
import { convnet } from './convnet.ts';
import { parseFc } from './fc.ts';
import type { ModelEntry } from './model_entry.ts';
import { resnet8 } from './resnet.ts';

const NAMED: Readonly<Record<string, () => ModelEntry>> = {
  convnet,
  alexnet: () => alexnet(),
  'alexnet-wide': alexnetWide,
  resnet8: () => resnet8(),
  'ae400-10': () => autoencoder(),
};

/** What may be asked for, for help texts. */
export const MODEL_NAMES = ['fc10', 'fc10(LAMBDA)', 'fc100-100-10', 'fcA-B-…-10', ...Object.keys(NAMED)] as const;

/** @throws INVALID_ARGUMENT listing the names there are. */
export function modelByName(name: string): ModelEntry {
  const wanted = name.toLowerCase();
  const entry = (Object.hasOwn(NAMED, wanted) ? NAMED[wanted]?.() : undefined) ?? parseFc(wanted);
  if (entry === undefined) throw invalidArgument('model', `one of ${MODEL_NAMES.join(', ')}`, name);
  return entry;
}
