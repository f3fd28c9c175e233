/** A model of this project: its layers and how it is trained. */
import type { ModelDefinition } from '../ts/nn/layers.ts';
import { type Recipe, type TrainedModel, type TrainOptions, trainClassifier } from '../ts/nn/train_classifier.ts';

/** What a caller decides about a training; `recipe` replaces single settings of the model's own. */
export type ModelTrainOptions = Omit<TrainOptions, 'model' | 'recipe'> & { readonly recipe?: Partial<Recipe> };

export interface ModelEntry {
  readonly name: string;
  readonly definition: ModelDefinition;
  readonly recipe: Recipe;
  train(options: ModelTrainOptions): Promise<TrainedModel>;
}

/** A model trained in one go by its recipe. */
export function classifierEntry(definition: ModelDefinition, recipe: Recipe): ModelEntry {
  return {
    name: definition.name,
    definition,
    recipe,
    train: (options) => trainClassifier({ ...options, model: definition, recipe: { ...recipe, ...options.recipe } }),
  };
}
