/** This browser's WebAssembly beside the native figures of docs/benchmarks.json. */
import { useEffect, useState } from 'preact/hooks';
import { formatCount } from '../../report/number_format.ts';
import { allDigits, fetched } from '../catalog.ts';
import { Cancelled, type Engine } from '../engine/engine.ts';
import type { BrowserSpeed } from '../engine/messages.ts';
import { FileDrop } from '../play/file_drop.tsx';
import type { NativeFigures } from './native_figures.ts';

const MODEL = 'fc100-100-10';

interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly own: boolean;
}

export function SpeedView({ engine }: { engine: Engine }) {
  const [native, setNative] = useState<NativeFigures | undefined>();
  const [own, setOwn] = useState<NativeFigures | undefined>();
  const [speed, setSpeed] = useState<BrowserSpeed | undefined>();
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<string | undefined>();
  const tell = (cause: unknown) => {
    if (!(cause instanceof Cancelled)) setError(cause instanceof Error ? cause.message : String(cause));
  };
  useEffect(() => {
    fetched('data/native.json')
      .then((bytes) => setNative(JSON.parse(new TextDecoder().decode(bytes)) as NativeFigures))
      .catch(tell);
  }, []);
  const measure = async () => {
    setRunning(true);
    setError(undefined);
    try {
      if (!engine.has(MODEL)) await engine.open(MODEL, await fetched(`data/${MODEL}.onnx`));
      setSpeed(await engine.speed(MODEL, await allDigits()));
    } catch (cause) {
      tell(cause);
    } finally {
      setRunning(false);
    }
  };
  const takeFigures = async (file: File) => {
    setError(undefined);
    try {
      const { nativeFigures } = await import('./native_figures.ts');
      setOwn(nativeFigures(await file.text()));
    } catch (cause) {
      setError(`${file.name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  };
  const images: Row[] = [
    ...(speed ? [{ name: 'this browser', perSecond: 1 / speed.imageSeconds, own: true }] : []),
    ...imageRows(own, 'yours, '),
    ...imageRows(native, ''),
  ];
  const iterations: Row[] = [
    ...(speed ? [{ name: 'this browser', perSecond: 1 / speed.iterationSeconds, own: true }] : []),
    ...iterationRows(own, 'yours, '),
    ...iterationRows(native, ''),
  ];
  return (
    <>
      <h1>How fast is this browser?</h1>
      <p class="lead">
        The same C++, as WebAssembly here and as a native addon in Node. A measurement takes some seconds; keep the page
        in front meanwhile.
      </p>
      <div class="actions">
        <button type="button" onClick={measure} disabled={running}>
          {running ? 'Measuring…' : speed ? 'Measure again' : 'Measure this browser'}
        </button>
        {running && (
          <button type="button" onClick={() => engine.cancel()}>
            Cancel
          </button>
        )}
        {speed && (
          <button type="button" onClick={() => navigator.clipboard.writeText(markdown(images, iterations)).catch(tell)}>
            Copy as Markdown
          </button>
        )}
        <FileDrop label="Your own native figures" accept=".json" onFile={takeFigures} />
      </div>
      <p class="note">
        Yours are what <code>npx blindspot bench --only kernel,scale</code> writes to out/bench/results.json.
      </p>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <SpeedTable title="Images a second" note="FC100-100-10, fast, any mistake, 64 lanes" rows={images} />
      <SpeedTable
        title="L-BFGS-B iterations a second"
        note="784 variables, m = 10, double, without the function"
        rows={iterations}
      />
      {native && (
        <p class="note">
          Native figures: {native.cpu}, {native.date}, as in docs/benchmarks.md.
          {own && ` Yours: ${own.cpu}, ${own.date}.`}
        </p>
      )}
    </>
  );
}

const LANES = 64;

function imageRows(figures: NativeFigures | undefined, whose: string): Row[] {
  const found = figures?.imageSeconds.find(({ lanes }) => lanes === LANES);
  return found ? [{ name: `${whose}native, one worker`, perSecond: 1 / found.seconds, own: false }] : [];
}

function iterationRows(figures: NativeFigures | undefined, whose: string): Row[] {
  return (figures?.iterationSeconds ?? []).map(({ engine, seconds }) => {
    const name = engine.startsWith('wasm') ? `${engine}, in Node` : engine;
    return { name: `${whose}${name}`, perSecond: 1 / seconds, own: false };
  });
}

function SpeedTable({ title, note, rows }: { title: string; note: string; rows: readonly Row[] }) {
  const most = Math.max(...rows.map(({ perSecond }) => perSecond));
  return (
    <section>
      <h2>{title}</h2>
      <p class="note">{note}</p>
      <table class="bars speed">
        <tbody>
          {rows.map(({ name, perSecond, own }) => (
            <tr key={name} class={own ? 'wrong' : ''}>
              <th scope="row">{name}</th>
              <td class="bar-cell" aria-hidden="true">
                <div class="bar" style={{ width: `${(100 * perSecond) / most}%` }} />
              </td>
              <td class="numeric">{formatCount(perSecond)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function markdown(images: readonly Row[], iterations: readonly Row[]): string {
  const table = (title: string, rows: readonly Row[]): string =>
    [
      `| | ${title} |`,
      '|---|---:|',
      ...rows.map(({ name, perSecond }) => `| ${name} | ${formatCount(perSecond)} |`),
    ].join('\n');
  return `${table('images a second', images)}\n\n${table('L-BFGS-B iterations a second', iterations)}\n\n${navigator.userAgent}\n`;
}
