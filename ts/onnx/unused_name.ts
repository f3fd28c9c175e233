/** A name for a value that a rewrite adds. */
import type { Model } from './model.ts';

/** `stem`, or with as many underscores after it as it takes to be new. */
export function unusedName(model: Pick<Model, 'values' | 'initializers' | 'inputs'>, stem: string): string {
  let name = stem;
  const taken = (): boolean =>
    model.values.has(name) || model.initializers.has(name) || model.inputs.some((input) => input.name === name);
  while (taken()) name = `${name}_`;
  return name;
}
