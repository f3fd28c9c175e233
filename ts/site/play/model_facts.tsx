/** What `check` says of a file, and what the model wants of its pixels. */
import type { ModelCheck } from '../../model/check_model.ts';
import { formatCount, formatSeconds } from '../../report/number_format.ts';
import { INPUT_CHOICES } from '../catalog.ts';
import { FileDrop } from './file_drop.tsx';
import { FROM_FILE, type OwnModel } from './own_model.ts';

interface Props {
  own: OwnModel;
  check: ModelCheck;
  onChange: (part: Partial<OwnModel>) => void;
  onNames: (file: File) => void;
  onPreprocessor: (file: File) => void;
}

export function ModelFacts({ own, check, onChange, onNames, onPreprocessor }: Props) {
  const { range, channels, preprocessor } = own;
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
        <select value={range} onChange={({ currentTarget }) => onChange({ range: currentTarget.value })}>
          {INPUT_CHOICES.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          {preprocessor && <option value={FROM_FILE}>as {preprocessor.file} says</option>}
        </select>
      </label>
      {classifier?.imageShape.includes(3) === true && range !== FROM_FILE && (
        <label class="field">
          Its first channel is
          <select
            value={channels}
            onChange={({ currentTarget }) => onChange({ channels: currentTarget.value === 'bgr' ? 'bgr' : 'rgb' })}
          >
            <option value="rgb">red</option>
            <option value="bgr">blue</option>
          </select>
        </label>
      )}
      <FileDrop label="preprocessor_config.json" accept=".json" onFile={onPreprocessor} />
      {classifier && <FileDrop label="Class names" accept=".txt,.json" onFile={onNames} />}
    </div>
  );
}
