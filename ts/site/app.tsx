/** The page: four views, and the part of the address that says which, and what they show. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { Engine } from './engine/engine.ts';
import { PaperView } from './paper/paper_view.tsx';
import { PlayView } from './play/play_view.tsx';
import { SpeedView } from './speed/speed_view.tsx';
import { formatState, type PageState, parseState, VIEWS, type View } from './state.ts';
import { UnitsView } from './units/units_view.tsx';

const TITLES: Readonly<Record<View, string>> = { play: 'Play', units: 'Units', paper: 'The paper', speed: 'Speed' };

const engine = new Engine();

export function App() {
  const [state, setState] = useState(() => parseState(location.hash));
  useEffect(() => {
    const read = () => setState(parseState(location.hash));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  const change = useCallback((part: Partial<PageState>) => {
    setState((last) => {
      const next = { ...last, ...part };
      history.replaceState(null, '', formatState(next));
      return next;
    });
  }, []);
  return (
    <>
      <header class="masthead bar">
        <a class="brand" href="#play">
          blindspot
        </a>
        <nav aria-label="Views">
          {VIEWS.map((view) => (
            <a
              key={view}
              href={formatState({ ...state, view })}
              aria-current={state.view === view ? 'page' : undefined}
            >
              {TITLES[view]}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {/* Kept when it is not shown: what was found is not searched again. */}
        <div hidden={state.view !== 'play'}>
          <PlayView engine={engine} state={state} change={change} />
        </div>
        {state.view === 'units' && <UnitsView engine={engine} state={state} change={change} />}
        {state.view === 'paper' && <PaperView state={state} change={change} />}
        {state.view === 'speed' && <SpeedView engine={engine} />}
      </main>
      <footer>
        <p>
          Nothing leaves your machine: models, pictures and searches stay in this browser, and the page is forbidden to
          talk to anyone but the server it came from. The method is that of Szegedy et al. 2013,{' '}
          <cite>Intriguing properties of neural networks</cite>. <a href="docs/">Documentation</a>
        </p>
      </footer>
    </>
  );
}
