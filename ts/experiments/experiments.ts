/** Everything that can be reproduced, in the order of the report. */
import { invalidArgument } from '../errors.ts';
import { adversarialTraining } from './adversarial_training.ts';
import { cifar } from './cifar.ts';
import { type AnyExperiment, anyExperiment } from './experiment.ts';
import { figure7 } from './figure7.ts';
import { imagenet } from './imagenet.ts';
import { quocnet } from './quocnet.ts';
import { spectral } from './spectral.ts';
import { table1 } from './table1.ts';
import { table2 } from './table2.ts';
import { table3 } from './table3.ts';
import { table4 } from './table4.ts';
import { table5 } from './table5.ts';
import { units } from './units.ts';

export const EXPERIMENTS: readonly AnyExperiment[] = [
  anyExperiment(table1),
  anyExperiment(table2),
  anyExperiment(table3),
  anyExperiment(table4),
  anyExperiment(units),
  anyExperiment(figure7),
  anyExperiment(adversarialTraining),
  anyExperiment(spectral),
  anyExperiment(table5),
  anyExperiment(imagenet),
  anyExperiment(cifar),
  anyExperiment(quocnet),
];

/** What --only takes, for help texts. */
export const EXPERIMENT_NAMES: readonly string[] = EXPERIMENTS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);

/**
 * @param names as --only has them; all experiments when undefined.
 * @throws INVALID_ARGUMENT listing the names there are.
 */
export function chooseExperiments(names: readonly string[] | undefined): readonly AnyExperiment[] {
  if (names === undefined) return EXPERIMENTS;
  const chosen = names.map((wanted) => {
    const found = EXPERIMENTS.find(({ name, aliases = [] }) => [name, ...aliases].includes(wanted.toLowerCase()));
    if (found === undefined) throw invalidArgument('only', `names among ${EXPERIMENT_NAMES.join(', ')}`, wanted);
    return found;
  });
  return EXPERIMENTS.filter((experiment) => chosen.includes(experiment));
}
