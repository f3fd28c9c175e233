/** The likeliest classes as bars. */
interface Props {
  probabilities: Float32Array | undefined;
  names: readonly string[];
  /** The answer to the image itself, shown whatever its probability. */
  before: number;
}

const SHOWN = 10;

export function ProbabilityBars({ probabilities, names, before }: Props) {
  const classes = probabilities === undefined ? [] : [...probabilities.keys()];
  const order = (a: number, b: number) => (probabilities?.[b] ?? 0) - (probabilities?.[a] ?? 0);
  // Few classes keep their places, so that the eye can follow them.
  let shown = classes;
  if (classes.length > SHOWN) {
    const top = classes.toSorted(order).slice(0, 6);
    shown = top.includes(before) ? top : [...top.slice(0, 5), before];
  }
  const answer = probabilities === undefined ? -1 : classes.toSorted(order)[0];
  return (
    <table class={classes.length > SHOWN ? 'bars named' : 'bars'}>
      <caption>What the model answers now</caption>
      <tbody>
        {shown.map((k) => (
          <tr key={k} class={k === answer ? (k === before ? 'right' : 'wrong') : ''}>
            <th scope="row">{names[k] ?? k}</th>
            <td class="bar-cell" aria-hidden="true">
              <div class="bar" style={{ width: `${100 * (probabilities?.[k] ?? 0)}%` }} />
            </td>
            <td class="numeric">{(100 * (probabilities?.[k] ?? 0)).toFixed(1)} %</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
