/** What `check` says of a file, and what the model wants of its pixels. */
import type { ModelCheck } from '../../model/check_model.ts';
import { formatCount, formatSeconds } from '../../report/number_format.ts';
import { INPUT_CHOICES } from '../catalog.ts';
import { FileDrop } from './file_drop.tsx';

interface Props {
  check: ModelCheck;
  input: string;
  onInput: (id: string) => void;
  onNames: (file: File) => void;
}

export function ModelFacts({ check, input, onInput, onNames }: Props) {
  const { file, classifier, gradient, notOriginal } = check;
  const missing = file.operators.filter(({ supported }) => !supported).map(({ op }) => op);
  const facts: [string, string][] = [
    [
      'Operators',
      file.operators
        .slice(0, 5)
        .map(({ op, count }) => `${count} ${op}`)
        .join(', '),
    ],
    ['Weights', formatCount(file.parameters)],
  ];
  if (missing.length > 0) facts.push(['Not supported', missing.join(', ')]);
  if (classifier) facts.push(['Images', classifier.imageShape.join(' × ')], ['Classes', String(classifier.classes)]);
  if (gradient) {
    const health = gradient.zero > 0 ? 'zero' : gradient.notFinite > 0 ? 'not finite' : 'finite and not 0';
    facts.push(['Gradient', `${health}, ${formatSeconds(gradient.seconds)}`]);
  }
  if (notOriginal !== undefined) facts.push(['Judged by', `a float32 copy: ${notOriginal}`]);
  return (
    <div class="model-facts">
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <label class="field">
        It takes pixels as
        <select value={input} onChange={({ currentTarget }) => onInput(currentTarget.value)}>
          {INPUT_CHOICES.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {classifier && <FileDrop label="Class names" accept=".txt,.json" onFile={onNames} />}
    </div>
  );
}
