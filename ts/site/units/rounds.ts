/** A round of the game: a unit and a random direction, in an order that the eye cannot know. */
import { Random } from '../../base/random.ts';
import type { UnitImages } from '../engine/messages.ts';

export const SIDES = ['left', 'right'] as const;
export type Side = (typeof SIDES)[number];

export interface Card {
  /** Positions among the images, the strongest response first. */
  readonly images: readonly number[];
  /** null: a random direction. */
  readonly unit: number | null;
}

export interface Round {
  readonly cards: Readonly<Record<Side, Card>>;
  readonly answer: Side;
}

/** The same number gives the same round. @throws when no unit of the layer tells images apart. */
export function roundOf({ units, directions }: UnitImages, number: number): Round {
  const random = new Random(number, 3);
  const unit = units[random.below(Math.max(1, units.length))];
  const direction = directions[random.below(Math.max(1, directions.length))];
  if (!unit || !direction) throw new Error('Every unit of this layer answers all images alike; choose another layer');
  const answer = SIDES[random.below(2)] ?? 'left';
  const cards: [Card, Card] = [unit, { images: direction.images, unit: null }];
  const [left, right] = answer === 'left' ? cards : cards.toReversed();
  return { cards: { left, right } as Round['cards'], answer };
}

/** Of the commonest label among the images of a card. */
export function commonest({ images }: Card, labels: Uint8Array): { label: number; count: number } {
  const counts = new Map<number, number>();
  for (const image of images) counts.set(labels[image] ?? -1, (counts.get(labels[image] ?? -1) ?? 0) + 1);
  const [label, count] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [-1, 0];
  return { label, count };
}
