/** `attack` and `check` of a model that is open already or is opened for it, whatever the platform. */
import { checkFile, type ModelCheck } from '../model/check_model.ts';
import { withPreprocessor } from '../model/preprocessor.ts';
import type { AttackData } from './attack_data.ts';
import { prepareData } from './attack_data.ts';
import type { AttackPlatform } from './attack_on.ts';
import { type AttackOptions, completeAttackOptions } from './attack_options.ts';
import {
  type ModelSource,
  modelBytes,
  OpenedModel,
  type OpenModelOptions,
  openModelOn,
  preprocessorOf,
} from './opened_model.ts';
import type { AttackOutcome } from './result.ts';

/** @throws as `attack` does. */
export async function attackWith(
  platform: AttackPlatform,
  model: ModelSource | OpenedModel,
  data: AttackData,
  options: AttackOptions,
): Promise<AttackOutcome> {
  if (model instanceof OpenedModel) return await model.attack(data, options);
  const { input, output, provider, preprocessor, ...own } = options;
  // Before the model is read: a wrong option is told at once.
  completeAttackOptions(own);
  await using opened = await openModelOn(platform, model, { input, output, provider, preprocessor });
  return await opened.attack(data, own);
}

/** @throws as `check` does. */
export async function checkWith(
  platform: AttackPlatform,
  model: ModelSource,
  data: AttackData | undefined,
  { provider = platform.defaultProvider, preprocessor, ...options }: OpenModelOptions,
): Promise<ModelCheck> {
  const bytes = await modelBytes(platform, model);
  const load =
    data === undefined ? undefined : async (shape: Parameters<typeof prepareData>[1]) => prepareData(data, shape);
  const config = await preprocessorOf(platform, model, preprocessor);
  const input = withPreprocessor(options.input, config);
  return await checkFile(platform.createSession, bytes, load, { ...options, input, provider });
}
