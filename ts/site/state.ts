/** What the page shows, as the part of its address after '#': `#play?model=fc10&image=digit-23&target=3&png=1&t=1.5`. */

import { RESIZE_FITS, type ResizeFit } from '../data/picture_fit.ts';
import { ACROSS, type Across } from './play/plane.ts';
import { SIDES, type Side } from './units/rounds.ts';

export const VIEWS = ['play', 'units', 'paper', 'speed'] as const;
export type View = (typeof VIEWS)[number];

export interface PageState {
  readonly view: View;
  readonly model: string;
  readonly image: string;
  /** A class; null for any mistake. */
  readonly target: number | null;
  /** Search among images of 8 bits a pixel. */
  readonly png: boolean;
  /** Where between the image (0) and its mistake (1), and beyond. */
  readonly t: number;
  /** What the plane of the decision regions is spanned by, beside the change. */
  readonly across: Across;
  /** Of a random one. */
  readonly seed: number;
  /** Of the game with units; empty: the first that follows an activation. */
  readonly layer: string;
  /** From 1. */
  readonly round: number;
  /** Rounds answered right so far. */
  readonly right: number;
  /** What was chosen in this round; null: nothing yet. */
  readonly pick: Side | null;
  /** How a picture of the user's is made to fit the model. */
  readonly fit: ResizeFit;
  /** Of the paper's tables, whose images are shown: '2.4.1'; empty: none. */
  readonly cell: string;
}

export const LARGEST_T = 3;

export const FIRST_STATE: PageState = {
  view: 'play',
  model: 'fc100-100-10',
  image: 'digit-70',
  target: null,
  png: false,
  t: 1,
  across: 'search',
  seed: 1,
  layer: '',
  round: 1,
  right: 0,
  pick: null,
  fit: 'cover',
  cell: '',
};

/** Whatever the address holds: what cannot be read is as on a first visit. */
export function parseState(hash: string): PageState {
  const [name = '', query = ''] = hash.replace(/^#/, '').split('?');
  const params = new URLSearchParams(query);
  const t = Number(params.get('t') ?? FIRST_STATE.t);
  return {
    view: VIEWS.find((view) => view === name) ?? FIRST_STATE.view,
    model: params.get('model') ?? FIRST_STATE.model,
    image: params.get('image') ?? FIRST_STATE.image,
    target: wholeNumber(params.get('target')),
    png: params.get('png') === '1',
    across: ACROSS.find((across) => across === params.get('across')) ?? FIRST_STATE.across,
    seed: wholeNumber(params.get('seed')) ?? FIRST_STATE.seed,
    layer: params.get('layer') ?? FIRST_STATE.layer,
    round: Math.max(1, wholeNumber(params.get('round')) ?? FIRST_STATE.round),
    right: wholeNumber(params.get('right')) ?? FIRST_STATE.right,
    pick: SIDES.find((side) => side === params.get('pick')) ?? FIRST_STATE.pick,
    fit: RESIZE_FITS.find((fit) => fit === params.get('fit')) ?? FIRST_STATE.fit,
    cell: params.get('cell') ?? FIRST_STATE.cell,
    t: Number.isFinite(t) ? Math.min(LARGEST_T, Math.max(0, t)) : FIRST_STATE.t,
  };
}

/** Only what differs from a first visit. */
export function formatState(state: PageState): string {
  const params = new URLSearchParams();
  if (state.model !== FIRST_STATE.model) params.set('model', state.model);
  if (state.image !== FIRST_STATE.image) params.set('image', state.image);
  if (state.target !== null) params.set('target', String(state.target));
  if (state.png) params.set('png', '1');
  if (state.t !== FIRST_STATE.t) params.set('t', String(Number(state.t.toFixed(2))));
  if (state.across !== FIRST_STATE.across) params.set('across', state.across);
  if (state.seed !== FIRST_STATE.seed) params.set('seed', String(state.seed));
  if (state.layer !== FIRST_STATE.layer) params.set('layer', state.layer);
  if (state.round !== FIRST_STATE.round) params.set('round', String(state.round));
  if (state.right !== FIRST_STATE.right) params.set('right', String(state.right));
  if (state.pick !== null) params.set('pick', state.pick);
  if (state.fit !== FIRST_STATE.fit) params.set('fit', state.fit);
  if (state.cell !== '') params.set('cell', state.cell);
  const query = params.toString();
  return `#${state.view}${query === '' ? '' : `?${query}`}`;
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}
